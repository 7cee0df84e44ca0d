//! `rows --key NAME FILE` prints each row of a data file as a line of JSON, as a load of `restctl upload FILE` reads it.
//! Rejects go to standard error, and the exit code is 1 if there are any.

use std::error::Error;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use restctl_contract::key::{Key, KeyType};
use restctl_rows::{
    CsvDialect, DETECTION_BYTES, Dialect, Format, Found, Parser, RecordsFinder, Reject, Row, Survey, Types,
    Value,
};

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        print_error(&error.to_string());
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ["--key", key, path] = *arguments.iter().map(String::as_str).collect::<Vec<_>>() else {
        return Err("usage: rows --key NAME FILE".into());
    };
    let key = Key { name: key.to_owned(), kind: KeyType::String };
    let file = std::fs::read(path)?;
    let dialect = survey_file(path, &file, &key)?;
    print_rows(&file, &dialect, &key)
}

/// Returns how to read the file, with the types that the survey finds.
fn survey_file(path: &str, file: &[u8], key: &Key) -> Result<Dialect, Box<dyn Error>> {
    let head = &file[..file.len().min(DETECTION_BYTES)];
    let mut dialect = Dialect::detect(path, head, key, None, CsvDialect::default())?;
    if dialect.format != Format::Csv {
        let mut finder = RecordsFinder::new(&dialect, key);
        finder.feed(file)?;
        if let Found::Records(path) = finder.finish() {
            dialect.records = Some(path);
        }
    }
    let mut survey = Survey::new(&dialect, key);
    survey.feed(file, |_| ())?;
    if let Some(types) = survey.finish(|_| ())?.column_types() {
        dialect.csv.types = Types::Columns(types);
    }
    Ok(dialect)
}

fn print_rows(file: &[u8], dialect: &Dialect, key: &Key) -> Result<ExitCode, Box<dyn Error>> {
    let mut parser = Parser::new(dialect, key);
    let (mut rest, mut rows, mut rejected) = (file, Vec::new(), 0);
    while parser.read(&mut rest, &mut rows)? {
        rejected += print_all(&mut rows)?;
    }
    while parser.finish(&mut rows)? {
        rejected += print_all(&mut rows)?;
    }
    rejected += print_all(&mut rows)?;
    Ok(if rejected > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Prints and removes all `rows`, and returns how many of them are rejects.
fn print_all(rows: &mut Vec<Result<Row, Reject>>) -> io::Result<usize> {
    #[expect(clippy::disallowed_methods, reason = "an example prints")]
    let mut out = BufWriter::new(io::stdout().lock());
    let mut rejected = 0;
    for row in rows.drain(..) {
        match row {
            Ok(row) => writeln!(out, "{}", row_json(&row))?,
            Err(reject) => {
                rejected += 1;
                let column = reject.column.unwrap_or_default();
                print_error(&format!("line {}, column {column:?}: {}", reject.line, reject.reason));
            }
        }
    }
    out.flush()?;
    Ok(rejected)
}

fn row_json(row: &Row) -> String {
    let members = row.values.iter().map(|(name, value)| member_json(name, value));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn member_json(name: &str, value: &Value) -> String {
    format!("{}:{}", text_json(name), value_json(value))
}

fn value_json(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(digits) => digits.clone(),
        Value::String(text) => text_json(text),
        Value::List(values) => format!("[{}]", values.iter().map(value_json).collect::<Vec<_>>().join(",")),
        Value::Map(members) => {
            let members = members.iter().map(|(name, value)| member_json(name, value));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

fn text_json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[expect(clippy::print_stderr, reason = "an example prints")]
fn print_error(text: &str) {
    eprintln!("{text}");
}
