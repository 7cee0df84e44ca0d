use restctl_contract::event::{self, DETAIL_TYPE, SOURCE};
use restctl_contract::load::REJECTS_PREFIX;
use restctl_contract::timestamp::rfc3339;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Error;

/// The upload of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectCreated {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// In bytes.
    pub(crate) size: u64,
    /// `None` if the bucket keeps no versions, and in emulators.
    pub(crate) version: Option<String>,
    pub(crate) etag: String,
    /// RFC 3339, UTC, with milliseconds.
    pub(crate) uploaded: String,
}

impl ObjectCreated {
    pub(crate) fn parse(message: &str) -> Result<Self, Error> {
        let event: event::ObjectCreated =
            serde_json::from_str(message).map_err(|error| Error::NotAnObjectCreatedEvent(Some(error)))?;
        let time =
            OffsetDateTime::parse(&event.time, &Rfc3339).map_err(|_| Error::NotAnObjectCreatedEvent(None))?;
        if event.source != SOURCE || event.detail_type != DETAIL_TYPE {
            return Err(Error::NotAnObjectCreatedEvent(None));
        }
        let event::Detail { bucket, object } = event.detail;
        Ok(Self {
            bucket: bucket.name,
            key: object.key,
            size: object.size,
            // While versioning is suspended every object has the version id `null`, whatever its content.
            version: object.version_id.filter(|id| !matches!(id.as_str(), "" | "null")),
            etag: object.etag,
            uploaded: rfc3339(time),
        })
    }

    pub(crate) fn is_rejects_file(&self) -> bool {
        self.key.starts_with(REJECTS_PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../../fixtures/events/object-created.json");

    fn sample_body() -> String {
        let event: serde_json::Value = serde_json::from_str(SAMPLE).unwrap();
        event["Records"][0]["body"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_sample_event_is_parsed() {
        let created = ObjectCreated::parse(&sample_body()).unwrap();
        assert_eq!(created.bucket, "restctl-data");
        assert_eq!(created.key, "uploads/items 2026+é.csv");
        assert_eq!(created.size, 1024);
        assert_eq!(created.version.as_deref(), Some("3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"));
        assert_eq!(created.uploaded, "2026-01-15T09:30:05.000Z");
    }

    #[test]
    fn the_version_is_optional_and_the_time_becomes_utc() {
        let body = sample_body()
            .replace("\"version-id\":\"3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY\",", "")
            .replace("2026-01-15T09:30:05Z", "2026-01-15T00:30:05.12-03:00");
        let created = ObjectCreated::parse(&body).unwrap();
        assert_eq!(created.version, None);
        assert_eq!(created.uploaded, "2026-01-15T03:30:05.120Z");
    }

    #[test]
    fn other_messages_are_refused() {
        for other in [
            "",
            "{}",
            &sample_body().replace("Object Created", "Object Deleted"),
            &sample_body().replace("aws.s3", "x"),
        ] {
            assert!(matches!(ObjectCreated::parse(other), Err(Error::NotAnObjectCreatedEvent(_))), "{other}");
        }
    }
}
