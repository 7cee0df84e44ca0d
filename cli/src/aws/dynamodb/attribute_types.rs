//! The types that the attributes of a table's items have.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use restctl_rows::ColumnType;

use crate::aws::Aws;
use crate::aws::error::AwsContext;
use crate::failure::Result;

/// How many items are looked at. A scan returns them in the order of the keys' hashes, so they come from all loads.
const SAMPLED_ITEMS: i32 = 200;

/// In how many of the sampled items an attribute has which type.
#[derive(Debug, Default)]
pub(crate) struct AttributeTypes {
    strings: u64,
    numbers: u64,
    booleans: u64,
    others: u64,
}

impl AttributeTypes {
    pub(crate) fn count(&self, kind: ColumnType) -> u64 {
        match kind {
            ColumnType::String => self.strings,
            ColumnType::Number => self.numbers,
            ColumnType::Boolean => self.booleans,
        }
    }

    /// Returns how many of the items have the attribute.
    pub(crate) fn total(&self) -> u64 {
        self.strings + self.numbers + self.booleans + self.others
    }

    fn add(&mut self, value: &AttributeValue) {
        *match value {
            AttributeValue::S(_) => &mut self.strings,
            AttributeValue::N(_) => &mut self.numbers,
            AttributeValue::Bool(_) => &mut self.booleans,
            _ => &mut self.others,
        } += 1;
    }
}

/// Returns the types of the attributes by name, in a sample of the table's items. It costs at most 128 read units, for 1
/// MB of items.
pub(crate) async fn sample_attribute_types(
    aws: &Aws,
    table: &str,
) -> Result<BTreeMap<String, AttributeTypes>> {
    let answer = aws.dynamodb.scan().table_name(table).limit(SAMPLED_ITEMS).send().await;
    let answer = answer.aws_context(&format!("read the table {table}"))?;
    let mut types: BTreeMap<String, AttributeTypes> = BTreeMap::new();
    for (name, value) in answer.items().iter().flatten() {
        types.entry(name.clone()).or_default().add(value);
    }
    Ok(types)
}
