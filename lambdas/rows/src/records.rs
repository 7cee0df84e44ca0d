use restctl_contract::key::Key;
use restctl_contract::load::Position;

use crate::dialect::Dialect;
use crate::dialect::encoding::Format;
use crate::format::csv::{CsvColumn, CsvReader};
use crate::format::json::JsonReader;
use crate::reject::Reject;
use crate::row::Row;
use crate::row::rules::ItemRules;
use crate::unreadable::Unreadable;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

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
        let reader = match dialect.encoding.format {
            Format::Csv => FormatReader::Csv(Box::new(CsvReader::new(rules, dialect, position))),
            Format::Ndjson | Format::JsonArray => {
                let is_ndjson = dialect.encoding.format == Format::Ndjson;
                let records = dialect.records.as_ref();
                FormatReader::Json(Box::new(JsonReader::new(rules, is_ndjson, records, position)))
            }
        };
        let byte_order_mark = (reader.position().offset == 0).then_some(0);
        Self { reader, byte_order_mark, offset: 0 }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns how many of the next bytes the reader does not want.
    pub(crate) fn unwanted_bytes(&self) -> u64 {
        self.reader.position().offset.saturating_sub(self.offset)
    }

    /// Notes that the next `bytes` bytes will not come.
    pub(crate) fn skip_bytes(&mut self, bytes: u64) {
        self.offset += bytes;
    }

    /// Reads from the front of `text`, to its end or until the reader does not want the next bytes.
    pub(crate) fn read(
        &mut self,
        text: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        let given = text.len();
        let unwanted = usize::try_from(self.unwanted_bytes()).map_or(given, |bytes| bytes.min(given));
        *text = &text[unwanted..];
        self.read_byte_order_mark(text, out)?;
        self.reader.read(text, out)?;
        self.offset += (given - text.len()) as u64;
        Ok(())
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        self.return_byte_order_mark(out)?;
        if self.unwanted_bytes() > 0 {
            return Err(Unreadable::EndsBefore { offset: self.reader.position().offset });
        }
        match &mut self.reader {
            FormatReader::Csv(reader) => reader.finish(out),
            FormatReader::Json(reader) => reader.finish(out),
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
            self.reader.skip_byte_order_mark();
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
        self.reader.read(&mut &BYTE_ORDER_MARK[..seen], out)
    }
}

impl FormatReader {
    fn read(&mut self, text: &mut &[u8], out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        match self {
            FormatReader::Csv(reader) => reader.read(text, out),
            FormatReader::Json(reader) => reader.read(text, out),
        }
    }

    fn skip_byte_order_mark(&mut self) {
        let bytes = BYTE_ORDER_MARK.len() as u64;
        match self {
            FormatReader::Csv(reader) => reader.position.offset += bytes,
            FormatReader::Json(reader) => reader.skip_byte_order_mark(bytes),
        }
    }

    fn position(&self) -> Position {
        match self {
            FormatReader::Csv(reader) => reader.position,
            FormatReader::Json(reader) => reader.position(),
        }
    }
}
