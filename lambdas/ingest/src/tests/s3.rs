//! As much of S3 as a load sees: versions of objects to read, and objects to put.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use futures_util::StreamExt;
use restctl_testkit::dynamodb::send_at_once;
use tokio::net::TcpListener;

pub(crate) struct Bucket {
    url: String,
    contents: Arc<Mutex<Contents>>,
}

#[derive(Default)]
struct Contents {
    versions: Vec<Version>,
    written: HashMap<String, Vec<u8>>,
    reads: usize,
    refused_reads: usize,
    breaks: (usize, usize),
    piece: Option<usize>,
    ignores_ranges: bool,
    refused_writes: usize,
}

#[derive(Clone)]
struct Version {
    key: String,
    id: String,
    body: Vec<u8>,
    metadata: Vec<(String, String)>,
}

impl Bucket {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let contents = Arc::<Mutex<Contents>>::default();
        let router =
            Router::new().route("/data/{*key}", get(read).put(write)).with_state(Arc::clone(&contents));
        tokio::spawn(async move { axum::serve(listener.tap_io(send_at_once), router).await.unwrap() });
        Self { url, contents }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn put(&self, key: &str, version: &str, body: &[u8]) {
        self.put_with(key, version, body, &[]);
    }

    /// `metadata` as in `x-amz-meta-NAME: VALUE`.
    pub(crate) fn put_with(&self, key: &str, version: &str, body: &[u8], metadata: &[(&str, &str)]) {
        let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let version = Version {
            key: key.to_owned(),
            id: version.to_owned(),
            body: body.to_vec(),
            metadata: metadata.collect(),
        };
        self.contents.lock().unwrap().versions.push(version);
    }

    /// Removes everything, and mends what was broken.
    pub(crate) fn clear(&self) {
        *self.contents.lock().unwrap() = Contents::default();
    }

    /// Removes a version.
    pub(crate) fn delete(&self, key: &str, version: &str) {
        self.contents.lock().unwrap().versions.retain(|other| other.key != key || other.id != version);
    }

    /// What the function has put under `key`.
    pub(crate) fn written(&self, key: &str) -> Option<Vec<u8>> {
        self.contents.lock().unwrap().written.get(key).cloned()
    }

    /// How many GET and HEAD requests have arrived.
    pub(crate) fn reads(&self) -> usize {
        self.contents.lock().unwrap().reads
    }

    /// The next `calls` reads find S3 down.
    pub(crate) fn refuse_reads(&self, calls: usize) {
        self.contents.lock().unwrap().refused_reads = calls;
    }

    /// The next `calls` GETs break off after `bytes` bytes.
    pub(crate) fn break_off(&self, calls: usize, bytes: usize) {
        self.contents.lock().unwrap().breaks = (calls, bytes);
    }

    /// Objects come as a whole, whatever is asked for.
    pub(crate) fn ignore_ranges(&self) {
        self.contents.lock().unwrap().ignores_ranges = true;
    }

    /// Objects come in pieces of `bytes`.
    pub(crate) fn send_pieces_of(&self, bytes: usize) {
        self.contents.lock().unwrap().piece = Some(bytes);
    }

    /// The next `calls` puts find S3 down.
    pub(crate) fn refuse_writes(&self, calls: usize) {
        self.contents.lock().unwrap().refused_writes = calls;
    }
}

/// Tells bodies apart, as S3's entity tags do.
pub(crate) fn etag(body: &[u8]) -> String {
    format!("{:032x}", BuildHasherDefault::<DefaultHasher>::default().hash_one(body))
}

async fn read(
    State(contents): State<Arc<Mutex<Contents>>>,
    method: Method,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
    asked: HeaderMap,
) -> Response {
    let mut contents = contents.lock().unwrap();
    contents.reads += 1;
    if contents.refused_reads > 0 {
        contents.refused_reads -= 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let query = query.unwrap_or_default();
    let id = query.split('&').find_map(|pair| pair.strip_prefix("versionId="));
    let found = contents.versions.iter().rev().find(|v| v.key == key && id.is_none_or(|id| id == v.id));
    let Some(version) = found.cloned() else {
        let code = if id.is_some() { "NoSuchVersion" } else { "NoSuchKey" };
        return (StatusCode::NOT_FOUND, format!("<Error><Code>{code}</Code></Error>")).into_response();
    };
    let mut headers = HeaderMap::new();
    headers.insert("etag", format!("\"{}\"", etag(&version.body)).parse().unwrap());
    headers.insert("x-amz-version-id", version.id.parse().unwrap());
    for (name, value) in &version.metadata {
        let name = HeaderName::try_from(format!("x-amz-meta-{name}")).unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    if method == Method::HEAD {
        headers.insert("content-length", version.body.len().into());
        return headers.into_response();
    }
    let range = asked["range"].to_str().unwrap();
    let start = range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')).unwrap();
    let start: usize = start.parse().unwrap();
    let rest = if contents.ignores_ranges { &version.body } else { &version.body[start..] };
    if !contents.ignores_ranges {
        let last = version.body.len() - 1;
        let range = format!("bytes {start}-{last}/{}", version.body.len());
        headers.insert("content-range", range.parse().unwrap());
    }
    let (sent, breaks) = match contents.breaks {
        (0, _) => (rest, false),
        (calls, bytes) => {
            contents.breaks.0 = calls - 1;
            (&rest[..bytes.min(rest.len())], true)
        }
    };
    let pieces =
        sent.chunks(contents.piece.unwrap_or(usize::MAX)).map(|piece| Ok(Bytes::from(piece.to_vec())));
    let broken = breaks.then(|| Err(std::io::Error::other("broken off")));
    let pieces: Vec<_> = pieces.chain(broken).collect();
    // Each piece on its way before the next, or a broken one would take them all along.
    let body = Body::from_stream(futures_util::stream::iter(pieces).then(async |piece| {
        tokio::task::yield_now().await;
        piece
    }));
    (StatusCode::PARTIAL_CONTENT, headers, body).into_response()
}

async fn write(
    State(contents): State<Arc<Mutex<Contents>>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let chunked = headers.get("content-encoding").is_some_and(|coding| coding == "aws-chunked");
    let body = if chunked { decode(&body) } else { body.to_vec() };
    let mut contents = contents.lock().unwrap();
    if contents.refused_writes > 0 {
        contents.refused_writes -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    contents.written.insert(key, body);
    StatusCode::OK
}

/// The `aws-chunked` coding, in which the SDK streams: size in hexadecimal, CRLF, data, CRLF, until size 0.
fn decode(mut coded: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = coded.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let size = std::str::from_utf8(&coded[..end]).unwrap().split(';').next().unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend(&coded[end + 2..end + 2 + size]);
        coded = &coded[end + 2 + size + 2..];
    }
}
