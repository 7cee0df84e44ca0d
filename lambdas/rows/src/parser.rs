use restctl_contract::key::Key;
use restctl_contract::load::Position;

use crate::decompressor::{Decompressor, PIECE_BYTES};
use crate::dialect::Dialect;
use crate::format::csv;
use crate::records::Records;
use crate::reject::Reject;
use crate::row::Row;
use crate::unreadable::Unreadable;

/// Turns the bytes of one file into rows and rejects, in the order of the file.
///
/// The outcome depends neither on how the bytes are cut into chunks nor on where a parser stopped and another one
/// resumed. After an [`Unreadable`] there is nothing more to be had from the file.
///
/// - A number or a string will do for the key, whatever its type: `007` is 7 where the key is a number.
/// - Where an object has two members of the same name, the last one counts.
pub struct Parser {
    /// Of a compressed file.
    decompressor: Option<Decompressor>,
    records: Records,
}

impl Parser {
    pub fn new(dialect: &Dialect, key: &Key) -> Self {
        Self::resume(dialect, key, Position::START)
    }

    /// Goes on at `position`, where a parser of the same file and dialect stood before.
    pub fn resume(dialect: &Dialect, key: &Key, position: Position) -> Self {
        let decompressor = Decompressor::of(dialect.encoding.compression);
        let mut records = Records::new(dialect, key, position);
        if decompressor.is_none() {
            records.skip(records.ahead());
        }
        Self { decompressor, records }
    }

    /// The offset in the file, as it is stored, of the byte that [`Parser::read`] wants next.
    ///
    /// It moves by what `read` takes. Of a file that is not compressed, a resumed parser wants its position at
    /// once, or, of a CSV, after the header; the text of a compressed one is skipped within.
    pub fn wants(&self) -> u64 {
        self.decompressor.as_ref().map_or(self.records.offset(), Decompressor::taken)
    }

    /// Reads on from the front of `chunk`, and adds to `out` what is complete, of about 16 KiB of text at a time.
    ///
    /// `true`: call again with what is left of the chunk. `false`: go on with the bytes at [`Parser::wants`]; what
    /// may be left of the chunk is not wanted.
    pub fn read(
        &mut self,
        chunk: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<bool, Unreadable> {
        let Some(decompressor) = &mut self.decompressor else { return self.read_plain(chunk, out) };
        let (mut text, more) = decompressor.read(chunk)?;
        while !text.is_empty() {
            self.records.read(&mut text, out)?;
        }
        Ok(more)
    }

    fn read_plain(
        &mut self,
        chunk: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<bool, Unreadable> {
        let mut piece = &chunk[..chunk.len().min(PIECE_BYTES)];
        let given = piece.len();
        self.records.read(&mut piece, out)?;
        *chunk = &chunk[given - piece.len()..];
        let ahead = self.records.ahead();
        let more = ahead < chunk.len() as u64;
        if !more {
            self.records.skip(ahead);
        }
        Ok(more)
    }

    /// There is no more; adds what was still open. For when [`Parser::read`] returned `false` on the last chunk.
    pub fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        self.decompressor.as_ref().map_or(Ok(()), Decompressor::finish)?;
        self.records.finish(out)
    }

    /// Between the last record that went to `out` and the next: where another parser may resume.
    pub fn position(&self) -> Position {
        self.records.position()
    }

    /// A CSV's columns once its header has been read; of JSON, none.
    pub(crate) fn columns(&self) -> &[csv::Column] {
        self.records.columns()
    }
}
