//! Forwards requests from the TLS front to the emulated load balancer without changing them.

use std::error::Error;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, SERVER, STRICT_TRANSPORT_SECURITY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Incoming};
use tokio::time::{sleep, timeout};

use super::upstream::Upstream;
use crate::terminal::output;

pub(crate) type FrontResponse = Response<Either<Full<Bytes>, Incoming>>;

/// An Application Load Balancer passes at most this much to a Lambda.
const MAX_BODY_BYTES: usize = 1_048_576;

/// The most that an Application Load Balancer accepts of a request line or of one header, and of all headers together
/// ("Quotas for your Application Load Balancers"). It answers 400 to more ("Troubleshoot your Application Load Balancers").
const MAX_LINE_BYTES: usize = 16 * 1024;
pub(crate) const MAX_HEADERS_BYTES: u32 = 64 * 1024;

/// The default idle timeout of an Application Load Balancer. Here it limits the time for the whole body too, which a client
/// could send byte by byte.
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
    emulator: &Upstream,
) -> FrontResponse
where
    B: Body<Data = Bytes, Error: Error + 'static> + Unpin,
{
    let (mut parts, body) = request.into_parts();
    if exceeds_header_quotas(&parts) {
        return error_response(StatusCode::BAD_REQUEST);
    }
    let body = match read_body(body, sleep(IDLE_TIMEOUT)).await {
        Ok(body) => body,
        Err(status) => return error_response(status),
    };
    let Some(uri) = load_balancer_uri(&parts.uri, load_balancer) else {
        return error_response(StatusCode::BAD_REQUEST);
    };
    parts.uri = uri;
    // The target is a function, which gets each request by itself.
    parts.version = Version::HTTP_11;
    remove_hop_by_hop(&mut parts.headers);
    match timeout(IDLE_TIMEOUT, emulator.send_request(Request::from_parts(parts, body))).await {
        Ok(Ok(mut answer)) => {
            remove_hop_by_hop(answer.headers_mut());
            answer.map(Either::Right)
        }
        Ok(Err(error)) => {
            output::print_message(format!("the emulator at {} does not answer: {error}", emulator.address));
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
    let headers = [
        (CONTENT_TYPE, "text/html"),
        (SERVER, "awselb/2.0"),
        // As the template's listener adds it.
        (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ];
    answer.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    answer
}

/// Reads a body before `timeout` ends, or returns the status of the answer. Reads one that is too large to its end, too: the
/// client reads the answer only after it has sent everything.
async fn read_body<B: Body<Data = Bytes> + Unpin>(
    mut body: B,
    timeout: impl Future<Output = ()>,
) -> Result<Bytes, StatusCode> {
    let read = async {
        let (mut bytes, mut length) = (BytesMut::new(), 0);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| StatusCode::BAD_REQUEST)?.into_data() else { continue };
            length += data.len();
            if length <= MAX_BODY_BYTES {
                bytes.extend_from_slice(&data);
            }
        }
        if length <= MAX_BODY_BYTES { Ok(bytes.freeze()) } else { Err(StatusCode::PAYLOAD_TOO_LARGE) }
    };
    tokio::select! {
        body = read => body,
        () = timeout => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

fn exceeds_header_quotas(parts: &Parts) -> bool {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let headers = || parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    let longest = headers().max().unwrap_or_default().max(parts.method.as_str().len() + target);
    longest > MAX_LINE_BYTES || headers().sum::<usize>() > MAX_HEADERS_BYTES as usize
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{pending, ready};

    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let endless = futures_util::stream::once(pending::<Result<Frame<Bytes>, Infallible>>());
        let given_up = read_body(StreamBody::new(Box::pin(endless)), ready(())).await;
        assert_eq!(given_up, Err(StatusCode::REQUEST_TIMEOUT));
        let whole = read_body(Full::new(Bytes::from_static(b"abc")), pending()).await;
        assert_eq!(whole.unwrap(), "abc");
    }
}
