use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::http::{Method, StatusCode};

use super::*;
use crate::aws::test_server;

const OWN: OwnBucket<'_> = OwnBucket { name: "restctl", account: "123456789012" };

/// Answers as S3 does for a bucket of the account 210987654321 whose policy allows everyone everything.
async fn bucket_of_another_account(request: Request) -> StatusCode {
    let expected = request.headers().get("x-amz-expected-bucket-owner");
    let is_another = expected.is_none_or(|owner| owner != "210987654321");
    if is_another { StatusCode::FORBIDDEN } else { StatusCode::OK }
}

#[tokio::test]
async fn a_bucket_of_another_account_is_not_trusted() {
    let aws = test_server::connect(bucket_of_another_account).await;
    assert_eq!(read_bucket_state(&aws, OWN).await.unwrap(), OwnBucketState::Refused);
    let refused =
        ensure_private_bucket(&aws, OWN, "aws", &Tags::new(), || {}).await.unwrap_err().to_single_line();
    assert!(refused.contains("it belongs to another account"), "{refused}");
    assert!(controls::restore_controls(&aws, OWN, "aws").await.is_err());
    assert!(ensure_object(&aws, OWN, "package.zip", b"package").await.is_err());
    assert!(delete_object(&aws, OWN, "package.zip").await.is_err());
    assert!(delete_bucket(&aws, OWN).await.is_err());

    let owner = OwnBucket { account: "210987654321", ..OWN };
    assert_eq!(read_bucket_state(&aws, owner).await.unwrap(), OwnBucketState::Own);
    ensure_object(&aws, owner, "package.zip", b"package").await.unwrap();
    delete_object(&aws, owner, "package.zip").await.unwrap();
}

/// What S3 stores of one bucket: `/` is the bucket itself, `?name` a configuration, anything else an object's checksum.
type Stored = Arc<Mutex<BTreeMap<String, String>>>;

/// Answers as S3 does for a bucket of this account.
async fn own_bucket(request: Request, stored: Stored) -> (StatusCode, [(&'static str, String); 1], String) {
    let uri = request.uri().clone();
    let configuration = uri.query().and_then(|query| {
        let known = ["publicAccessBlock", "ownershipControls", "policy", "versioning", "lifecycle"];
        known.into_iter().find(|name| query.split('&').any(|part| part.trim_end_matches('=') == *name))
    });
    let name = configuration.map_or_else(|| uri.path().replace("/restctl", ""), |name| format!("?{name}"));
    let creates = request.method() == Method::PUT && name.trim_end_matches('/').is_empty();
    let owner = request.headers().get("x-amz-expected-bucket-owner").cloned();
    // A bucket that does not exist has no owner.
    assert!(creates || owner.is_some_and(|owner| owner == OWN.account), "{} {uri}", request.method());
    let checksum = request.headers().get("x-amz-checksum-sha256").cloned();
    let method = request.method().clone();
    let body = axum::body::to_bytes(request.into_body(), 100_000).await.unwrap();
    let mut stored = stored.lock().unwrap();
    let mut header = [("x-amz-request-id", "1".to_owned())];
    if method == Method::PUT {
        let text = String::from_utf8_lossy(&body).into_owned();
        stored.insert(name, checksum.map_or(text, |checksum| checksum.to_str().unwrap().to_owned()));
        return (StatusCode::OK, header, String::new());
    }
    match (stored.get(&name), configuration) {
        (Some(found), Some(_)) => (StatusCode::OK, header, found.clone()),
        (Some(found), None) => {
            if !found.is_empty() {
                header = [("x-amz-checksum-sha256", found.clone())];
            }
            (StatusCode::OK, header, String::new())
        }
        (None, Some("versioning")) => (StatusCode::OK, header, "<VersioningConfiguration/>".to_owned()),
        (None, configuration) => {
            let code = match configuration {
                Some("publicAccessBlock") => "NoSuchPublicAccessBlockConfiguration",
                Some("ownershipControls") => "OwnershipControlsNotFoundError",
                Some("policy") => "NoSuchBucketPolicy",
                Some("lifecycle") => "NoSuchLifecycleConfiguration",
                _ => "NoSuchKey",
            };
            (StatusCode::NOT_FOUND, header, format!("<Error><Code>{code}</Code></Error>"))
        }
    }
}

async fn connect_to_own_bucket() -> (Aws, Stored) {
    let stored = Stored::default();
    let shared = Arc::clone(&stored);
    (test_server::connect(move |request: Request| own_bucket(request, Arc::clone(&shared))).await, stored)
}

#[tokio::test]
async fn what_was_changed_by_hand_is_restored() {
    let (aws, stored) = connect_to_own_bucket().await;
    assert!(
        ensure_private_bucket(&aws, OWN, "aws", &Tags::new(), || {}).await.unwrap().is_empty(),
        "a new bucket"
    );
    let made = stored.lock().unwrap().clone();
    assert_eq!(made.len(), 5, "{made:?}");
    assert!(
        ensure_private_bucket(&aws, OWN, "aws", &Tags::new(), || {}).await.unwrap().is_empty(),
        "nothing has changed"
    );

    let weak_block = made["?publicAccessBlock"].replacen("true", "false", 1);
    let open_policy = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#;
    let short_rules = made["?lifecycle"].replace(">90<", ">1<");
    for (configuration, changed, name) in [
        ("?publicAccessBlock", None, "the public access block"),
        ("?publicAccessBlock", Some(weak_block.as_str()), "the public access block"),
        ("?ownershipControls", None, "the object ownership"),
        ("?policy", None, "the bucket policy"),
        ("?policy", Some(open_policy), "the bucket policy"),
        ("?lifecycle", None, "the lifecycle rules"),
        ("?lifecycle", Some(short_rules.as_str()), "the lifecycle rules"),
    ] {
        match changed {
            Some(changed) => stored.lock().unwrap().insert(configuration.to_owned(), changed.to_owned()),
            None => stored.lock().unwrap().remove(configuration),
        };
        assert_eq!(
            ensure_private_bucket(&aws, OWN, "aws", &Tags::new(), || {}).await.unwrap(),
            [name],
            "{changed:?}"
        );
        assert_eq!(*stored.lock().unwrap(), made, "{name}");
    }
}

/// Answers as S3 does if it refuses the first `refusals` requests to create the bucket, or to delete it, with `code`.
async fn connect_to_refusing_s3(code: &'static str, refusals: usize) -> Aws {
    let (stored, sent) = (Stored::default(), Arc::new(AtomicUsize::new(0)));
    test_server::connect(async move |request: Request| {
        let is_bucket = request.uri().query().is_none_or(|query| query.starts_with("x-id="));
        let is_refused = is_bucket && [Method::PUT, Method::DELETE].contains(request.method());
        if is_refused && sent.fetch_add(1, Ordering::SeqCst) < refusals {
            let answer = format!("<Error><Code>{code}</Code></Error>");
            return (StatusCode::CONFLICT, [("x-amz-request-id", "1".to_owned())], answer);
        }
        let header = [("x-amz-request-id", "1".to_owned())];
        match *request.method() {
            Method::HEAD => (StatusCode::NOT_FOUND, header, String::new()),
            Method::DELETE => (StatusCode::NO_CONTENT, header, String::new()),
            _ => own_bucket(request, Arc::clone(&stored)).await,
        }
    })
    .await
}

#[tokio::test]
async fn a_bucket_waits_until_its_name_is_free() {
    let (aws, notes) = (connect_to_refusing_s3("OperationAborted", 12).await, AtomicUsize::new(0));
    let note = || {
        notes.fetch_add(1, Ordering::SeqCst);
    };
    assert!(ensure_private_bucket(&aws, OWN, "aws", &Tags::new(), note).await.unwrap().is_empty());
    assert_eq!((aws.clock.slept(), notes.into_inner()), (Duration::from_secs(60), 1));
}

#[tokio::test]
async fn a_bucket_whose_name_does_not_become_free_is_given_up() {
    let aws = connect_to_refusing_s3("OperationAborted", usize::MAX).await;
    let failure = ensure_private_bucket(&aws, OWN, "aws", &Tags::new(), || {}).await.unwrap_err().to_string();
    assert!(failure.contains("the name of the deleted bucket restctl is not free yet"), "{failure}");
    assert!(failure.contains("S3 has not finished deleting it after 120 s"), "{failure}");
    assert_eq!(aws.clock.slept(), Duration::from_secs(120));
}

/// Two deployments may both find that there is no bucket.
#[tokio::test]
async fn a_bucket_that_another_deployment_has_just_created_is_used() {
    let aws = connect_to_refusing_s3("BucketAlreadyOwnedByYou", usize::MAX).await;
    assert!(ensure_private_bucket(&aws, OWN, "aws", &Tags::new(), || {}).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_bucket_that_is_being_created_is_deleted_afterwards() {
    let aws = connect_to_refusing_s3("OperationAborted", 3).await;
    delete_bucket(&aws, OWN).await.unwrap();
    assert_eq!(aws.clock.slept(), Duration::from_secs(15));
}

#[tokio::test]
async fn a_new_bucket_is_created_with_its_tags() {
    let (aws, stored) = connect_to_own_bucket().await;
    let tags = Tags::from([("team".to_owned(), "data".to_owned())]);
    ensure_private_bucket(&aws, OWN, "aws", &tags, || {}).await.unwrap();
    let created: Vec<_> = stored.lock().unwrap().values().cloned().collect();
    let expected = "<Tags><Tag><Key>team</Key><Value>data</Value></Tag></Tags></CreateBucketConfiguration>";
    assert!(created.iter().any(|body| body.ends_with(expected)), "{created:?}");
}

#[tokio::test]
async fn versioning_is_turned_on_once() {
    let (aws, stored) = connect_to_own_bucket().await;
    enable_versioning(&aws, OWN).await.unwrap();
    let suspended = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    let enabled = stored.lock().unwrap().insert("?versioning".to_owned(), suspended.to_owned()).unwrap();
    assert!(enabled.contains("Enabled"), "{enabled}");
    enable_versioning(&aws, OWN).await.unwrap();
    assert_eq!(stored.lock().unwrap()["?versioning"], enabled);
    let written = stored.lock().unwrap().clone();
    enable_versioning(&aws, OWN).await.unwrap();
    assert_eq!(*stored.lock().unwrap(), written);
}

/// A name says nothing about the bytes under it.
#[tokio::test]
async fn an_object_with_other_bytes_is_replaced() {
    let (aws, stored) = connect_to_own_bucket().await;
    let checksum = sha256_base64(b"package");
    // Without a checksum, S3 does not know what it stores; a multipart upload has a checksum of its parts.
    for foreign in ["", "Zm9yZWlnbg==", &format!("{checksum}-1")] {
        stored.lock().unwrap().insert("/package.zip".to_owned(), foreign.to_owned());
        ensure_object(&aws, OWN, "package.zip", b"package").await.unwrap();
        assert_eq!(stored.lock().unwrap()["/package.zip"], checksum, "{foreign:?}");
    }
    let before = stored.lock().unwrap().clone();
    ensure_object(&aws, OWN, "package.zip", b"package").await.unwrap();
    assert_eq!(*stored.lock().unwrap(), before);
}
