use crate::limits::MAX_RECORD_BYTES;
use crate::reject::excerpt::{MAX_EXCERPT_BYTES, shorten_record};
use crate::unreadable::Unreadable;

/// A record as csv-core returns it: its fields without quotes, one after the other, and where each of them ends.
#[derive(Default)]
pub(super) struct CsvRecord {
    /// The line on which it starts.
    pub(super) line: u64,
    open: bool,
    /// The beginning as it is in the file.
    raw: Vec<u8>,
    /// The length in the file so far.
    length: usize,
    text: Vec<u8>,
    text_length: usize,
    ends: Vec<usize>,
    ends_length: usize,
}

impl CsvRecord {
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Begins a record at `line` unless one is open.
    pub(super) fn begin_at(&mut self, line: u64) {
        if !self.open {
            self.open = true;
            self.line = line;
        }
    }

    pub(super) fn clear(&mut self) {
        self.open = false;
        self.raw.clear();
        (self.length, self.text_length, self.ends_length) = (0, 0, 0);
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.length > MAX_RECORD_BYTES
    }

    /// Returns buffers with room for what `input` bytes can become.
    pub(super) fn free_buffers(&mut self, input: usize) -> (&mut [u8], &mut [usize]) {
        let text = self.text_length + input + 1;
        if self.text.len() < text {
            self.text.resize(text, 0);
        }
        if self.ends.len() == self.ends_length {
            self.ends.resize(2 * self.ends_length + 16, 0);
        }
        (&mut self.text[self.text_length..], &mut self.ends[self.ends_length..])
    }

    /// Adds what csv-core has read, and how much of the buffers it has filled.
    pub(super) fn append(&mut self, raw: &[u8], text: usize, ends: usize) {
        let room = MAX_EXCERPT_BYTES - self.raw.len();
        self.raw.extend_from_slice(&raw[..raw.len().min(room)]);
        self.length += raw.len();
        if self.is_too_long() {
            (self.text_length, self.ends_length) = (0, 0);
        } else {
            self.text_length += text;
            self.ends_length += ends;
        }
    }

    pub(super) fn excerpt(&self) -> String {
        shorten_record(&self.raw, self.length)
    }

    pub(super) fn fields(&self) -> Result<CsvFields<'_>, Unreadable> {
        let text = &self.text[..self.text_length];
        let ends = &self.ends[..self.ends_length];
        let not_utf8 = |valid: usize| {
            let line_ends = text[..valid].iter().filter(|byte| **byte == b'\n').count() as u64;
            Unreadable::NotUtf8 { line: self.line + line_ends }
        };
        let text = std::str::from_utf8(text).map_err(|error| not_utf8(error.valid_up_to()))?;
        // Two halves of a character with a delimiter between them are valid only without the delimiter.
        match ends.iter().find(|end| !text.is_char_boundary(**end)) {
            Some(end) => Err(not_utf8(*end)),
            None => Ok(CsvFields { text, ends }),
        }
    }
}

/// The fields of a record without their quotes.
pub(super) struct CsvFields<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> CsvFields<'a> {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.ends.iter().scan(0, |start, &end| {
            let field = &self.text[*start..end];
            *start = end;
            Some(field)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_record_does_not_grow_memory() {
        let piece = vec![b','; 64 * 1024];
        let mut record = CsvRecord::default();
        record.begin_at(1);
        for _ in 0..100 {
            let (text, ends) = record.free_buffers(piece.len());
            assert!(text.len() >= piece.len() && !ends.is_empty());
            let ended = ends.len().min(piece.len());
            record.append(&piece, piece.len(), ended);
        }
        assert!(record.is_too_long());
        assert!(record.text.len() <= MAX_RECORD_BYTES + 2 * piece.len(), "{}", record.text.len());
        assert!(record.ends.len() <= 2 * MAX_RECORD_BYTES, "{}", record.ends.len());
        assert!(record.raw.len() <= MAX_EXCERPT_BYTES);
    }
}
