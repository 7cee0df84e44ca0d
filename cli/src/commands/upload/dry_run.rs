//! What would become of a file, for `--dry-run`.

use serde::Serialize;

use crate::aws::{Aws, dynamodb};
use crate::data_file::source::Source;
use crate::data_file::survey::{Line, Surveyed};
use crate::failure::Result;
use crate::terminal::output::{self, Format};

/// What a new table without provisioned throughput takes at once, in write units a second ("DynamoDB throughput
/// capacity", Amazon DynamoDB Developer Guide).
const NEW_TABLE_WRITE_UNITS: u64 = 4000;

#[derive(Serialize)]
struct Forecast<'a> {
    object: &'a str,
    bytes: u64,
    sha256: &'a str,
    columns: Vec<Column<'a>>,
    rows: u64,
    rejected: u64,
    /// The first ones.
    rejects: Vec<Reject<'a>>,
    duplicates: u64,
    write_units: u64,
    write_units_per_second: u64,
    /// The table does not say how much it takes.
    assumed: bool,
    /// For how long the table writes at that rate.
    seconds: u64,
}

#[derive(Serialize)]
struct Column<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize)]
struct Reject<'a> {
    line: u64,
    column: Option<&'a str>,
    reason: &'a str,
    row: &'a str,
}

pub(super) async fn print(
    aws: &Aws,
    table: &str,
    object: &str,
    source: &Source,
    surveyed: &Surveyed,
) -> Result<()> {
    let warm = dynamodb::warm_write_units(aws, table).await?;
    match output::chosen_format() {
        Format::Json => output::print_json(&forecast(object, source.size, surveyed, warm)),
        Format::Text => output::print_line(&text(object, source.size, surveyed, warm)),
    }
}

fn forecast<'a>(object: &'a str, bytes: u64, surveyed: &'a Surveyed, warm: Option<u64>) -> Forecast<'a> {
    let findings = &surveyed.findings;
    let columns = findings.columns.iter();
    let rejects = findings.rejects.iter();
    let rate = warm.unwrap_or(NEW_TABLE_WRITE_UNITS);
    Forecast {
        object,
        bytes,
        sha256: &surveyed.digest,
        columns: columns.map(|of| Column { name: &of.name, kind: of.kind.to_string() }).collect(),
        rows: findings.rows,
        rejected: findings.rejected,
        rejects: rejects
            .map(|of| Reject {
                line: of.line,
                column: of.column.as_deref(),
                reason: &of.reason,
                row: &of.row,
            })
            .collect(),
        duplicates: surveyed.duplicates,
        write_units: findings.write_units,
        write_units_per_second: rate,
        assumed: warm.is_none(),
        seconds: findings.write_units.div_ceil(rate),
    }
}

fn text(object: &str, bytes: u64, surveyed: &Surveyed, warm: Option<u64>) -> String {
    let forecast = forecast(object, bytes, surveyed, warm);
    let rate = forecast.write_units_per_second;
    let origin =
        if forecast.assumed { "assumed, the table does not say" } else { "the table's warm throughput" };
    let mut text = output::align_values(&[
        ("object", object.to_owned()),
        ("bytes", bytes.to_string()),
        ("rows", forecast.rows.to_string()),
        ("rejected", forecast.rejected.to_string()),
        ("duplicates", forecast.duplicates.to_string()),
        ("write units", forecast.write_units.to_string()),
        ("seconds", format!("{}, at {rate} write units a second ({origin})", forecast.seconds)),
    ]);
    if !forecast.columns.is_empty() {
        let columns: Vec<(&str, String)> =
            forecast.columns.into_iter().map(|column| (column.name, column.kind)).collect();
        text.push_str("\n\ncolumns\n");
        text.push_str(&indented(&output::align_values(&columns)));
    }
    if !surveyed.findings.rejects.is_empty() {
        let lines: Vec<String> =
            surveyed.findings.rejects.iter().map(|reject| Line(reject).to_string()).collect();
        text.push_str("\n\nfirst rejected rows\n");
        text.push_str(&indented(&lines.join("\n")));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
