//! As much of Amazon S3 as a load needs: one bucket with versions of objects to read and objects to put, and with
//! settings for the answers that S3 seldom gives.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{StreamExt, stream};

use crate::server::Server;

/// How much of a generated object is made at once.
const GENERATED_PIECE_BYTES: u64 = 64 * 1024;

/// The bucket `data`. Serves until it is dropped.
pub struct Bucket {
    server: Server,
    contents: Arc<Mutex<Contents>>,
}

#[derive(Default)]
struct Contents {
    versions: Vec<Version>,
    written: HashMap<String, Vec<u8>>,
    reads: usize,
    writes: usize,
    refused_reads: usize,
    breaks: Breaks,
    piece_bytes: Option<u64>,
    ignores_ranges: bool,
    refused_writes: usize,
}

/// The next `calls` reads break off after `bytes` bytes.
#[derive(Default)]
struct Breaks {
    calls: usize,
    bytes: u64,
}

#[derive(Clone)]
struct Version {
    key: String,
    id: String,
    content: Content,
    /// The headers of an answer that the object itself has.
    headers: Vec<(String, String)>,
}

#[derive(Clone)]
enum Content {
    Bytes(Bytes),
    Generated { size: u64, part: fn(Range<u64>) -> Vec<u8> },
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Generated { size, .. } => *size,
        }
    }

    fn part(&self, range: Range<u64>) -> Bytes {
        match self {
            Content::Bytes(bytes) => bytes.slice(range.start as usize..range.end as usize),
            Content::Generated { part, .. } => part(range).into(),
        }
    }

    fn etag(&self) -> String {
        match self {
            Content::Bytes(bytes) => etag_of(bytes),
            Content::Generated { size, .. } => etag_of(&size.to_be_bytes()),
        }
    }
}

impl Bucket {
    /// Starts the server in the current tokio runtime.
    pub async fn start() -> Self {
        let contents = Arc::default();
        let router = Router::new()
            .route("/data/{*key}", get(read_object).put(write_object))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&contents));
        Self { server: Server::start(router).await, contents }
    }

    pub fn url(&self) -> &str {
        self.server.url()
    }

    pub fn put(&self, key: &str, version: &str, body: &[u8]) {
        self.put_with(key, version, body, &[]);
    }

    /// Adds an object with metadata, as in `x-amz-meta-NAME: VALUE`.
    pub fn put_with(&self, key: &str, version: &str, body: &[u8], metadata: &[(&str, &str)]) {
        self.add_version(key, version, Content::Bytes(Bytes::copy_from_slice(body)), metadata);
    }

    /// Adds an object whose `Content-Encoding` is `encoding`, whatever its bytes are.
    pub fn put_encoded(&self, key: &str, version: &str, body: &[u8], encoding: &str) {
        self.put(key, version, body);
        if let Some(version) = self.lock_contents().versions.last_mut() {
            version.headers.push(("content-encoding".to_owned(), encoding.to_owned()));
        }
    }

    /// Adds an object of `size` bytes that is made as it is read: `part` returns any range of it.
    pub fn put_generated(
        &self,
        key: &str,
        version: &str,
        size: u64,
        part: fn(Range<u64>) -> Vec<u8>,
        metadata: &[(&str, &str)],
    ) {
        self.add_version(key, version, Content::Generated { size, part }, metadata);
    }

    fn add_version(&self, key: &str, version: &str, content: Content, metadata: &[(&str, &str)]) {
        let headers =
            metadata.iter().map(|(name, value)| (format!("x-amz-meta-{name}"), (*value).to_owned()));
        let (key, id) = (key.to_owned(), version.to_owned());
        self.lock_contents().versions.push(Version { key, id, content, headers: headers.collect() });
    }

    /// Removes everything, and all settings.
    pub fn clear(&self) {
        *self.lock_contents() = Contents::default();
    }

    /// Removes a version.
    pub fn delete_version(&self, key: &str, version: &str) {
        self.lock_contents().versions.retain(|other| other.key != key || other.id != version);
    }

    /// Returns the object that a call has put under `key`.
    pub fn written_object(&self, key: &str) -> Option<Vec<u8>> {
        self.lock_contents().written.get(key).cloned()
    }

    /// Returns how many GET and HEAD requests have arrived.
    pub fn count_reads(&self) -> usize {
        self.lock_contents().reads
    }

    /// Returns how many requests of any kind have arrived.
    pub fn count_calls(&self) -> usize {
        let contents = self.lock_contents();
        contents.reads + contents.writes
    }

    /// Makes the next `calls` reads fail as if S3 were unavailable.
    pub fn refuse_reads(&self, calls: usize) {
        self.lock_contents().refused_reads = calls;
    }

    /// Cuts off the next `calls` GETs after `bytes` bytes.
    pub fn break_off(&self, calls: usize, bytes: usize) {
        self.lock_contents().breaks = Breaks { calls, bytes: bytes as u64 };
    }

    /// Sends objects whole and ignores the requested range.
    pub fn ignore_ranges(&self) {
        self.lock_contents().ignores_ranges = true;
    }

    /// Sends objects in pieces of `bytes`.
    pub fn send_pieces_of(&self, bytes: usize) {
        self.lock_contents().piece_bytes = Some(bytes as u64);
    }

    /// Makes the next `calls` puts fail as if S3 were unavailable.
    pub fn refuse_writes(&self, calls: usize) {
        self.lock_contents().refused_writes = calls;
    }

    fn lock_contents(&self) -> MutexGuard<'_, Contents> {
        lock(&self.contents)
    }
}

/// Returns an entity tag. Different bodies have different ones, as in S3.
pub fn etag_of(body: &[u8]) -> String {
    format!("{:032x}", BuildHasherDefault::<DefaultHasher>::default().hash_one(body))
}

fn lock(contents: &Mutex<Contents>) -> MutexGuard<'_, Contents> {
    contents.lock().expect("no thread panics with the lock")
}

async fn read_object(
    State(contents): State<Arc<Mutex<Contents>>>,
    method: Method,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
    request: HeaderMap,
) -> Response {
    let mut contents = lock(&contents);
    contents.reads += 1;
    if contents.refused_reads > 0 {
        contents.refused_reads -= 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let query = query.unwrap_or_default();
    let id = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "versionId").map(|(_, id)| id);
    let found = contents.versions.iter().rev();
    let found =
        found.clone().find(|version| version.key == key && id.as_ref().is_none_or(|id| *id == version.id));
    let Some(version) = found.cloned() else {
        let code = if id.is_some() { "NoSuchVersion" } else { "NoSuchKey" };
        return (StatusCode::NOT_FOUND, format!("<Error><Code>{code}</Code></Error>")).into_response();
    };
    let size = version.content.size();
    let range = request.get("range").filter(|_| !contents.ignores_ranges);
    let mut headers = object_headers(&version);
    if method == Method::HEAD {
        headers.insert("content-length", size.into());
        return headers.into_response();
    }
    let part = match range.map(|range| parse_range(range, size)) {
        None => 0..size,
        Some(Some(part)) => part,
        Some(None) => return StatusCode::RANGE_NOT_SATISFIABLE.into_response(),
    };
    if range.is_some() {
        let range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
        headers.insert("content-range", header_value(&range));
    }
    let body = contents.build_body(&version.content, part, &mut headers);
    let status = if request.contains_key("range") { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    (status, headers, body).into_response()
}

impl Contents {
    /// Returns the part as a body that is made while it is sent. Adds the length unless the settings cut the body up.
    fn build_body(&mut self, content: &Content, part: Range<u64>, headers: &mut HeaderMap) -> Body {
        let breaks = self.breaks.calls > 0;
        let end = if breaks { part.end.min(part.start + self.breaks.bytes) } else { part.end };
        self.breaks.calls = self.breaks.calls.saturating_sub(1);
        let cut_up = breaks || self.piece_bytes.is_some();
        let piece_bytes = match (self.piece_bytes, content) {
            (Some(bytes), _) => bytes,
            (None, Content::Bytes(_)) => u64::MAX,
            (None, Content::Generated { .. }) => GENERATED_PIECE_BYTES,
        };
        let content = content.clone();
        let pieces = split_range(part.start..end, piece_bytes).map(move |piece| Ok(content.part(piece)));
        if !cut_up {
            headers.insert("content-length", (part.end - part.start).into());
            return Body::from_stream(stream::iter(pieces));
        }
        let broken = breaks.then(|| Err(std::io::Error::other("broken off")));
        // Each piece must be sent before the next is made: a break would drop all that wait.
        Body::from_stream(stream::iter(pieces.chain(broken)).then(async |piece| {
            tokio::task::yield_now().await;
            piece
        }))
    }
}

fn split_range(part: Range<u64>, bytes: u64) -> impl Iterator<Item = Range<u64>> {
    let mut start = part.start;
    std::iter::from_fn(move || {
        let end = part.end.min(start.saturating_add(bytes));
        let piece = start..end;
        start = end;
        (!piece.is_empty()).then_some(piece)
    })
}

fn object_headers(version: &Version) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("accept-ranges", HeaderValue::from_static("bytes"));
    headers.insert("last-modified", HeaderValue::from_static("Thu, 15 Jan 2026 09:30:05 GMT"));
    headers.insert("etag", header_value(&format!("\"{}\"", version.content.etag())));
    headers.insert("x-amz-version-id", header_value(&version.id));
    for (name, value) in &version.headers {
        let name = HeaderName::try_from(name).expect("a header has a valid name");
        headers.insert(name, header_value(value));
    }
    headers
}

fn header_value(text: &str) -> HeaderValue {
    text.parse().expect("a header's value is visible ASCII")
}

/// Reads `bytes=N-` or `bytes=N-M`, the last byte included (RFC 9110, section 14.1.2). `None` if it has no byte of the
/// object.
fn parse_range(range: &HeaderValue, size: u64) -> Option<Range<u64>> {
    let (first, last) = range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let first: u64 = first.parse().ok()?;
    let end = if last.is_empty() { size } else { size.min(last.parse::<u64>().ok()? + 1) };
    (first < end).then_some(first..end)
}

async fn write_object(
    State(contents): State<Arc<Mutex<Contents>>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let chunked = headers.get("content-encoding").is_some_and(|coding| coding == "aws-chunked");
    let body = if chunked { decode_chunks(&body) } else { body.to_vec() };
    let mut contents = lock(&contents);
    contents.writes += 1;
    if contents.refused_writes > 0 {
        contents.refused_writes -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    contents.written.insert(key, body);
    StatusCode::OK
}

/// Decodes `aws-chunked`, in which the SDK streams: size in hexadecimal, CRLF, data, CRLF, until size 0.
fn decode_chunks(mut coded: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = coded.windows(2).position(|pair| pair == b"\r\n").expect("a chunk's size ends with CRLF");
        let size = std::str::from_utf8(&coded[..end]).expect("a chunk's size is ASCII");
        let size = size.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).expect("a chunk's size is hexadecimal");
        if size == 0 {
            return body;
        }
        body.extend(&coded[end + 2..end + 2 + size]);
        coded = &coded[end + 2 + size + 2..];
    }
}
