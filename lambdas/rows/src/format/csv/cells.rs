use std::borrow::Cow;

/// Where a cell is in its record, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    start: u32,
    end: u32,
    form: CellForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellForm {
    Plain,
    PlainEscaped,
    Quoted,
    /// With doubled quotes or escape characters.
    QuotedEscaped,
}

/// The cells of a record. Those after the first `limit` are only counted, so that a record of delimiters takes no memory.
#[derive(Debug)]
pub(super) struct Cells {
    kept: Vec<Cell>,
    limit: usize,
    count: usize,
    /// Whether a cell that is only counted has text.
    has_text_behind: bool,
}

impl Default for Cells {
    fn default() -> Self {
        Self { kept: Vec::new(), limit: usize::MAX, count: 0, has_text_behind: false }
    }
}

impl CellForm {
    pub(super) fn with_escapes(self) -> Self {
        match self {
            CellForm::Plain | CellForm::PlainEscaped => CellForm::PlainEscaped,
            CellForm::Quoted | CellForm::QuotedEscaped => CellForm::QuotedEscaped,
        }
    }
}

impl Cell {
    /// The record is at most 4 GiB long.
    pub(super) fn new(start: usize, end: usize, form: CellForm) -> Self {
        Self { start: start as u32, end: end as u32, form }
    }

    /// Returns the bytes between its quotes, or `None` if it has no quotes.
    pub(super) fn quoted_bytes(self, record: &[u8]) -> Option<&[u8]> {
        let is_quoted = matches!(self.form, CellForm::Quoted | CellForm::QuotedEscaped);
        is_quoted.then(|| &record[self.start as usize..self.end as usize])
    }

    /// Returns the cell's value, or `None` if it is not in the record.
    pub(super) fn checked_text(self, record: &str, escape: Option<u8>) -> Option<Cow<'_, str>> {
        record.get(self.start as usize..self.end as usize).map(|_| self.text(record, escape))
    }

    /// Returns the cell's value.
    pub(super) fn text(self, record: &str, escape: Option<u8>) -> Cow<'_, str> {
        match self.plain_text(record) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.unescape(record, escape)),
        }
    }

    /// Returns the cell's value if it is as it is written, or `None` if it has escapes.
    pub(super) fn plain_text(self, record: &str) -> Option<&str> {
        let is_plain = matches!(self.form, CellForm::Plain | CellForm::Quoted);
        is_plain.then(|| &record[self.start as usize..self.end as usize])
    }

    /// Returns the value of a cell with escapes.
    pub(super) fn unescape(self, record: &str, escape: Option<u8>) -> String {
        let text = &record[self.start as usize..self.end as usize];
        match self.form {
            // How MySQL and PostgreSQL write NULL.
            CellForm::PlainEscaped if text == "\\N" => String::new(),
            form => unescape(text, escape, form == CellForm::QuotedEscaped),
        }
    }
}

impl Cells {
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
        (self.count, self.has_text_behind) = (0, false);
    }

    pub(super) fn push(&mut self, cell: Cell) {
        self.count += 1;
        if self.kept.len() < self.limit {
            self.kept.push(cell);
        } else {
            self.has_text_behind |= cell.start < cell.end;
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn kept(&self) -> &[Cell] {
        &self.kept
    }

    pub(super) fn has_text_behind(&self) -> bool {
        self.has_text_behind
    }
}

/// Replaces what an escape character introduces by what it stands for, and doubled quotes of a quoted cell by one.
fn unescape(text: &str, escape: Option<u8>, is_quoted: bool) -> String {
    let escape = escape.map(char::from);
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if escape == Some('\\') => plain.extend(characters.next().map(backslash_escape)),
            _ if Some(character) == escape => plain.extend(characters.next()),
            '"' if is_quoted => {
                plain.push('"');
                characters.next();
            }
            _ => plain.push(character),
        }
    }
    plain
}

/// Returns the character that a backslash and `next` stand for ("LOAD DATA statement", MySQL Reference Manual; "COPY",
/// PostgreSQL documentation).
fn backslash_escape(next: char) -> char {
    match next {
        '0' => '\0',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'Z' => '\u{1a}',
        other => other,
    }
}
