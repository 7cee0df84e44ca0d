use std::cell::Cell;
use std::fs::File;
use std::future::pending;
use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;

use super::*;
use crate::aws::s3::destination::Metadata;
use crate::aws::test_server;
use crate::failure::Exit;

const MIB: u64 = 1024 * 1024;
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// Part 1 as it should be, and a part 2 of another length.
const PARTS: &str = "<ListPartsResult>\
    <Part><PartNumber>1</PartNumber><ETag>one</ETag><Size>8388608</Size></Part>\
    <Part><PartNumber>2</PartNumber><ETag>other</ETag><Size>5242880</Size></Part>\
    </ListPartsResult>";

/// An S3 that knows only the upload `known`, and the requests that it received.
#[derive(Clone, Default)]
struct Bucket {
    asked: Arc<Mutex<Vec<String>>>,
}

impl Bucket {
    /// It answers until the test ends.
    async fn open(&self) -> Aws {
        let bucket = self.clone();
        test_server::connect(move |request: Request| answer(bucket.clone(), request)).await
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

async fn answer(bucket: Bucket, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let method = request.method().clone();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let asks = |what: &str| query.split('&').any(|pair| pair.starts_with(what));
    let said = match (&method, asks("partNumber=")) {
        (&Method::PUT, true) => {
            query.split('&').find(|pair| pair.starts_with("partNumber=")).unwrap().to_owned()
        }
        (&Method::PUT, false) => "put".to_owned(),
        (&Method::GET, _) => "list".to_owned(),
        _ if asks("uploads") => "begin".to_owned(),
        (&Method::POST, _) => {
            format!("complete {}", String::from_utf8_lossy(&body).matches("<PartNumber>").count())
        }
        _ => format!("{method}"),
    };
    bucket.asked.lock().unwrap().push(said.clone());
    let headers = [("date", DATE), ("x-amz-version-id", "v1"), ("etag", "e")];
    match said.as_str() {
        "list" if !asks("uploadId=known") => {
            let error = "<Error><Code>NoSuchUpload</Code><Message>no such upload</Message></Error>";
            (StatusCode::NOT_FOUND, error).into_response()
        }
        "list" => (headers, PARTS).into_response(),
        "begin" => {
            let begun =
                "<InitiateMultipartUploadResult><UploadId>new</UploadId></InitiateMultipartUploadResult>";
            (headers, begun).into_response()
        }
        complete if complete.starts_with("complete") => {
            (headers, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>").into_response()
        }
        _ => headers.into_response(),
    }
}

fn source(folder: &tempfile::TempDir, size: u64) -> Source {
    let path = folder.path().join("a.csv");
    File::create(&path).unwrap().set_len(size).unwrap();
    Source::open(&path).unwrap()
}

/// An upload that nobody watches and that cannot be resumed.
fn upload<'a>(aws: &'a Aws, source: &'a Source, destination: &'a Destination<'a>) -> Upload<'a> {
    Upload { aws, source, destination, resume_state: None, observe: &|_| {} }
}

#[tokio::test]
async fn only_missing_parts_are_sent() {
    let (folder, bucket, metadata) = (tempfile::tempdir().unwrap(), Bucket::default(), Metadata::new());
    let aws = bucket.open().await;
    let source = source(&folder, 20 * MIB);
    let to = Destination { bucket: "b", key: "a.csv", metadata: &metadata };
    let resume_state = ResumeState::new(&folder.path().join("uploads"), &aws, &to, source.size).unwrap();
    for (before, expected) in [
        (Some("known"), &["list", "partNumber=2", "partNumber=3", "complete 3"][..]),
        (Some("gone"), &["list", "begin", "partNumber=1", "partNumber=2", "partNumber=3", "complete 3"]),
        (None, &["begin", "partNumber=1", "partNumber=2", "partNumber=3", "complete 3"]),
    ] {
        if let Some(id) = before {
            resume_state.save(id).unwrap();
        }
        let bytes = Cell::new(0);
        let observe = |event| match event {
            UploadEvent::Resumed { .. } => {}
            UploadEvent::BytesPresent(present) => bytes.set(present),
            UploadEvent::BytesSent(sent) => bytes.set(bytes.get() + sent),
        };
        let upload = upload(&aws, &source, &to);
        let upload = Upload { resume_state: Some(&resume_state), observe: &observe, ..upload };
        let uploaded = upload.send(pending()).await.unwrap();
        let mut asked = bucket.asked();
        let parts = asked.len() - 1;
        // Parts arrive in any order.
        asked[..parts].sort_by_key(|asked| asked.strip_prefix("partNumber=").map(str::to_owned));
        assert_eq!(asked, expected, "{before:?}");
        assert_eq!(uploaded.uploaded.as_deref(), Some("1994-11-06T08:49:37.000Z"));
        assert_eq!(uploaded.version.as_deref(), Some("v1"));
        assert_eq!(bytes.get(), source.size);
        assert_eq!(resume_state.upload_id(), None, "a finished upload leaves no record");
    }
}

#[tokio::test]
async fn a_small_file_is_one_request() {
    let (folder, bucket) = (tempfile::tempdir().unwrap(), Bucket::default());
    let aws = bucket.open().await;
    let source = source(&folder, 3);
    let metadata = Metadata::from([("restctl-column-types", "s".repeat(10))]);
    let to = Destination { bucket: "b", key: "a.csv", metadata: &metadata };
    let uploaded = upload(&aws, &source, &to).send(pending()).await.unwrap();
    assert_eq!(uploaded.uploaded.as_deref(), Some("1994-11-06T08:49:37.000Z"));
    assert_eq!(bucket.asked(), ["put"]);
}

#[tokio::test]
async fn a_stopped_upload_keeps_its_parts_only_for_a_resume_state() {
    let (folder, bucket, metadata) = (tempfile::tempdir().unwrap(), Bucket::default(), Metadata::new());
    let aws = bucket.open().await;
    let source = source(&folder, 20 * MIB);
    let to = Destination { bucket: "b", key: "a.csv", metadata: &metadata };
    let resume_state = ResumeState::new(&folder.path().join("uploads"), &aws, &to, source.size).unwrap();
    for (resume_state, expected) in [(Some(&resume_state), &["begin"][..]), (None, &["begin", "DELETE"])] {
        let stopped = std::future::ready(Ok(()));
        let upload = Upload { resume_state, ..upload(&aws, &source, &to) };
        let failure = upload.send(stopped).await.err().unwrap();
        assert_eq!(failure.exit, Exit::Interrupted);
        assert_eq!(bucket.asked(), expected);
    }
    assert_eq!(resume_state.upload_id().as_deref(), Some("new"));
}
