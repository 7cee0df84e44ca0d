//! The messages of the load queue: what Amazon S3 tells EventBridge about a new object ("EventBridge event message
//! structure", Amazon S3 User Guide), as far as a load needs it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::load::{LoadId, REJECTS_PREFIX};
use crate::timestamp::to_rfc3339;

pub const SOURCE: &str = "aws.s3";
pub const DETAIL_TYPE: &str = "Object Created";

/// The message group of every load. One group means one writer of the table, and loads in the order they arrived.
pub const MESSAGE_GROUP: &str = "items";

/// The visibility timeout of the load queue. Where AWS's pages disagree about what becomes of a message that the ingest
/// function could not finish, this is the longest time until it is delivered again.
pub const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// An object that was uploaded to the data bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedObject {
    pub bucket: String,
    /// Not URL-encoded.
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// `None` if the bucket is not versioned, or if an emulator left it out.
    pub version: Option<String>,
    pub etag: String,
    /// When it was uploaded: RFC 3339, UTC, with milliseconds.
    pub uploaded: String,
}

/// Why a message is not the event of an uploaded object.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("it is not the JSON of an S3 event")]
    NotJson(#[from] serde_json::Error),
    #[error("its time is not RFC 3339")]
    NotATime(#[from] time::error::Parse),
    #[error("it is {detail_type:?} of {event_source:?}")]
    OtherEvent { event_source: String, detail_type: String },
}

/// Reads the body of a message.
///
/// # Errors
/// If it is not an "Object Created" event of S3.
pub fn parse(message: &str) -> Result<UploadedObject, EventError> {
    let event: ObjectCreated = serde_json::from_str(message)?;
    let uploaded = OffsetDateTime::parse(&event.time, &Rfc3339)?;
    if event.source != SOURCE || event.detail_type != DETAIL_TYPE {
        return Err(EventError::OtherEvent { event_source: event.source, detail_type: event.detail_type });
    }
    let Detail { bucket, object } = event.detail;
    Ok(UploadedObject {
        bucket: bucket.name,
        key: object.key,
        size: object.size,
        // While versioning is suspended, every object has the version `null`, whatever it contains.
        version: object.version_id.filter(|id| !matches!(id.as_str(), "" | "null")),
        etag: object.etag,
        uploaded: to_rfc3339(uploaded),
    })
}

impl UploadedObject {
    /// Returns the message that [`parse`] reads, as S3 would send it.
    pub fn to_message(&self) -> String {
        let mut object = json!({ "key": self.key, "size": self.size, "etag": self.etag });
        if let Some(version) = &self.version {
            object["version-id"] = json!(version);
        }
        json!({
            "source": SOURCE,
            "detail-type": DETAIL_TYPE,
            "time": self.uploaded,
            "detail": { "bucket": { "name": self.bucket }, "object": object },
        })
        .to_string()
    }

    /// Returns the id of the object's load, or `None` if the message names no version.
    pub fn load_id(&self) -> Option<LoadId> {
        self.version.as_deref().map(|version| LoadId::for_version(&self.key, version))
    }

    /// Returns whether the object is a file of rejects, which is not loaded.
    pub fn is_rejects_file(&self) -> bool {
        self.key.starts_with(REJECTS_PREFIX)
    }
}

#[derive(Deserialize)]
struct ObjectCreated {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    time: String,
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Object {
    key: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    etag: String,
    #[serde(default)]
    version_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../fixtures/events/object-created.json");

    fn sample_body() -> String {
        let event: serde_json::Value = serde_json::from_str(SAMPLE).unwrap();
        event["Records"][0]["body"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_sample_is_parsed() {
        let object = parse(&sample_body()).unwrap();
        assert_eq!(object.bucket, "restctl-data");
        assert_eq!(object.key, "uploads/items 2026+é.csv");
        assert_eq!(object.size, 1024);
        assert_eq!(object.version.as_deref(), Some("3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"));
        assert_eq!(object.uploaded, "2026-01-15T09:30:05.000Z");
        assert_eq!(parse(&object.to_message()).unwrap(), object);
    }

    /// "EventBridge event message structure" and "Object Created" of its `reason` (Amazon S3 User Guide). Unlike in an event
    /// notification of S3, the key is not URL-encoded.
    #[test]
    fn every_documented_shape_of_an_event_is_parsed() {
        let longest = "é".repeat(512);
        let keys = [
            "a b+c%2B%20d.csv",
            "100%.csv",
            "\u{65e5}\u{672c}\u{8a9e}/\u{1f4e6}.csv",
            "e\u{301}.csv",
            "two\nlines\r\n\t.csv",
            "\u{1}\u{7f}\u{85}\u{2028}.csv",
            "\"quoted\\\".csv",
            "/a//../b.csv",
            "//",
            " ",
            &longest,
        ];
        for (number, key) in keys.into_iter().enumerate() {
            let reason = ["PutObject", "POST Object", "CopyObject", "CompleteMultipartUpload"][number % 4];
            let sequencer = ["00", "0064D3901D00059242"][number % 2];
            let mut event: serde_json::Value = serde_json::from_str(&sample_body()).unwrap();
            event["detail"]["event-version"] = json!("1.0");
            event["detail"]["reason"] = json!(reason);
            event["detail"]["requester"] = json!("s3.amazonaws.com");
            event["detail"]["object"] = json!({ "key": key, "size": 0, "etag": "4af981f98d22a0b9979da24b259e5e42-12",
                "sequencer": sequencer });
            let object = parse(&event.to_string()).unwrap();
            assert_eq!((object.key.as_str(), object.size, &object.version), (key, 0, &None));
            assert_eq!(parse(&object.to_message()).unwrap(), object);
            for (id, version) in [("null", None), ("", None), ("v1", Some("v1"))] {
                event["detail"]["object"]["version-id"] = json!(id);
                event["detail"]["object"]["size"] = json!(53_687_091_200_000_u64);
                let object = parse(&event.to_string()).unwrap();
                assert_eq!((object.version.as_deref(), object.size), (version, 53_687_091_200_000));
            }
        }
    }

    #[test]
    fn a_version_may_be_missing_and_times_become_utc() {
        let body = sample_body()
            .replace("\"version-id\":\"3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY\",", "")
            .replace("2026-01-15T09:30:05Z", "2026-01-15T00:30:05.12-03:00");
        let object = parse(&body).unwrap();
        assert_eq!((&object.version, object.load_id()), (&None, None));
        assert_eq!(object.uploaded, "2026-01-15T03:30:05.120Z");
        assert_eq!(parse(&object.to_message()).unwrap(), object);
    }

    #[test]
    fn hostile_messages_need_little_stack() {
        let work = || {
            let (open, close) = ("[".repeat(400_000), "]".repeat(400_000));
            let deep = [format!("{open}{close}"), "{\"a\":".repeat(100_000), format!("{open}1")];
            for deep in deep {
                assert!(matches!(parse(&deep), Err(EventError::NotJson(_))));
                for member in ["source", "detail", "key", "version-id"] {
                    let message = sample_body().replacen(
                        &format!("\"{member}\":"),
                        &format!("\"{member}\":{deep},\"x\":"),
                        1,
                    );
                    assert!(matches!(parse(&message), Err(EventError::NotJson(_))), "{member}");
                }
            }
            // A member that no field takes is skipped, however deep it is.
            let ignored = sample_body().replacen('{', &format!("{{\"ignored\":{open}{close},"), 1);
            assert!(parse(&ignored).is_ok());
        };
        std::thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap().join().unwrap();
    }

    #[test]
    fn other_messages_are_refused() {
        assert!(matches!(parse(""), Err(EventError::NotJson(_))));
        assert!(matches!(parse("{}"), Err(EventError::NotJson(_))));
        // An event notification of S3, which has no rule in between.
        let record = json!({ "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": { "object": { "key": "a+b" } } });
        assert!(matches!(parse(&json!({ "Records": [record] }).to_string()), Err(EventError::NotJson(_))));
        assert!(matches!(parse(&sample_body().replace("2026-01-15T", "")), Err(EventError::NotATime(_))));
        for (right, wrong) in [("Object Created", "Object Deleted"), ("aws.s3", "x")] {
            assert!(
                matches!(parse(&sample_body().replace(right, wrong)), Err(EventError::OtherEvent { .. })),
                "{wrong}"
            );
        }
    }
}
