//! An OpenID Connect issuer that grants every request for a token, and records the requests.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// A running issuer. It stops when it is dropped.
pub(crate) struct Issuer {
    url: String,
    requests: Arc<Mutex<Vec<TokenRequest>>>,
    serving: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

#[derive(Clone)]
pub(crate) struct TokenRequest {
    pub(crate) authorization: Option<String>,
    pub(crate) form: String,
}

impl Issuer {
    /// Starts an issuer. `methods` are the methods by which a client may authenticate.
    pub(crate) fn start(methods: &[&str]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let document = json!({
            "issuer": url,
            "jwks_uri": format!("{url}keys"),
            "token_endpoint": format!("{url}token"),
            "token_endpoint_auth_methods_supported": methods,
        });
        let requests = Arc::default();
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(async move || Json(document)))
            // A key that verifies no token here.
            .route("/keys", get(async || Json(json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }))))
            .route("/token", post(grant_token))
            .with_state(Arc::clone(&requests));
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    served = axum::serve(listener, routes) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { url, requests, serving: Some((stop, thread)) }
    }

    /// Returns the issuer's URL, which is the `iss` of its tokens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn last_request(&self) -> TokenRequest {
        self.requests.lock().unwrap().last().unwrap().clone()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.serving.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

async fn grant_token(
    State(requests): State<Arc<Mutex<Vec<TokenRequest>>>>,
    headers: HeaderMap,
    form: String,
) -> Json<Value> {
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    requests.lock().unwrap().push(TokenRequest { authorization, form });
    Json(json!({ "access_token": "granted", "token_type": "Bearer", "expires_in": 3600 }))
}
