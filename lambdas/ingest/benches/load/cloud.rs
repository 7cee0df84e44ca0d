//! The services that a load needs, costing next to nothing.

use restctl_contract::load::{COLUMN_TYPES_METADATA, LEDGER_KEY, LedgerEntry};
use restctl_testkit::bench::row;
use restctl_testkit::dynamodb::{Dynamo, Puts, TableContent};
use restctl_testkit::s3::Bucket;
use restctl_testkit::sqs::Sqs;

pub(crate) const BUCKET: &str = "data";
pub(crate) const OBJECT: &str = "items.csv";
pub(crate) const VERSION: &str = "benchmark";
pub(crate) const ITEMS_TABLE: &str = "items";
pub(crate) const LEDGER_TABLE: &str = "ledger";

/// Serves until it is dropped.
pub(crate) struct Cloud {
    dynamodb: Dynamo,
    bucket: Bucket,
    sqs: Sqs,
    /// What the table contains before the load.
    pub(crate) content: TableContent,
}

impl Cloud {
    /// Starts the services, with an object of `rows` rows.
    pub(crate) async fn start(rows: u64, content: TableContent) -> Self {
        let (dynamodb, bucket, sqs) = (Dynamo::start().await, Bucket::start().await, Sqs::start().await);
        dynamodb.generate_table(ITEMS_TABLE, content);
        dynamodb.create_table(LEDGER_TABLE, LEDGER_KEY);
        let metadata = [(COLUMN_TYPES_METADATA, row::COLUMN_TYPES)];
        bucket.put_generated(OBJECT, VERSION, row::file_size(rows), row::file_part, &metadata);
        Self { dynamodb, bucket, sqs, content }
    }

    /// Returns the variables that tell a process where the services are.
    pub(crate) fn endpoint_variables(&self) -> [(&'static str, &str); 3] {
        [
            ("AWS_ENDPOINT_URL", self.dynamodb.url()),
            ("AWS_ENDPOINT_URL_S3", self.bucket.url()),
            ("AWS_ENDPOINT_URL_SQS", self.sqs.url()),
        ]
    }

    pub(crate) fn queue_url(&self, name: &str) -> String {
        format!("{}/{name}", self.sqs.url())
    }

    pub(crate) fn generated_puts(&self) -> Puts {
        self.dynamodb.generated_puts()
    }

    /// Returns the load's entry in the ledger, which also has items that are not entries.
    pub(crate) fn last_load(&self) -> Option<LedgerEntry> {
        let items = self.dynamodb.items(LEDGER_TABLE);
        items.into_iter().find_map(|item| {
            let item: serde_dynamo::Item = serde_json::from_value(item).ok()?;
            serde_dynamo::from_item(item).ok()
        })
    }

    /// Returns how many calls have arrived at all services together.
    pub(crate) fn count_calls(&self) -> usize {
        self.dynamodb.count_all_calls() + self.bucket.count_calls() + self.sqs.count_calls()
    }
}
