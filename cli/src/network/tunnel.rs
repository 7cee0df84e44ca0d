//! Connections through the proxy, and why it refuses one.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::uri::Authority;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::proxy::{Proxy, bracketed, trim_brackets};
use crate::failure::{Failure, FailureContext, Result, shell_argument};

/// What a message shows of the proxy's text: how many authentication schemes, and how many characters of each.
const MAX_SCHEMES: usize = 4;
const MAX_SCHEME_CHARACTERS: usize = 20;

/// From the connection to the proxy to that of the tunnel.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a proxy did not open a tunnel.
pub(crate) struct Refusal {
    pub(crate) failure: Failure,
    /// The proxy does not allow the tunnel: it would refuse every other attempt, too.
    pub(crate) is_final: bool,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { failure, is_final: false }
    }
}

/// Opens a connection to a host's port through the proxy (RFC 9110, section 9.3.6).
pub(crate) async fn open_tunnel(proxy: &Proxy, host: &str, port: u16) -> Result<TcpStream> {
    try_tunnel(proxy, host, port).await.map_err(|refusal| refusal.failure)
}

async fn try_tunnel(proxy: &Proxy, host: &str, port: u16) -> Result<TcpStream, Refusal> {
    let target = Authority::try_from(format!("{}:{port}", bracketed(host)))
        .context(format!("{host} cannot be the name of a host"))?;
    let opened = timeout(TIMEOUT, send_connect(proxy, &target)).await;
    opened.unwrap_or_else(|_| {
        Err(no_answer(proxy).why(format!("no tunnel within {} s", TIMEOUT.as_secs())).into())
    })
}

/// Says why a request to `url` failed, if a proxy refused it. The HTTP clients do not report what the proxy answered.
pub(crate) async fn find_refusal(url: &Url) -> Option<Refusal> {
    let host = url.host_str().map(trim_brackets).filter(|_| url.scheme() == "https")?;
    let proxy = Proxy::for_url(url).ok()??;
    try_tunnel(&proxy, host, url.port_or_known_default()?).await.err()
}

async fn send_connect(proxy: &Proxy, target: &Authority) -> Result<TcpStream, Refusal> {
    let failed = |error: &dyn std::error::Error| no_answer(proxy).because(error);
    let stream = TcpStream::connect(proxy.host_and_port()).await.map_err(|error| failed(&error))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    // It ends with the tunnel.
    tokio::spawn(connection.with_upgrades());
    let answer = sender.send_request(build_connect(proxy, target)?).await.map_err(|error| failed(&error))?;
    if !answer.status().is_success() {
        let is_final =
            matches!(answer.status(), StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        return Err(Refusal { failure: describe_refusal(proxy, target, &answer), is_final });
    }
    let tunnel = hyper::upgrade::on(answer).await.map_err(|error| failed(&error))?;
    match tunnel.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => Ok(parts.io.into_inner()),
        Err(_) => Err(no_answer(proxy).into()),
    }
}

fn build_connect(proxy: &Proxy, target: &Authority) -> Result<Request<Empty<Bytes>>> {
    let mut request = Request::connect(target.as_str()).header(HOST, target.as_str());
    if let Some(authorization) = proxy.authorization(trim_brackets(target.host())) {
        request = request.header(PROXY_AUTHORIZATION, authorization);
    }
    request.body(Empty::new()).context(format!("cannot ask the proxy for {target}"))
}

fn no_answer(proxy: &Proxy) -> Failure {
    Failure::new(format!("the proxy {proxy} does not answer"))
        .next(format!("correct {}, or unset it if this network has no proxy", proxy.variable))
}

fn describe_refusal<B>(proxy: &Proxy, target: &Authority, answer: &Response<B>) -> Failure {
    let (variable, status) = (proxy.variable, answer.status());
    let failure = Failure::new(format!("the proxy {proxy} refuses to connect to {target}"));
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let schemes = authentication_schemes(answer.headers());
        return failure.why(format!("it answered {status}, and accepts {schemes}")).next(format!(
            "export {variable}=http://USER:PASSWORD@HOST:PORT, with special characters percent-encoded;\n\
             restctl supports the scheme Basic only"
        ));
    }
    let host = shell_argument(trim_brackets(target.host()), "HOST");
    failure.why(format!("it answered {status}")).next(format!(
        "ask its administrator to allow {host};\nor, if this machine reaches it without the proxy, add it to NO_PROXY"
    ))
}

/// Lists the authentication schemes that the proxy accepts (RFC 9110, section 11.7.1).
fn authentication_schemes(headers: &HeaderMap) -> String {
    let challenges = headers.get_all(PROXY_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let schemes = challenges.map(read_scheme).filter(|scheme| !scheme.is_empty());
    let schemes: Vec<String> = schemes.take(MAX_SCHEMES).collect();
    if schemes.is_empty() { "an unknown scheme".to_owned() } else { schemes.join(", ") }
}

/// Returns the beginning of the token at the start of a challenge (RFC 9110, section 5.6.2).
fn read_scheme(challenge: &str) -> String {
    let is_token = |c: &char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*c);
    challenge.trim_start().chars().take_while(is_token).take(MAX_SCHEME_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemes_of_several_challenges_are_listed() {
        let mut headers = HeaderMap::new();
        assert_eq!(authentication_schemes(&headers), "an unknown scheme");
        for challenge in ["Negotiate", "Basic realm=\"a proxy\""] {
            headers.append(PROXY_AUTHENTICATE, challenge.parse().unwrap());
        }
        assert_eq!(authentication_schemes(&headers), "Negotiate, Basic");
        for challenge in ["", "<h1>", &"x".repeat(1_000), "Digest,", "NTLM"] {
            headers.append(PROXY_AUTHENTICATE, challenge.parse().unwrap());
        }
        assert_eq!(authentication_schemes(&headers), format!("Negotiate, Basic, {}, Digest", "x".repeat(20)));
    }
}
