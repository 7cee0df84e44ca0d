use restctl_contract::key::Key;
use restctl_contract::load::Position;

use crate::dialect::format::Format;
use crate::dialect::{BYTE_ORDER_MARK, Dialect};
use crate::format::csv::{CsvColumn, CsvReader};
use crate::format::json::JsonReader;
use crate::reject::Reject;
use crate::row::Row;
use crate::row::rules::ItemRules;
use crate::unreadable::Unreadable;

/// Turns the text of a file into rows and rejects.
pub(crate) struct Records {
    reader: FormatReader,
    /// How many bytes of the byte order mark have been seen. `None` after it.
    byte_order_mark: Option<usize>,
    /// The offset of the byte that comes next. The reader may want a later one.
    offset: u64,
}

enum FormatReader {
    Csv(Box<CsvReader>),
    Json(Box<JsonReader>),
}

impl Records {
    pub(crate) fn new(dialect: &Dialect, key: &Key, position: Position) -> Self {
        let rules = ItemRules { key: key.clone() };
        let reader = match dialect.format {
            Format::Csv => FormatReader::Csv(Box::new(CsvReader::new(rules, &dialect.csv, position))),
            Format::Ndjson | Format::Json => {
                let is_ndjson = dialect.format == Format::Ndjson;
                let records = dialect.records.as_ref();
                FormatReader::Json(Box::new(JsonReader::new(rules, is_ndjson, records, position)))
            }
        };
        let byte_order_mark = (reader.wanted_offset() == 0).then_some(0);
        Self { reader, byte_order_mark, offset: 0 }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns how many of the next bytes the reader does not want.
    pub(crate) fn unwanted_bytes(&self) -> u64 {
        self.reader.wanted_offset().saturating_sub(self.offset)
    }

    /// Notes that the next `bytes` bytes will not come.
    pub(crate) fn skip_bytes(&mut self, bytes: u64) {
        self.offset += bytes;
    }

    /// Reads from the front of `text`, to its end or until the reader does not want the next bytes. Returns whether the
    /// reader must be called again before more text.
    pub(crate) fn read(
        &mut self,
        text: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<bool, Unreadable> {
        let given = text.len();
        let unwanted = usize::try_from(self.unwanted_bytes()).map_or(given, |bytes| bytes.min(given));
        *text = &text[unwanted..];
        self.read_byte_order_mark(text, out)?;
        let has_more = self.reader.read(text, out)?;
        self.offset += (given - text.len()) as u64;
        Ok(has_more)
    }

    /// Ends the text. Returns `true` if it must be called again.
    pub(crate) fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<bool, Unreadable> {
        self.return_byte_order_mark(out)?;
        if self.unwanted_bytes() > 0 {
            return Err(Unreadable::EndsBefore { offset: self.reader.wanted_offset() });
        }
        match &mut self.reader {
            FormatReader::Csv(reader) => reader.finish(out),
            FormatReader::Json(reader) => reader.finish(out).map(|()| false),
        }
    }

    /// Returns the position between the last complete record and the next.
    pub(crate) fn position(&self) -> Position {
        match &self.reader {
            FormatReader::Csv(reader) => reader.boundary,
            FormatReader::Json(reader) => reader.boundary(),
        }
    }

    /// Returns the columns of a CSV once its header has been read, and none for JSON.
    pub(crate) fn columns(&self) -> &[CsvColumn] {
        match &self.reader {
            FormatReader::Csv(reader) => reader.columns(),
            FormatReader::Json(_) => &[],
        }
    }

    /// Returns what was recognized so far, as the rest of a sentence about the file.
    pub(crate) fn notes(&self) -> Vec<String> {
        match &self.reader {
            FormatReader::Csv(reader) => reader.notes(),
            FormatReader::Json(_) => Vec::new(),
        }
    }

    fn read_byte_order_mark(
        &mut self,
        text: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        let Some(seen) = self.byte_order_mark else { return Ok(()) };
        let rest = &BYTE_ORDER_MARK[seen..];
        let same = rest.iter().zip(*text).take_while(|(a, b)| a == b).count();
        if same == rest.len() {
            self.byte_order_mark = None;
            self.reader.skip_byte_order_mark(BYTE_ORDER_MARK.len() as u64);
        } else if same == text.len() {
            self.byte_order_mark = Some(seen + same);
        } else {
            return self.return_byte_order_mark(out);
        }
        *text = &text[same..];
        Ok(())
    }

    /// Gives the bytes that looked like a byte order mark to the reader.
    fn return_byte_order_mark(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        let seen = self.byte_order_mark.take().unwrap_or(0);
        self.reader.read(&mut &BYTE_ORDER_MARK[..seen], out)?;
        Ok(())
    }
}

impl FormatReader {
    fn read(&mut self, text: &mut &[u8], out: &mut Vec<Result<Row, Reject>>) -> Result<bool, Unreadable> {
        match self {
            FormatReader::Csv(reader) => reader.read(text, out),
            FormatReader::Json(reader) => reader.read(text, out).map(|()| false),
        }
    }

    fn skip_byte_order_mark(&mut self, length: u64) {
        match self {
            FormatReader::Csv(reader) => reader.skip_byte_order_mark(length),
            FormatReader::Json(reader) => reader.skip_byte_order_mark(length),
        }
    }

    fn wanted_offset(&self) -> u64 {
        match self {
            FormatReader::Csv(reader) => reader.wanted_offset(),
            FormatReader::Json(reader) => reader.position().offset,
        }
    }
}
