//! An OpenID Connect issuer that grants every request for a token, and records the requests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::serve::Listener;
use axum::{Json, Router};
use restctl_testkit::signing_key::SigningKey;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::authority::Issued;

/// How an issuer is served, and what it grants.
#[derive(Default)]
pub(crate) struct IssuerDesign<'a> {
    /// The methods by which a client may authenticate.
    pub(crate) methods: &'a [&'a str],
    /// The host in its URLs, by default `127.0.0.1`.
    pub(crate) host: Option<&'a str>,
    /// The name in the discovery document, by default its URL.
    pub(crate) name: Option<&'a str>,
    /// Its tokens are JWTs for this audience with the scope `read:items`. By default, they are no JWTs.
    pub(crate) audience: Option<&'a str>,
    /// How many redirects lead to the discovery document and to the keys.
    pub(crate) redirects: usize,
    /// It is served over TLS with this certificate.
    pub(crate) certificate: Option<&'a Issued>,
}

/// A running issuer. It stops when it is dropped.
pub(crate) struct Issuer {
    served: Arc<Served>,
    serving: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

#[derive(Clone)]
pub(crate) struct TokenRequest {
    pub(crate) authorization: Option<String>,
    pub(crate) form: String,
}

/// What the issuer publishes and grants.
struct Served {
    url: String,
    document: Value,
    audience: Option<String>,
    redirects: usize,
    key: SigningKey,
    keys: Mutex<(StatusCode, Value)>,
    requests: Mutex<Vec<TokenRequest>>,
}

impl Issuer {
    /// Starts an issuer. `methods` are the methods by which a client may authenticate.
    pub(crate) fn start(methods: &[&str]) -> Self {
        Self::start_with(IssuerDesign { methods, ..IssuerDesign::default() })
    }

    pub(crate) fn start_with(design: IssuerDesign<'_>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let scheme = if design.certificate.is_some() { "https" } else { "http" };
        let host = design.host.unwrap_or("127.0.0.1");
        let url = format!("{scheme}://{host}:{}/", listener.local_addr().unwrap().port());
        let key = SigningKey::generate_ec("key");
        let served = Arc::new(Served {
            url: url.clone(),
            document: json!({
                "issuer": design.name.unwrap_or(&url),
                "jwks_uri": format!("{url}keys"),
                "token_endpoint": format!("{url}token"),
                "token_endpoint_auth_methods_supported": design.methods,
            }),
            audience: design.audience.map(str::to_owned),
            redirects: design.redirects,
            keys: Mutex::new((StatusCode::OK, json!([key.jwk()]))),
            key,
            requests: Mutex::default(),
        });
        let (routes, acceptor) = (routes(Arc::clone(&served)), design.certificate.map(tls_acceptor));
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                let serving = async {
                    match acceptor {
                        Some(acceptor) => axum::serve(TlsListener { listener, acceptor }, routes).await,
                        None => axum::serve(listener, routes).await,
                    }
                };
                tokio::select! {
                    served = serving => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { served, serving: Some((stop, thread)) }
    }

    /// Returns the issuer's URL, which is the `iss` of its tokens.
    pub(crate) fn url(&self) -> &str {
        &self.served.url
    }

    pub(crate) fn last_request(&self) -> TokenRequest {
        self.served.requests.lock().unwrap().last().unwrap().clone()
    }

    /// Publishes these keys from now on, which are not those that sign.
    pub(crate) fn publish_keys(&self, status: StatusCode, keys: Value) {
        *self.served.keys.lock().unwrap() = (status, keys);
    }

    /// Returns a token as another client gets it.
    pub(crate) fn grant(&self) -> String {
        self.served.new_token()
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

fn routes(served: Arc<Served>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(answer_configuration))
        .route("/keys", get(answer_keys))
        .route("/moved/{left}/{what}", get(answer_moved))
        .route("/token", post(grant_token))
        .with_state(served)
}

async fn answer_configuration(State(served): State<Arc<Served>>) -> Response {
    answer_after(&served, served.redirects, "configuration")
}

async fn answer_keys(State(served): State<Arc<Served>>) -> Response {
    answer_after(&served, served.redirects, "keys")
}

async fn answer_moved(
    State(served): State<Arc<Served>>,
    Path((left, what)): Path<(usize, String)>,
) -> Response {
    answer_after(&served, left, &what)
}

/// Answers with the document if no redirect is left before it.
fn answer_after(served: &Served, left: usize, what: &str) -> Response {
    match (left, what) {
        (0, "keys") => {
            let (status, keys) = served.keys.lock().unwrap().clone();
            (status, Json(json!({ "keys": keys }))).into_response()
        }
        (0, _) => Json(served.document.clone()).into_response(),
        _ => Redirect::temporary(&format!("/moved/{}/{what}", left - 1)).into_response(),
    }
}

async fn grant_token(State(served): State<Arc<Served>>, headers: HeaderMap, form: String) -> Json<Value> {
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    served.requests.lock().unwrap().push(TokenRequest { authorization, form });
    let token = served.new_token();
    Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 }))
}

impl Served {
    fn new_token(&self) -> String {
        let Some(audience) = &self.audience else { return "granted".to_owned() };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        self.key.token(&json!({
            "iss": self.url, "sub": "client", "aud": audience, "scope": "read:items",
            "iat": now, "exp": now + 3600,
        }))
    }
}

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            // A client that rejects the certificate disconnects.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

pub(crate) fn tls_acceptor(issued: &Issued) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(issued.key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
