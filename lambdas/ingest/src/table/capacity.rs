use serde::Deserialize;

/// What a call consumed of a table. PutItem and Scan report one table, the batch calls a list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ConsumedCapacity {
    #[serde(default)]
    pub(super) capacity_units: f64,
}

pub(super) fn sum_units(tables: &[ConsumedCapacity]) -> f64 {
    tables.iter().map(|table| table.capacity_units).sum()
}

/// What a strongly consistent read unit covers ("DynamoDB read and write operations", Amazon DynamoDB Developer Guide).
const READ_UNIT_BYTES: usize = 4096;

/// Returns the units of a strongly consistent read of an item with this size. An item that does not exist costs one, too.
pub(super) fn estimate_read_units(bytes: usize) -> f64 {
    bytes.div_ceil(READ_UNIT_BYTES).max(1) as f64
}
