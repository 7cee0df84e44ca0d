//! Items as CSV. Which columns there are is known after the last item, unless they are chosen: until then items wait in
//! a file without a name.

use restctl_contract::api::Item;

use super::spool::Spool;
use super::{Columns, cell};
use crate::failure::{Failure, FailureContext, Result};

/// Rows written at a time; between two of them Ctrl-C is heard.
const ROWS: usize = 1_000;

pub(crate) struct Csv {
    columns: Columns,
    waiting: Spool,
}

impl Csv {
    /// `key` is the attribute that comes first.
    pub(crate) fn new(key: &str) -> Result<Self> {
        Ok(Self { columns: Columns::new(key), waiting: Spool::new()? })
    }

    pub(crate) fn keep(&mut self, items: &[Item]) -> Result<()> {
        items.iter().try_for_each(|item| {
            self.columns.see(item);
            self.waiting.push(item)
        })
    }

    /// Writes the header and a row for each item.
    pub(crate) async fn write(self, mut sink: impl AsyncFnMut(Vec<u8>) -> Result<()>) -> Result<()> {
        let columns = self.columns.in_order();
        sink(header(&columns)?).await?;
        let mut waiting = self.waiting.read::<Item>()?.peekable();
        while waiting.peek().is_some() {
            let items: Vec<Item> = waiting.by_ref().take(ROWS).collect::<Result<_>>()?;
            sink(rows(&columns, &items)?).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

pub(crate) fn header(columns: &[String]) -> Result<Vec<u8>> {
    records([columns.to_vec()])
}

pub(crate) fn rows(columns: &[String], items: &[Item]) -> Result<Vec<u8>> {
    let value = |item: &Item, column: &String| item.get(column).map(cell).unwrap_or_default();
    records(items.iter().map(|item| columns.iter().map(|column| value(item, column)).collect()))
}

fn records(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let doing = "items cannot be written as CSV";
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(&row).context(doing)?;
    }
    writer.into_inner().map_err(|error| Failure::new(doing).because(error.error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn written(csv: Csv) -> String {
        let mut written = Vec::new();
        csv.write(async |bytes| {
            written.extend(bytes);
            Ok(())
        })
        .await
        .unwrap();
        String::from_utf8(written).unwrap()
    }

    fn items(text: &str) -> Vec<Item> {
        serde_json::from_str(text).unwrap()
    }

    #[tokio::test]
    async fn the_key_comes_first_and_every_column_is_there() {
        let mut csv = Csv::new("id").unwrap();
        csv.keep(&items(r#"[{"b":"x, \"y\"\nz","id":"1","n":12345678901234567890.123456789012345678}]"#))
            .unwrap();
        csv.keep(&items(r#"[{"a":false,"id":"2","l":[1,{"k":"v"}],"b":null},{"id":"007"}]"#)).unwrap();
        assert_eq!(
            written(csv).await,
            "id,a,b,l,n\n\
             1,,\"x, \"\"y\"\"\nz\",,12345678901234567890.123456789012345678\n\
             2,false,,\"[1,{\"\"k\"\":\"\"v\"\"}]\",\n\
             007,,,,\n"
        );
    }

    #[tokio::test]
    async fn a_key_that_no_item_bears_is_no_column() {
        let mut csv = Csv::new("id").unwrap();
        csv.keep(&items(r#"[{"sku":"1","name":"x"}]"#)).unwrap();
        assert_eq!(written(csv).await, "name,sku\nx,1\n");
        assert_eq!(written(Csv::new("id").unwrap()).await, "id\n");
    }
}
