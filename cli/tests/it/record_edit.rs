//! Redirects restctl to something in place of a part of the local cloud.

use serde_json::Value;

use crate::cloud::{Cloud, RECORD};

/// The port at which the front serves the stack, below the state folder.
const PORT: &str = "restctl/local/front/restctl/port";

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
        write_record(cloud, &record);
        Self { cloud, before }
    }
}

impl Drop for RecordEdit<'_> {
    fn drop(&mut self) {
        write_record(self.cloud, &self.before);
    }
}

/// Writes the record, and the port of its front as that of the stack.
fn write_record(cloud: &Cloud, record: &Value) {
    std::fs::write(cloud.state_folder().join(RECORD), record.to_string()).unwrap();
    let (_, port) = record["front"].as_str().unwrap().rsplit_once(':').unwrap();
    let file = cloud.state_folder().join(PORT);
    if file.exists() {
        // The front would take an empty file for none, and write its own.
        let new = cloud.write_file("port", port);
        std::fs::rename(new, file).unwrap();
    }
}
