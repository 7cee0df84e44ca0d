//! An S3 that keeps parts and versions, and that a test can make do something before it answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;

use crate::aws::{Aws, test_server};
use crate::digest::sha256_base64;

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

type Parts = BTreeMap<i32, Bytes>;

type BeforeAnswer = dyn Fn(String) -> BoxFuture<'static, ()> + Send + Sync;

#[derive(Clone)]
pub(super) struct Bucket {
    contents: Arc<Mutex<Contents>>,
    before_answer: Arc<BeforeAnswer>,
}

#[derive(Default)]
struct Contents {
    asked: Vec<String>,
    uploads: BTreeMap<String, Parts>,
    begun: usize,
    versions: Vec<Bytes>,
}

impl Bucket {
    pub(super) fn new() -> Self {
        Self { contents: Arc::default(), before_answer: Arc::new(|_| Box::pin(async {})) }
    }

    /// Runs this before each answer, with the request in a few words.
    pub(super) fn before_answer(
        mut self,
        act: impl Fn(String) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        self.before_answer = Arc::new(act);
        self
    }

    /// It answers until the test ends.
    pub(super) async fn open(&self) -> Aws {
        let bucket = self.clone();
        test_server::connect(move |request: Request| {
            let bucket = bucket.clone();
            async move { bucket.answer(request).await }
        })
        .await
    }

    /// Adds an unfinished upload.
    pub(super) fn add_upload(&self, id: &str, parts: impl IntoIterator<Item = (i32, Bytes)>) {
        self.lock().uploads.insert(id.to_owned(), parts.into_iter().collect());
    }

    /// Returns the requests since the last call, in a few words each.
    pub(super) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().asked)
    }

    pub(super) fn versions(&self) -> Vec<Bytes> {
        self.lock().versions.clone()
    }

    pub(super) fn unfinished_uploads(&self) -> usize {
        self.lock().uploads.len()
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap()
    }

    async fn answer(&self, request: Request) -> Response {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let parameter = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(found, _)| *found == name).map(|(_, value)| value.to_owned()).next()
        };
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let upload = parameter("uploadId").unwrap_or_default();
        let number: Option<i32> = parameter("partNumber").map(|number| number.parse().unwrap());
        let named = match (&method, number) {
            (&Method::PUT, Some(number)) => format!("part {number}"),
            (&Method::PUT, None) => "put".to_owned(),
            (&Method::GET, _) => "list".to_owned(),
            (&Method::DELETE, _) => "abort".to_owned(),
            _ if upload.is_empty() => "begin".to_owned(),
            _ => "complete".to_owned(),
        };
        (self.before_answer)(named.clone()).await;
        let mut contents = self.lock();
        contents.asked.push(named.clone());
        if !upload.is_empty() && !contents.uploads.contains_key(&upload) {
            return error(StatusCode::NOT_FOUND, "NoSuchUpload");
        }
        match (named.as_str(), number) {
            ("put", _) => contents.put(&headers, body),
            ("list", _) => answer_with("x", list_parts(&contents.uploads[&upload])),
            ("begin", _) => contents.begin(),
            ("complete", _) => contents.complete(&upload, &String::from_utf8_lossy(&body)),
            (_, Some(number)) => contents.put_part(&headers, &upload, number, body),
            _ => {
                contents.uploads.remove(&upload);
                StatusCode::NO_CONTENT.into_response()
            }
        }
    }
}

impl Contents {
    fn put(&mut self, headers: &HeaderMap, body: Bytes) -> Response {
        if !has_checksum(headers, &body) {
            return error(StatusCode::BAD_REQUEST, "BadDigest");
        }
        self.add_version(body)
    }

    fn begin(&mut self) -> Response {
        self.begun += 1;
        let id = format!("new-{}", self.begun);
        let result = format!("<UploadId>{id}</UploadId>");
        self.uploads.insert(id, Parts::new());
        answer_with("x", format!("<InitiateMultipartUploadResult>{result}</InitiateMultipartUploadResult>"))
    }

    fn put_part(&mut self, headers: &HeaderMap, upload: &str, number: i32, body: Bytes) -> Response {
        if !has_checksum(headers, &body) {
            return error(StatusCode::BAD_REQUEST, "BadDigest");
        }
        self.uploads.get_mut(upload).unwrap().insert(number, body);
        answer_with("x", String::new())
    }

    /// Puts the parts together that `wanted` names, if they have the checksums that it names.
    fn complete(&mut self, upload: &str, wanted: &str) -> Response {
        let mut object = Vec::new();
        for part in wanted.split("<Part>").skip(1) {
            let number: i32 = text_of(part, "PartNumber").unwrap().parse().unwrap();
            let Some(bytes) = self.uploads[upload].get(&number) else {
                return error(StatusCode::BAD_REQUEST, "InvalidPart");
            };
            if text_of(part, "ChecksumSHA256").is_some_and(|checksum| checksum != sha256_base64(bytes)) {
                return error(StatusCode::BAD_REQUEST, "InvalidPart");
            }
            object.extend_from_slice(bytes);
        }
        self.uploads.remove(upload);
        self.add_version(object.into())
    }

    fn add_version(&mut self, object: Bytes) -> Response {
        self.versions.push(object);
        let version = format!("v{}", self.versions.len());
        let result = "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>";
        answer_with(&version, result.to_owned())
    }
}

/// The parts from number 7 on have no checksums, as in an S3 that knows none.
fn list_parts(parts: &Parts) -> String {
    let parts = parts.iter().map(|(number, bytes)| {
        let (size, checksum) = (bytes.len(), sha256_base64(bytes));
        let checksum = match number {
            ..7 => format!("<ChecksumSHA256>{checksum}</ChecksumSHA256>"),
            _ => String::new(),
        };
        format!("<Part><PartNumber>{number}</PartNumber><ETag>e</ETag><Size>{size}</Size>{checksum}</Part>")
    });
    format!("<ListPartsResult>{}</ListPartsResult>", parts.collect::<String>())
}

/// A request need not have the header.
fn has_checksum(headers: &HeaderMap, body: &[u8]) -> bool {
    headers.get("x-amz-checksum-sha256").is_none_or(|checksum| *checksum == sha256_base64(body))
}

fn text_of(xml: &str, tag: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{tag}>"))?;
    rest.split('<').next().map(str::to_owned)
}

fn answer_with(version: &str, body: String) -> Response {
    ([("date", DATE), ("x-amz-version-id", version), ("etag", "e")], body).into_response()
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>")).into_response()
}
