use restctl_contract::key::Key;
use restctl_contract::load::Position;

use crate::decompressor::{Decompressor, PIECE_BYTES};
use crate::dialect::Dialect;
use crate::format::csv::CsvColumn;
use crate::records::Records;
use crate::reject::Reject;
use crate::row::Row;
use crate::types::column_types::ColumnType;
use crate::unreadable::Unreadable;

/// Turns the bytes of one file into rows and rejects, in the order of the file.
///
/// The result depends neither on how the bytes are cut into chunks nor on where one parser stopped and another one
/// resumed. After an [`Unreadable`], nothing more can be read from the file.
///
/// - A key may be written as a number or a string, whatever its type: `007` is 7 if the key is a number.
/// - If an object has two members with the same name, the last one counts.
pub struct Parser {
    /// `None` if the file is not compressed.
    decompressor: Option<Decompressor>,
    records: Records,
    /// Whether the records hold text that can be read without more.
    has_backlog: bool,
}

impl Parser {
    pub fn new(dialect: &Dialect, key: &Key) -> Self {
        Self::resume(dialect, key, Position::START)
    }

    /// Continues at `position`, where a parser of the same file and dialect has stopped.
    pub fn resume(dialect: &Dialect, key: &Key, position: Position) -> Self {
        let decompressor = Decompressor::new(dialect.compression);
        let mut records = Records::new(dialect, key, position);
        if decompressor.is_none() {
            records.skip_bytes(records.unwanted_bytes());
        }
        Self { decompressor, records, has_backlog: false }
    }

    /// Returns the offset, in the file as it is stored, of the byte that [`Parser::read`] wants next.
    ///
    /// It moves by what `read` takes. In a file that is not compressed, a resumed parser wants its position at once, or
    /// after the header of a CSV. In a compressed file, it skips the text before its position itself.
    pub fn wanted_offset(&self) -> u64 {
        self.decompressor.as_ref().map_or(self.records.offset(), Decompressor::bytes_read)
    }

    /// Reads about 16 KiB of text from the front of `chunk`, and adds what is complete to `out`.
    ///
    /// If it returns `true`, call it again with the rest of the chunk. If it returns `false`, continue with the bytes at
    /// [`Parser::wanted_offset`]; the rest of the chunk is not wanted.
    ///
    /// # Errors
    /// If nothing more can be read from the file.
    pub fn read(
        &mut self,
        chunk: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<bool, Unreadable> {
        if self.has_backlog {
            self.has_backlog = self.records.read(&mut &[][..], out)?;
            return Ok(true);
        }
        let Some(decompressor) = &mut self.decompressor else { return self.read_plain(chunk, out) };
        let (mut text, more) = decompressor.decompress_piece(chunk)?;
        while !text.is_empty() {
            self.has_backlog = self.records.read(&mut text, out)?;
        }
        Ok(more || self.has_backlog)
    }

    fn read_plain(
        &mut self,
        chunk: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<bool, Unreadable> {
        let mut piece = &chunk[..chunk.len().min(PIECE_BYTES)];
        let given = piece.len();
        self.has_backlog = self.records.read(&mut piece, out)?;
        *chunk = &chunk[given - piece.len()..];
        let unwanted = self.records.unwanted_bytes();
        let more = unwanted < chunk.len() as u64;
        if !more {
            self.records.skip_bytes(unwanted);
        }
        Ok(more || self.has_backlog)
    }

    /// Ends the file and adds the last records. Call it when [`Parser::read`] has returned `false` for the last chunk, and
    /// again as long as it returns `true`.
    ///
    /// # Errors
    /// If the file must not end here.
    pub fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<bool, Unreadable> {
        self.decompressor.as_ref().map_or(Ok(()), Decompressor::check_end)?;
        self.records.finish(out)
    }

    /// Returns the position between the last record that went to `out` and the next. Another parser may resume there.
    pub fn position(&self) -> Position {
        self.records.position()
    }

    /// Returns the name and the type of each column of a CSV that is loaded, once its header has been read. JSON has none.
    pub fn column_types(&self) -> impl Iterator<Item = (&str, ColumnType)> {
        self.columns().iter().map(|column| (&*column.name, column.declared.unwrap_or(ColumnType::String)))
    }

    /// Returns what the parser has recognized so far, as the rest of a sentence about the file.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.records.notes()
    }

    /// Returns the columns of a CSV once its header has been read, and none for JSON.
    pub(crate) fn columns(&self) -> &[CsvColumn] {
        self.records.columns()
    }
}
