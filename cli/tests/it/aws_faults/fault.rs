//! Answers that no command expects: of AWS, and of what is between this machine and AWS.

use super::call::{AwsCall, Protocol};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Throttled,
    Denied,
    /// HTTP status 403 and nothing else.
    Forbidden,
    /// AWS's own error.
    Internal,
    /// HTTP status 503 and nothing else.
    Unavailable,
    /// A proxy refuses the request with a page.
    ProxyPage,
    /// A network asks to sign in with a page.
    SignInPage,
    /// Less than announced.
    Cut,
    /// HTTP status 200 and nothing else.
    Empty,
    /// The connection ends without an answer.
    Closed,
}

/// Of a proxy's page. Its first line says nothing.
const PROXY_PAGE: &str = "<!DOCTYPE html>\n<html><head><style>p { color: red }</style>\n<title>Access Denied by\n Example \
    Gateway</title></head>\n<body><h1>Blocked</h1><p>Category: cloud storage</p></body></html>\n";

const SIGN_IN_PAGE: &str =
    "<html><body>\n<p>Welcome to the <b>Guest</b> network &amp; please sign in</p></body></html>\n";

impl Fault {
    pub(super) const ALL: [Self; 10] = [
        Self::Throttled,
        Self::Denied,
        Self::Forbidden,
        Self::Internal,
        Self::Unavailable,
        Self::ProxyPage,
        Self::SignInPage,
        Self::Cut,
        Self::Empty,
        Self::Closed,
    ];

    /// Chooses one of some faults for a text, the same one each time. Each `turn` chooses another.
    pub(super) fn choose_for(text: &str, turn: usize, faults: &[Self]) -> Self {
        let sum: usize = text.bytes().map(usize::from).sum();
        faults[(sum + turn * 3) % faults.len()]
    }

    /// Whether restctl takes it for a fault that passes by itself.
    pub(super) fn passes(self) -> bool {
        matches!(self, Self::Throttled | Self::Internal | Self::Unavailable | Self::Cut | Self::Closed)
    }

    pub(super) fn answer(self, call: &AwsCall) -> Vec<u8> {
        match self {
            Self::Throttled => throttle(call),
            Self::Denied => deny(call),
            Self::Forbidden => respond(call, "403 Forbidden", "", b""),
            Self::Internal => {
                refuse(call, 500, ["InternalFailure", "InternalError"], "We encountered an internal error.")
            }
            Self::Unavailable => respond(call, "503 Service Unavailable", "", b""),
            Self::ProxyPage => respond(call, "403 Forbidden", "text/html", PROXY_PAGE.as_bytes()),
            Self::SignInPage => respond(call, "200 OK", "text/html; charset=utf-8", SIGN_IN_PAGE.as_bytes()),
            Self::Cut => cut_answer(call),
            Self::Empty => respond(call, "200 OK", "", b""),
            Self::Closed => Vec::new(),
        }
    }
}

fn throttle(call: &AwsCall) -> Vec<u8> {
    match call.protocol() {
        // "Error responses", Amazon S3 API Reference.
        Protocol::RestXml => refuse(call, 503, ["", "SlowDown"], "Please reduce your request rate."),
        // "Invoke", AWS Lambda API Reference.
        Protocol::RestJson => refuse(call, 429, ["TooManyRequestsException", ""], "Rate exceeded"),
        Protocol::Query => refuse(call, 400, ["", "Throttling"], "Rate exceeded"),
        Protocol::Json | Protocol::Cbor => refuse(call, 400, ["ThrottlingException", ""], "Rate exceeded"),
    }
}

fn deny(call: &AwsCall) -> Vec<u8> {
    let message = "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: service:Action on resource: * \
        because no identity-based policy allows the service:Action action";
    let status = if call.protocol() == Protocol::Json { 400 } else { 403 };
    refuse(call, status, ["AccessDeniedException", "AccessDenied"], message)
}

/// Answers with an error of the service. `codes` are the code in JSON and CBOR, and the one in XML.
fn refuse(call: &AwsCall, status: u16, codes: [&str; 2], message: &str) -> Vec<u8> {
    let [in_json, in_xml] = codes;
    let in_xml = format!("<Code>{in_xml}</Code><Message>{message}</Message>");
    let (kind, body) = match call.protocol() {
        Protocol::Json | Protocol::RestJson => (
            "application/json",
            serde_json::json!({ "__type": in_json, "message": message }).to_string().into_bytes(),
        ),
        Protocol::Cbor => ("application/cbor", encode_cbor(&[("__type", in_json), ("message", message)])),
        Protocol::Query => {
            ("text/xml", format!("<ErrorResponse><Error>{in_xml}</Error></ErrorResponse>").into_bytes())
        }
        Protocol::RestXml => ("application/xml", format!("<Error>{in_xml}</Error>").into_bytes()),
    };
    // AWS names each request.
    respond(call, &format!("{status} Refused\r\nx-amzn-requestid: 1"), kind, &body)
}

/// Encodes a map of texts (RFC 8949).
fn encode_cbor(members: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = vec![0xa0 | u8::try_from(members.len()).unwrap()];
    for text in members.iter().flat_map(|(name, value)| [name, value]) {
        bytes.push(0x79);
        bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

fn cut_answer(call: &AwsCall) -> Vec<u8> {
    let (kind, beginning) = match call.protocol() {
        Protocol::Json | Protocol::RestJson => ("application/json", "{\"NextToken\": "),
        Protocol::Cbor => ("application/cbor", "\u{1}"),
        Protocol::Query | Protocol::RestXml => ("text/xml", "<?xml version=\"1.0\"?>\n<Answer>"),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\ncontent-length: 5000\r\n\r\n"
    );
    (head + beginning).into_bytes()
}

pub(super) fn respond(call: &AwsCall, status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let kind = if kind.is_empty() { String::new() } else { format!("content-type: {kind}\r\n") };
    // The SDK takes an answer in CBOR only with this header.
    let protocol = if kind.contains("cbor") { "smithy-protocol: rpc-v2-cbor\r\n" } else { "" };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\n{kind}{protocol}connection: close\r\ncontent-length: {length}\r\n\r\n");
    // An answer to HEAD has no body (RFC 9110, section 9.3.2).
    let body = if call.is_head() { b"" } else { body };
    [head.as_bytes(), body].concat()
}
