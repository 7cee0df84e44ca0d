use std::collections::BTreeMap;

use fastrand::Rng;
use restctl_contract::load::Receipt;
use serde_json::Value;

use crate::tests::world::message_at;

/// A file, uploaded in the second of its number.
pub(super) struct Upload {
    pub(super) object: &'static str,
    pub(super) version: String,
    pub(super) body: String,
    /// The key and the value of each row that can be loaded.
    pub(super) rows: Vec<(u8, u8)>,
    /// The number of rows, including rejects.
    pub(super) read: u64,
    pub(super) readable: bool,
}

impl Upload {
    /// Generates a file with few keys and few values, so that everything that can happen to a row happens. Now and then
    /// it is an array of JSON that breaks off after its last row.
    pub(super) fn random(rng: &mut Rng, number: usize) -> Self {
        let readable = rng.u8(..8) > 0;
        let csv = *rng.choice(&["a.csv", "b.csv", "c.csv"]).unwrap();
        let mut upload = Self {
            object: if readable { csv } else { "a.json" },
            version: format!("v{number}"),
            body: if readable { "id,value\n" } else { "[" }.to_owned(),
            rows: Vec::new(),
            read: 0,
            readable,
        };
        for _ in 0..rng.usize(..14) {
            upload.push_row(rng.u8(..7), rng.u8(..3), rng.u8(..10) > 0);
        }
        if !readable {
            upload.body.push('7');
        }
        upload
    }

    fn push_row(&mut self, key: u8, value: u8, loads: bool) {
        self.read += 1;
        if loads {
            self.rows.push((key, value));
        }
        self.body.push_str(&match (self.readable, loads) {
            (true, true) => format!("{key},{value}\n"),
            (true, false) => format!(",{value}\n"),
            (false, true) => format!("{{\"id\":\"{key}\",\"value\":\"{value}\"}},"),
            (false, false) => format!("{{\"value\":\"{value}\"}},"),
        });
    }

    pub(super) fn to_message(&self, number: usize, id: usize) -> Message {
        let time = format!("2026-01-15T09:30:{number:02}Z");
        Message {
            body: message_at(self.object, &self.version, &time),
            id: format!("message {id}"),
            receives: 0,
        }
    }
}

pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: Value,
    pub(super) receives: usize,
}

pub(super) fn expected_receipt(upload: &Upload, table: &mut BTreeMap<u8, u8>) -> Receipt {
    let last: BTreeMap<u8, u8> = upload.rows.iter().copied().collect();
    let mut receipt = Receipt {
        read: upload.read,
        rejected: upload.read - upload.rows.len() as u64,
        duplicates: (upload.rows.len() - last.len()) as u64,
        ..Receipt::default()
    };
    for (key, value) in last {
        match table.insert(key, value) {
            None => receipt.new += 1,
            Some(before) if before == value => receipt.unchanged += 1,
            Some(_) => receipt.changed += 1,
        }
    }
    receipt
}
