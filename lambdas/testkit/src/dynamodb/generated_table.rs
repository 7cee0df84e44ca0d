//! A table for benchmarks that has a row for every id of eight digits and costs next to nothing: it does not parse
//! requests, makes up items from their ids, and keeps only how much was put.

use memchr::memmem;

use crate::bench::row::{GeneratedRow, find_ids};

/// If some rows differ from the table's items, one in this many does.
const CHANGED_EVERY: u64 = 100;

/// What the table contains before anything is put.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TableContent {
    Nothing,
    EveryRow,
    /// Every row, but each hundredth has another value in one attribute.
    EveryRowSomeChanged,
}

impl TableContent {
    /// Returns what a load of the first `rows` rows has to put.
    pub fn expected_puts(self, rows: u64) -> Puts {
        let sum_below = |count: u64| count * count.saturating_sub(1) / 2;
        match self {
            TableContent::Nothing => Puts { items: rows, sum_of_ids: sum_below(rows) },
            TableContent::EveryRow => Puts::default(),
            TableContent::EveryRowSomeChanged => {
                let items = rows.div_ceil(CHANGED_EVERY);
                Puts { items, sum_of_ids: CHANGED_EVERY * sum_below(items) }
            }
        }
    }
}

/// How many items have been put.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Puts {
    /// None of them is over 1 KB, so each is one write unit.
    pub items: u64,
    /// A lost row and one that was put twice do not make up for each other here.
    pub sum_of_ids: u64,
}

pub(super) struct GeneratedTable {
    name: String,
    /// The name as it stands in a request.
    quoted_name: String,
    content: TableContent,
    pub(super) puts: Puts,
}

impl GeneratedTable {
    pub(super) fn new(name: &str, content: TableContent) -> Self {
        Self { name: name.to_owned(), quoted_name: format!("\"{name}\""), content, puts: Puts::default() }
    }

    /// Returns the body of the answer, or `None` if the request is not for this table.
    pub(super) fn answer_call(&mut self, operation: &str, body: &[u8]) -> Option<Vec<u8>> {
        match operation {
            "BatchWriteItem" => Some(self.batch_write_item(body)),
            "BatchGetItem" => Some(self.batch_get_item(body)),
            "GetItem" if self.is_named_in(body) => Some(self.get_item(body)),
            "Scan" if self.is_named_in(body) => Some(self.scan()),
            _ => None,
        }
    }

    fn is_named_in(&self, body: &[u8]) -> bool {
        memmem::find(body, self.quoted_name.as_bytes()).is_some()
    }

    fn batch_write_item(&mut self, body: &[u8]) -> Vec<u8> {
        let items = memmem::find_iter(body, "\"PutRequest\"").count() as u64;
        self.puts.items += items;
        self.puts.sum_of_ids += find_ids(body).sum::<u64>();
        format!(r#"{{"UnprocessedItems":{{}}{}}}"#, self.consumed_capacity(body, items)).into_bytes()
    }

    fn batch_get_item(&self, body: &[u8]) -> Vec<u8> {
        let mut answer = format!(r#"{{"UnprocessedKeys":{{}},"Responses":{{"{}":["#, self.name).into_bytes();
        let mut count = 0;
        for id in find_ids(body) {
            if self.content != TableContent::Nothing {
                answer.extend_from_slice(if count == 0 { b"" } else { b"," });
                self.write_item(id, &mut answer);
            }
            count += 1;
        }
        answer.extend_from_slice(format!("]}}{}}}", self.consumed_capacity(body, count)).as_bytes());
        answer
    }

    fn get_item(&self, body: &[u8]) -> Vec<u8> {
        let Some(id) = find_ids(body).next().filter(|_| self.content != TableContent::Nothing) else {
            return b"{}".to_vec();
        };
        let mut answer = br#"{"Item":"#.to_vec();
        self.write_item(id, &mut answer);
        answer.push(b'}');
        answer
    }

    /// Answers only whether the table is empty, because nobody asks for more.
    fn scan(&self) -> Vec<u8> {
        if self.content == TableContent::Nothing {
            return br#"{"Items":[],"Count":0,"ScannedCount":0}"#.to_vec();
        }
        let mut answer = br#"{"Items":["#.to_vec();
        self.write_item(0, &mut answer);
        answer.extend_from_slice(
            br#"],"Count":1,"ScannedCount":1,"LastEvaluatedKey":{"id":{"S":"00000000"}}}"#,
        );
        answer
    }

    fn write_item(&self, id: u64, answer: &mut Vec<u8>) {
        let mut row = GeneratedRow::new(id);
        if self.content == TableContent::EveryRowSomeChanged && id.is_multiple_of(CHANGED_EVERY) {
            row.stock += 1;
        }
        row.write_item(answer);
    }

    /// Returns the last member of a batch's answer, or nothing if the request does not ask for it.
    fn consumed_capacity(&self, body: &[u8], units: u64) -> String {
        if memmem::find(body, b"\"ReturnConsumedCapacity\"").is_none() {
            return String::new();
        }
        format!(r#","ConsumedCapacity":[{{"TableName":"{}","CapacityUnits":{units}.0}}]"#, self.name)
    }
}
