use restctl_contract::key::Key;
use restctl_contract::load::Position;

use crate::dialect::Dialect;
use crate::dialect::encoding::Format;
use crate::format::csv::{self, Csv};
use crate::format::json_array::Array;
use crate::format::ndjson::Lines;
use crate::reject::Reject;
use crate::row::Row;
use crate::row::rules::Rules;
use crate::unreadable::Unreadable;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The text of a file to its rows and rejects.
pub(crate) struct Records {
    reader: Reader,
    /// How much of the byte order mark has been seen; `None` once past it.
    mark: Option<usize>,
    /// Of the byte that comes next; the reader may want one further on.
    offset: u64,
}

enum Reader {
    Csv(Box<Csv>),
    Ndjson(Lines),
    JsonArray(Array),
}

impl Records {
    pub(crate) fn new(dialect: &Dialect, key: &Key, position: Position) -> Self {
        let rules = Rules { key: key.clone() };
        let reader = match dialect.encoding.format {
            Format::Csv => Reader::Csv(Box::new(Csv::new(rules, dialect, position))),
            Format::Ndjson => Reader::Ndjson(Lines::new(rules, position)),
            Format::JsonArray => Reader::JsonArray(Array::new(rules, position)),
        };
        let mark = (reader.at().offset == 0).then_some(0);
        Self { reader, mark, offset: 0 }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// How much of what comes next is not wanted.
    pub(crate) fn ahead(&self) -> u64 {
        self.reader.at().offset.saturating_sub(self.offset)
    }

    /// As much will not come.
    pub(crate) fn skip(&mut self, bytes: u64) {
        self.offset += bytes;
    }

    /// Reads on from the front of `text`, to its end or to where bytes are not wanted any more.
    pub(crate) fn read(
        &mut self,
        text: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        let given = text.len();
        let unwanted = usize::try_from(self.ahead()).map_or(given, |ahead| ahead.min(given));
        *text = &text[unwanted..];
        self.read_mark(text, out)?;
        self.reader.read(text, out)?;
        self.offset += (given - text.len()) as u64;
        Ok(())
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        self.give_back_mark(out)?;
        if self.ahead() > 0 {
            return Err(Unreadable::EndsBefore { offset: self.reader.at().offset });
        }
        match &mut self.reader {
            Reader::Csv(reader) => reader.finish(out),
            Reader::Ndjson(reader) => reader.finish(out),
            Reader::JsonArray(reader) => reader.finish(),
        }
    }

    /// Between the last record that went out and the next.
    pub(crate) fn position(&self) -> Position {
        match &self.reader {
            Reader::Csv(reader) => reader.between,
            Reader::Ndjson(reader) => reader.between,
            Reader::JsonArray(reader) => reader.between,
        }
    }

    /// A CSV's columns once its header has been read; of JSON, none.
    pub(crate) fn columns(&self) -> &[csv::Column] {
        match &self.reader {
            Reader::Csv(reader) => reader.columns(),
            Reader::Ndjson(_) | Reader::JsonArray(_) => &[],
        }
    }

    fn read_mark(&mut self, text: &mut &[u8], out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        let Some(seen) = self.mark else { return Ok(()) };
        let rest = &BYTE_ORDER_MARK[seen..];
        let same = rest.iter().zip(*text).take_while(|(a, b)| a == b).count();
        if same == rest.len() {
            self.mark = None;
            self.reader.at_mut().offset += BYTE_ORDER_MARK.len() as u64;
        } else if same == text.len() {
            self.mark = Some(seen + same);
        } else {
            return self.give_back_mark(out);
        }
        *text = &text[same..];
        Ok(())
    }

    /// What has been seen was no byte order mark after all.
    fn give_back_mark(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        let seen = self.mark.take().unwrap_or(0);
        self.reader.read(&mut &BYTE_ORDER_MARK[..seen], out)
    }
}

impl Reader {
    fn read(&mut self, text: &mut &[u8], out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        match self {
            Reader::Csv(reader) => reader.read(text, out),
            Reader::Ndjson(reader) => reader.read(text, out),
            Reader::JsonArray(reader) => reader.read(text, out),
        }
    }

    fn at_mut(&mut self) -> &mut Position {
        match self {
            Reader::Csv(reader) => &mut reader.at,
            Reader::Ndjson(reader) => &mut reader.at,
            Reader::JsonArray(reader) => &mut reader.at,
        }
    }

    fn at(&self) -> Position {
        match self {
            Reader::Csv(reader) => reader.at,
            Reader::Ndjson(reader) => reader.at,
            Reader::JsonArray(reader) => reader.at,
        }
    }
}
