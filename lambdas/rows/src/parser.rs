use std::sync::Arc;

use restctl_contract::key::Key;

use crate::csv::Csv;
use crate::json_array::Array;
use crate::ndjson::Lines;
use crate::rules::Rules;
use crate::{ColumnTypes, Format, Reject, Row, Unreadable};

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Turns the bytes of one file into rows and rejects, in the order of the file.
///
/// The outcome does not depend on how the bytes are cut into chunks. After an [`Unreadable`] there is nothing
/// more to be had from the file.
///
/// - A number or a string will do for the key, whatever its type: `007` is 7 where the key is a number.
/// - Where an object has two members of the same name, the last one counts.
pub struct Parser {
    reader: Reader,
    /// How much of the byte order mark has been seen; `None` once past it.
    mark: Option<usize>,
}

enum Reader {
    Csv(Box<Csv>),
    Ndjson(Lines),
    JsonArray(Array),
}

impl Parser {
    /// `types` are those of a CSV's columns; without them each column is a string. JSON has types of its own.
    pub fn new(format: Format, key: &Key, types: Option<ColumnTypes>) -> Self {
        let rules = Rules { key: key.clone() };
        let reader = match format {
            Format::Csv => Reader::Csv(Box::new(Csv::new(rules, types))),
            Format::Ndjson => Reader::Ndjson(Lines::new(rules)),
            Format::JsonArray => Reader::JsonArray(Array::new(rules)),
        };
        Self { reader, mark: Some(0) }
    }

    /// Reads on, and adds to `out` what is complete.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        let Some(seen) = self.mark else { return self.read(chunk, out) };
        let rest = &BYTE_ORDER_MARK[seen..];
        let same = rest.iter().zip(chunk).take_while(|(a, b)| a == b).count();
        if same == rest.len() {
            self.mark = None;
            self.read(&chunk[same..], out)
        } else if same == chunk.len() {
            self.mark = Some(seen + same);
            Ok(())
        } else {
            self.mark = None;
            self.read(&BYTE_ORDER_MARK[..seen], out)?;
            self.read(chunk, out)
        }
    }

    /// There is no more; adds what was still open.
    pub fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        if let Some(seen) = self.mark.take() {
            self.read(&BYTE_ORDER_MARK[..seen], out)?;
        }
        match &mut self.reader {
            Reader::Csv(reader) => reader.finish(out),
            Reader::Ndjson(reader) => reader.finish(out),
            Reader::JsonArray(reader) => reader.finish(),
        }
    }

    /// A CSV's columns once its header has been read; of JSON, none.
    pub(crate) fn columns(&self) -> &[Arc<str>] {
        match &self.reader {
            Reader::Csv(reader) => reader.columns(),
            Reader::Ndjson(_) | Reader::JsonArray(_) => &[],
        }
    }

    fn read(&mut self, bytes: &[u8], out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        match &mut self.reader {
            Reader::Csv(reader) => reader.feed(bytes, out),
            Reader::Ndjson(reader) => reader.feed(bytes, out),
            Reader::JsonArray(reader) => reader.feed(bytes, out),
        }
    }
}
