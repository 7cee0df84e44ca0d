//! As much of S3 as a load sees: versions of objects to read, and objects to put.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use restctl_contract::load::COLUMN_TYPES_METADATA;
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
    refused_writes: usize,
}

#[derive(Clone)]
struct Version {
    key: String,
    id: String,
    body: Vec<u8>,
    types: Option<String>,
}

impl Bucket {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let contents = Arc::<Mutex<Contents>>::default();
        let router =
            Router::new().route("/data/{*key}", get(read).put(write)).with_state(Arc::clone(&contents));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, contents }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn put(&self, key: &str, version: &str, body: &[u8]) {
        self.add(key, version, body, None);
    }

    pub(crate) fn put_with_types(&self, key: &str, version: &str, body: &[u8], types: &str) {
        self.add(key, version, body, Some(types.to_owned()));
    }

    fn add(&self, key: &str, id: &str, body: &[u8], types: Option<String>) {
        let version = Version { key: key.to_owned(), id: id.to_owned(), body: body.to_vec(), types };
        self.contents.lock().unwrap().versions.push(version);
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
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let mut contents = contents.lock().unwrap();
    contents.reads += 1;
    if contents.refused_reads > 0 {
        contents.refused_reads -= 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let query = query.unwrap_or_default();
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("versionId="));
    let found = contents.versions.iter().rev().find(|v| v.key == key && asked.is_none_or(|id| id == v.id));
    let Some(version) = found.cloned() else {
        let code = if asked.is_some() { "NoSuchVersion" } else { "NoSuchKey" };
        return (StatusCode::NOT_FOUND, format!("<Error><Code>{code}</Code></Error>")).into_response();
    };
    let mut headers = HeaderMap::new();
    headers.insert("etag", format!("\"{}\"", etag(&version.body)).parse().unwrap());
    headers.insert("x-amz-version-id", version.id.parse().unwrap());
    if let Some(types) = version.types {
        headers.insert("x-amz-meta-restctl-column-types", types.parse().unwrap());
        assert_eq!(COLUMN_TYPES_METADATA, "restctl-column-types");
    }
    (headers, version.body).into_response()
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
