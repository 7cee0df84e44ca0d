//! `--dry-run`: what the load of a file would do.

use restctl_rows::{Compression, Format};
use serde::Serialize;

use crate::aws::{Aws, dynamodb};
use crate::data_file::OpenedFile;
use crate::data_file::survey::{RejectLine, SurveyedFile, describe_type};
use crate::failure::Result;
use crate::terminal::output;
use crate::terminal::text::Text;

/// The write units per second that a new on-demand table accepts immediately ("DynamoDB throughput capacity", Amazon
/// DynamoDB Developer Guide).
const NEW_TABLE_WRITE_UNITS: u64 = 4000;

#[derive(Serialize)]
struct Forecast<'a> {
    object: &'a str,
    bytes: u64,
    format: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<String>,
    /// Absent if the file is not a CSV.
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<String>,
    /// What else was recognized about the file.
    notes: Vec<&'a str>,
    sha256: &'a str,
    columns: Vec<ForecastColumn<'a>>,
    rows: u64,
    rejected: u64,
    /// The first of the rejected rows.
    rejects: Vec<ForecastReject<'a>>,
    duplicates: u64,
    write_units: u64,
    write_units_per_second: u64,
    /// Whether the rate is assumed, since the table does not report its throughput.
    assumed: bool,
    /// How long the table writes at that rate.
    seconds: u64,
}

#[derive(Serialize)]
struct ForecastColumn<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: String,
    /// The first number that is loaded in another notation.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<ChangedNumber<'a>>,
}

#[derive(Serialize)]
struct ChangedNumber<'a> {
    from: &'a str,
    to: &'a str,
}

#[derive(Serialize)]
struct ForecastReject<'a> {
    line: u64,
    column: Option<&'a str>,
    reason: &'a str,
    row: &'a str,
}

/// Prints the forecast of one of `files` files.
pub(super) async fn print_forecast(
    aws: &Aws,
    table: &str,
    file: &OpenedFile,
    surveyed: &SurveyedFile,
    files: usize,
) -> Result<()> {
    let warm = dynamodb::warm_write_units(aws, table).await?;
    match output::chosen_format() {
        output::Format::Json => output::print_json_result(&build_forecast(file, surveyed, warm), files),
        output::Format::Text => output::print_text(forecast_text(file, surveyed, warm)),
    }
}

fn build_forecast<'a>(file: &'a OpenedFile, surveyed: &'a SurveyedFile, warm: Option<u64>) -> Forecast<'a> {
    let OpenedFile { source, object, dialect, .. } = file;
    let findings = &surveyed.findings;
    let columns = findings.columns.iter();
    let rejects = findings.rejects.iter();
    let rate = warm.unwrap_or(NEW_TABLE_WRITE_UNITS);
    Forecast {
        object,
        bytes: source.size,
        format: dialect.format.to_string(),
        compression: (dialect.compression != Compression::None).then(|| dialect.compression.to_string()),
        delimiter: (dialect.format == Format::Csv).then(|| dialect.csv.delimiter.to_string()),
        notes: file.all_notes(surveyed),
        sha256: &surveyed.digest,
        columns: columns
            .map(|column| ForecastColumn {
                name: &column.name,
                kind: column.kind.to_string(),
                changed: column.changed.as_ref().map(|(from, to)| ChangedNumber { from, to }),
            })
            .collect(),
        rows: findings.rows,
        rejected: findings.rejected,
        rejects: rejects
            .map(|reject| ForecastReject {
                line: reject.line,
                column: reject.column.as_deref(),
                reason: &reject.reason,
                row: &reject.row,
            })
            .collect(),
        duplicates: surveyed.duplicates,
        write_units: findings.write_units,
        write_units_per_second: rate,
        assumed: warm.is_none(),
        seconds: findings.write_units.div_ceil(rate),
    }
}

fn forecast_text(file: &OpenedFile, surveyed: &SurveyedFile, warm: Option<u64>) -> Text {
    let forecast = build_forecast(file, surveyed, warm);
    let rate = forecast.write_units_per_second;
    let origin = if forecast.assumed {
        "assumed, as the table does not report its throughput"
    } else {
        "the table's warm throughput"
    };
    let mut text = output::align_values(&[
        ("object", forecast.object.to_owned()),
        ("read as", file.describe(surveyed)),
        ("bytes", forecast.bytes.to_string()),
        ("rows", forecast.rows.to_string()),
        ("rejected", forecast.rejected.to_string()),
        ("duplicates", forecast.duplicates.to_string()),
        ("write units", format!("at most {}: unchanged rows are not written", forecast.write_units)),
        ("seconds", format!("at most {}, at {rate} write units per second ({origin})", forecast.seconds)),
    ]);
    if !forecast.columns.is_empty() {
        let columns = surveyed.findings.columns.iter();
        let columns: Vec<(&str, String)> =
            columns.map(|column| (column.name.as_str(), describe_type(column))).collect();
        text.push_line("");
        text.push_line("columns");
        text.push_line(output::align_values(&columns).indented(2));
    }
    if !surveyed.findings.rejects.is_empty() {
        let lines = surveyed.findings.rejects.iter().map(|reject| RejectLine(reject).to_string());
        text.push_line("");
        text.push_line("first rejected rows");
        text.push_line(Text::from_lines(lines).indented(2));
    }
    text
}
