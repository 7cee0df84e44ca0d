//! Forwards requests from the TLS front to the emulated load balancer without changing them.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Body;
use hyper::body::Incoming;
use tokio::time::timeout;

use super::upstream;
use crate::terminal::output;

pub(crate) type FrontResponse = Response<Either<Full<Bytes>, Incoming>>;

/// An Application Load Balancer passes at most this much to a Lambda.
const MAX_BODY_BYTES: usize = 1_048_576;

/// The default idle timeout of an Application Load Balancer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Headers that apply to a single connection (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Forwards the request to the load balancer and returns its answer. The emulator itself adds `X-Forwarded-For`, `-Proto` and
/// `-Port`, from the connection and its listener.
pub(crate) async fn forward_request<B>(
    request: Request<B>,
    load_balancer: &str,
    emulator: SocketAddr,
) -> FrontResponse
where
    B: Body<Data = Bytes, Error: Error + 'static> + Unpin,
{
    let (mut parts, body) = request.into_parts();
    let body = match read_body(body).await {
        Ok(Some(body)) => body,
        Ok(None) => return error_response(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => return error_response(StatusCode::BAD_REQUEST),
    };
    let Some(uri) = load_balancer_uri(&parts.uri, load_balancer) else {
        return error_response(StatusCode::BAD_REQUEST);
    };
    parts.uri = uri;
    remove_hop_by_hop(&mut parts.headers);
    // The emulator finds the listener by this port and the load balancer by the path. Under the load balancer's own name it
    // would answer paths such as `/health` itself.
    parts.headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:443"));
    let answer = upstream::send_request(emulator, Request::from_parts(parts, Full::new(body)));
    match timeout(IDLE_TIMEOUT, answer).await {
        Ok(Ok(mut answer)) => {
            remove_hop_by_hop(answer.headers_mut());
            answer.map(Either::Right)
        }
        Ok(Err(error)) => {
            output::print_message(format!("the emulator at {emulator} does not answer: {error}"));
            error_response(StatusCode::BAD_GATEWAY)
        }
        Err(_) => error_response(StatusCode::GATEWAY_TIMEOUT),
    }
}

/// Builds an answer as the load balancer itself would send it.
pub(crate) fn error_response(status: StatusCode) -> FrontResponse {
    let html = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n");
    let mut answer = Response::new(Either::Left(Full::new(Bytes::from(html))));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    answer.headers_mut().insert(header::SERVER, HeaderValue::from_static("awselb/2.0"));
    answer
}

/// Reads a body. `None` if it is too large. Reads it to the end in any case: the client reads the answer only after it has sent
/// everything.
async fn read_body<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<Option<Bytes>, B::Error> {
    let mut bytes = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length += data.len();
        if length <= MAX_BODY_BYTES {
            bytes.extend_from_slice(&data);
        }
    }
    Ok((length <= MAX_BODY_BYTES).then(|| bytes.freeze()))
}

/// Returns `/_alb/NAME/…` with the path encoded once more, because the emulator decodes it once and AWS does not. `None` if the
/// request has no path (`OPTIONS *`).
fn load_balancer_uri(uri: &Uri, load_balancer: &str) -> Option<Uri> {
    let path = uri.path().strip_prefix('/')?.replace('%', "%25");
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("/_alb/{load_balancer}/{path}{query}").parse().ok()
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}
