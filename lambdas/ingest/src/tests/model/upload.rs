use std::collections::BTreeMap;

use fastrand::Rng;
use restctl_contract::load::Receipt;
use serde_json::Value;

use crate::tests::gzip_without_trailer;
use crate::tests::world::message_at;

/// A file, uploaded in the second of its number.
pub(super) struct Upload {
    pub(super) object: &'static str,
    pub(super) version: String,
    text: String,
    /// The key and the value of each row that can be loaded.
    pub(super) rows: Vec<(u8, u8)>,
    /// The number of rows, including rejects.
    pub(super) read: u64,
    pub(super) readable: bool,
}

impl Upload {
    /// Generates a file with few keys and few values, so that everything that can happen to a row happens. Now and then
    /// its compressed bytes break off after the last row.
    pub(super) fn random(rng: &mut Rng, number: usize) -> Self {
        let mut upload = Self {
            object: *rng.choice(&["a.csv", "b.csv", "c.csv"]).unwrap(),
            version: format!("v{number}"),
            text: "id,value\n".to_owned(),
            rows: Vec::new(),
            read: 0,
            readable: rng.u8(..8) > 0,
        };
        for _ in 0..rng.usize(..14) {
            let (key, value) = (rng.u8(..7), rng.u8(..3));
            upload.read += 1;
            if rng.u8(..10) == 0 {
                upload.text.push_str(&format!(",{value}\n"));
            } else {
                upload.text.push_str(&format!("{key},{value}\n"));
                upload.rows.push((key, value));
            }
        }
        upload
    }

    pub(super) fn body(&self) -> Vec<u8> {
        if self.readable {
            self.text.clone().into_bytes()
        } else {
            gzip_without_trailer(self.text.as_bytes())
        }
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
