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
