//! Items as CSV. The columns are known after the last item, unless they are chosen: until then the items wait in an
//! unnamed file.

use std::collections::HashMap;

use restctl_contract::api::Item;
use restctl_contract::json::Json;

use super::columns::{Columns, cell_text};
use super::spool::Spool;
use crate::failure::{Failure, FailureContext, Result};

/// How many rows are written at a time. In between, Ctrl-C is noticed.
const ROWS_AT_A_TIME: usize = 1_000;

/// Keeps items until all columns are known.
pub(crate) struct CsvBuffer {
    columns: Columns,
    waiting: Spool,
}

impl CsvBuffer {
    /// `key` is the attribute that comes first.
    pub(crate) fn new(key: &str) -> Result<Self> {
        Ok(Self { columns: Columns::new(key), waiting: Spool::new()? })
    }

    pub(crate) fn push_items(&mut self, items: &[Item]) -> Result<()> {
        items.iter().try_for_each(|item| {
            self.columns.add_item(item);
            self.waiting.push(item)
        })
    }

    /// Writes the header and a row for each item.
    pub(crate) async fn write(self, mut sink: impl AsyncFnMut(Vec<u8>) -> Result<()>) -> Result<()> {
        let columns = self.columns.into_ordered();
        sink(header_row(&columns)?).await?;
        let mut waiting = self.waiting.into_values::<Item>()?.peekable();
        while waiting.peek().is_some() {
            let items: Vec<Item> = waiting.by_ref().take(ROWS_AT_A_TIME).collect::<Result<_>>()?;
            sink(item_rows(&columns, &items)?).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

pub(crate) fn header_row(columns: &[String]) -> Result<Vec<u8>> {
    csv_records([columns.to_vec()])
}

pub(crate) fn item_rows(columns: &[String], items: &[Item]) -> Result<Vec<u8>> {
    csv_records(items.iter().map(|item| {
        let values: HashMap<&str, &Json> =
            item.attributes.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let cell = |column: &String| values.get(column.as_str()).map(|value| cell_text(value));
        columns.iter().map(|column| cell(column).unwrap_or_default()).collect()
    }))
}

fn csv_records(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let doing = "cannot write the items as CSV";
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(&row).context(doing)?;
    }
    writer.into_inner().map_err(|error| Failure::new(doing).because(error.error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn write_to_string(csv: CsvBuffer) -> String {
        let mut written = Vec::new();
        csv.write(async |bytes| {
            written.extend(bytes);
            Ok(())
        })
        .await
        .unwrap();
        String::from_utf8(written).unwrap()
    }

    fn parse_items(text: &str) -> Vec<Item> {
        serde_json::from_str(text).unwrap()
    }

    #[tokio::test]
    async fn the_key_comes_first_and_every_column_is_written() {
        let mut csv = CsvBuffer::new("id").unwrap();
        csv.push_items(&parse_items(
            r#"[{"b":"x, \"y\"\nz","id":"1","n":12345678901234567890.123456789012345678}]"#,
        ))
        .unwrap();
        csv.push_items(&parse_items(r#"[{"a":false,"id":"2","l":[1,{"k":"v"}],"b":null},{"id":"007"}]"#))
            .unwrap();
        assert_eq!(
            write_to_string(csv).await,
            "id,a,b,l,n\n\
             1,,\"x, \"\"y\"\"\nz\",,12345678901234567890.123456789012345678\n\
             2,false,,\"[1,{\"\"k\"\":\"\"v\"\"}]\",\n\
             007,,,,\n"
        );
    }

    #[tokio::test]
    async fn a_key_that_no_item_has_is_not_a_column() {
        let mut csv = CsvBuffer::new("id").unwrap();
        csv.push_items(&parse_items(r#"[{"sku":"1","name":"x"}]"#)).unwrap();
        assert_eq!(write_to_string(csv).await, "name,sku\nx,1\n");
        assert_eq!(write_to_string(CsvBuffer::new("id").unwrap()).await, "id\n");
    }
}
