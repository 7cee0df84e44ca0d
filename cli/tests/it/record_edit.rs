//! Redirects restctl to something in place of a part of the local cloud.

use serde_json::Value;

use crate::cloud::{Cloud, RECORD};

/// A changed member of the local cloud's record. It is restored when this is dropped.
pub(crate) struct RecordEdit<'a> {
    cloud: &'a Cloud,
    before: Value,
}

impl<'a> RecordEdit<'a> {
    pub(crate) fn new(cloud: &'a Cloud, member: &str, value: &str) -> Self {
        let before = cloud.record();
        let mut record = before.clone();
        record[member] = value.into();
        std::fs::write(cloud.state_folder().join(RECORD), record.to_string()).unwrap();
        Self { cloud, before }
    }
}

impl Drop for RecordEdit<'_> {
    fn drop(&mut self) {
        std::fs::write(self.cloud.state_folder().join(RECORD), self.before.to_string()).unwrap();
    }
}
