//! Items as CSV. Which columns there are is known after the last item: until then items wait in a file without a name.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};

use restctl_contract::api::Item;
use serde_json::Value;

use super::lines;
use super::sink::Sink;
use crate::failure::{During, Failure, Result};

const SPOOL: &str = "items cannot be kept in a temporary file";

/// Rows written at a time; between two of them Ctrl-C is heard.
const ROWS: usize = 1_000;

pub(super) struct Table {
    key: String,
    /// All but the key.
    columns: BTreeSet<String>,
    spool: BufWriter<File>,
}

impl Table {
    pub(super) fn new(key: &str) -> Result<Self> {
        let spool = tempfile::tempfile().during(SPOOL).map_err(more_space)?;
        Ok(Self { key: key.to_owned(), columns: BTreeSet::new(), spool: BufWriter::new(spool) })
    }

    pub(super) fn keep(&mut self, items: &[Item]) -> Result<()> {
        for column in items.iter().flat_map(Item::keys) {
            if *column != self.key && !self.columns.contains(column) {
                self.columns.insert(column.clone());
            }
        }
        self.spool.write_all(&lines(items)?).during(SPOOL).map_err(more_space)
    }

    /// Writes the header and a row for each item.
    pub(super) async fn write(self, sink: &mut Sink) -> Result<()> {
        let Self { key, columns, spool } = self;
        let mut spool =
            spool.into_inner().map_err(|error| error.into_error()).during(SPOOL).map_err(more_space)?;
        spool.rewind().during(SPOOL)?;
        let columns: Vec<String> = [key].into_iter().chain(columns).collect();
        sink.write(&records([columns.clone()])?)?;
        let mut waiting = BufReader::new(spool).lines().peekable();
        while waiting.peek().is_some() {
            let mut rows = Vec::new();
            for line in waiting.by_ref().take(ROWS) {
                let item: Item = serde_json::from_str(&line.during(SPOOL)?).during(SPOOL)?;
                rows.push(
                    columns.iter().map(|column| item.get(column).map(cell).unwrap_or_default()).collect(),
                );
            }
            sink.write(&records(rows)?)?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

fn records(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let doing = "items cannot be written as CSV";
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(&row).during(doing)?;
    }
    writer.into_inner().map_err(|error| Failure::new(doing).because(error.error()))
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn more_space(failure: Failure) -> Failure {
    failure.next("name a folder with more space: export TMPDIR=/path/to/it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_key_comes_first_and_every_column_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.csv");
        let mut table = Table::new("id").unwrap();
        let items = |text: &str| serde_json::from_str::<Vec<Item>>(text).unwrap();
        table
            .keep(&items(r#"[{"b":"x, \"y\"\nz","id":"1","n":12345678901234567890.123456789012345678}]"#))
            .unwrap();
        table.keep(&items(r#"[{"a":false,"id":"2","l":[1,{"k":"v"}],"b":null},{"id":"007"}]"#)).unwrap();
        let mut sink = Sink::open(Some(file.clone()), false).unwrap();
        table.write(&mut sink).await.unwrap();
        sink.finish().unwrap();
        assert_eq!(
            std::fs::read_to_string(file).unwrap(),
            "id,a,b,l,n\n\
             1,,\"x, \"\"y\"\"\nz\",,12345678901234567890.123456789012345678\n\
             2,false,,\"[1,{\"\"k\"\":\"\"v\"\"}]\",\n\
             007,,,,\n"
        );
    }
}
