//! The types of a CSV's columns, compared with those of the table's items.

use std::collections::BTreeMap;

use restctl_rows::{ColumnType, Dialect, Format, SurveyedColumn, Types};

use crate::aws::Aws;
use crate::aws::dynamodb::attribute_types::{AttributeTypes, sample_attribute_types};
use crate::data_file::input::InputArgs;
use crate::failure::Result;

/// Gives the columns the types that the table's items have, if that was asked for. Types that were chosen stay.
pub(crate) async fn take_types_from_table(
    input: &InputArgs,
    dialect: &mut Dialect,
    aws: &Aws,
    table: &str,
) -> Result<()> {
    if !input.takes_types_from_table() || dialect.format != Format::Csv {
        return Ok(());
    }
    let sampled = sample_attribute_types(aws, table).await?;
    let of_table = sampled.iter().filter_map(|(name, types)| Some((name.clone(), usual_type(types)?)));
    let remembered = of_table.collect();
    let chosen = match std::mem::take(&mut dialect.csv.types) {
        Types::Named(chosen) => chosen,
        _ => BTreeMap::new(),
    };
    dialect.csv.types = Types::Remembered { remembered, chosen };
    Ok(())
}

/// Returns a line for each column whose type differs from what the table's items have.
pub(crate) async fn describe_differing_types(
    columns: &[SurveyedColumn],
    aws: &Aws,
    table: &str,
) -> Result<Vec<String>> {
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let sampled = sample_attribute_types(aws, table).await?;
    let differing = columns.iter().filter_map(|column| {
        let types = sampled.get(&column.name)?;
        let usual = usual_type(types).filter(|usual| *usual != column.kind)?;
        Some(format!(
            "{} is a {} here, and a {usual} in {} of the {} items of the table that were looked at",
            column.name,
            column.kind,
            types.count(usual),
            types.total(),
        ))
    });
    Ok(differing.collect())
}

/// Returns the type that most of the items have.
fn usual_type(types: &AttributeTypes) -> Option<ColumnType> {
    let kinds = [ColumnType::String, ColumnType::Number, ColumnType::Boolean];
    let usual = kinds.into_iter().max_by_key(|kind| types.count(*kind))?;
    (types.count(usual) > 0).then_some(usual)
}
