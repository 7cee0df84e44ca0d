//! The items table, of which nothing is kept but how much was written, and the way to the ledger.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use memchr::memmem;
use restctl_contract::load::LedgerEntry;
use restctl_testkit::bench::row::{Row, ids};
use serde_json::Value;

use crate::cloud::{ITEMS_TABLE, LEDGER_TABLE};
use crate::ledger::Ledger;

/// Every how manieth row is another than the table's item, where some are.
const CHANGED_EVERY: u64 = 100;

/// What the items table holds before the load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    EveryRow,
    /// Every row, each hundredth with another value in it.
    EveryRowSomeChanged,
}

impl Found {
    /// How many items a load of `rows` rows has to put, and the sum of their ids.
    pub(crate) fn puts(self, rows: u64) -> (u64, u64) {
        let sum_below = |count: u64| count * count.saturating_sub(1) / 2;
        match self {
            Found::Nothing => (rows, sum_below(rows)),
            Found::EveryRow => (0, 0),
            Found::EveryRowSomeChanged => {
                let changed = rows.div_ceil(CHANGED_EVERY);
                (changed, CHANGED_EVERY * sum_below(changed))
            }
        }
    }
}

pub(crate) struct Dynamodb {
    pub(crate) found: Found,
    puts: AtomicU64,
    /// Of the ids that were put: a row that is lost and another that comes twice do not make up for each other.
    sum_of_ids: AtomicU64,
    ledger: Mutex<Ledger>,
}

impl Dynamodb {
    pub(crate) fn new(found: Found) -> Self {
        let (puts, sum_of_ids) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { found, puts, sum_of_ids, ledger: Mutex::default() }
    }

    /// How many items have been put so far, and the sum of their ids. None is over 1 KB: as many write units.
    pub(crate) fn puts(&self) -> (u64, u64) {
        (self.puts.load(Ordering::Relaxed), self.sum_of_ids.load(Ordering::Relaxed))
    }

    /// The load's entry as the ledger has it now.
    pub(crate) fn last_load(&self) -> Option<LedgerEntry> {
        self.ledger().last_load.clone()
    }

    /// The answer's body, or what is wrong with the call.
    pub(crate) fn answer(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, String> {
        match operation {
            "BatchWriteItem" => Ok(self.batch_write(body)),
            "BatchGetItem" => Ok(self.batch_get(body)),
            _ => {
                let request: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
                let answer = match (operation, request["TableName"].as_str()) {
                    ("Scan", Some(ITEMS_TABLE)) => return Ok(self.scan_items()),
                    (_, Some(LEDGER_TABLE)) => self.ledger().answer(operation, request)?,
                    _ => {
                        return Err(format!(
                            "the benchmark expects no {operation} of {}",
                            request["TableName"]
                        ));
                    }
                };
                Ok(answer.to_string().into_bytes())
            }
        }
    }

    fn batch_write(&self, body: &[u8]) -> Vec<u8> {
        let puts = memmem::find_iter(body, "\"PutRequest\"").count() as u64;
        self.puts.fetch_add(puts, Ordering::Relaxed);
        self.sum_of_ids.fetch_add(ids(body).sum(), Ordering::Relaxed);
        format!(
            r#"{{"UnprocessedItems":{{}},"ConsumedCapacity":[{{"TableName":"{ITEMS_TABLE}","CapacityUnits":{puts}.0}}]}}"#
        )
        .into_bytes()
    }

    fn batch_get(&self, body: &[u8]) -> Vec<u8> {
        let mut answer = format!(r#"{{"UnprocessedKeys":{{}},"Responses":{{"{ITEMS_TABLE}":["#).into_bytes();
        let mut count = 0;
        for id in ids(body) {
            if self.found != Found::Nothing {
                let separator: &[u8] = if count == 0 { b"" } else { b"," };
                answer.extend_from_slice(separator);
                self.write_item(id, &mut answer);
            }
            count += 1;
        }
        write!(
            answer,
            r#"]}},"ConsumedCapacity":[{{"TableName":"{ITEMS_TABLE}","CapacityUnits":{count}.0}}]}}"#
        )
        .expect("a vector takes everything");
        answer
    }

    /// Of this table nobody asks more than whether it is empty.
    fn scan_items(&self) -> Vec<u8> {
        if self.found == Found::Nothing {
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
        let mut row = Row::new(id);
        if self.found == Found::EveryRowSomeChanged && id.is_multiple_of(CHANGED_EVERY) {
            row.stock += 1;
        }
        row.write_item(answer);
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
