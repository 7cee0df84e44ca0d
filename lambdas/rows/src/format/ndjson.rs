use memchr::memchr;
use restctl_contract::load::Position;

use crate::format::json::JsonText;
use crate::reject::Reject;
use crate::row::Row;
use crate::row::rules::ItemRules;
use crate::unreadable::Unreadable;

/// A reader of one object per line. It skips blank lines.
#[derive(Debug)]
pub(crate) struct NdjsonReader {
    rules: ItemRules,
    text: JsonText,
    /// The position of the byte that comes next.
    pub(crate) position: Position,
    /// The end of the last record.
    pub(crate) boundary: Position,
}

impl NdjsonReader {
    pub(crate) fn new(rules: ItemRules, position: Position) -> Self {
        Self { rules, text: JsonText::starting_at(position.line), position, boundary: position }
    }

    pub(crate) fn read(
        &mut self,
        text: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        while let Some(end) = memchr(b'\n', text) {
            self.text.append(&text[..end]);
            self.position.offset += end as u64 + 1;
            self.position.line += 1;
            *text = &text[end + 1..];
            self.complete_line(out)?;
        }
        self.text.append(text);
        self.position.offset += text.len() as u64;
        *text = &[];
        Ok(())
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        self.complete_line(out)?;
        if self.boundary.offset == 0 { Err(Unreadable::Empty) } else { Ok(()) }
    }

    fn complete_line(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        if !self.text.is_blank() {
            out.push(self.text.parse_row(&self.rules)?);
            self.boundary = self.position;
        }
        self.text.restart_at(self.position.line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::dialect::format::Format::Ndjson;
    use crate::limits::MAX_RECORD_BYTES;
    use crate::tests::{lines, parse, parse_bytes, rejects};
    use crate::unreadable::Unreadable;

    #[test]
    fn every_line_is_a_row_or_a_reject() {
        let long = format!("{{\"id\":1,\"s\":\"{}\"}}", "x".repeat(2 * MAX_RECORD_BYTES));
        let found = parse(Ndjson, &format!("{{\"id\":1}}\r\n\n  \n{long}\n{{\"id\":2}}")).unwrap();
        assert_eq!(lines(&found), [1, 4, 5]);
        assert!(rejects(&found)[0].reason.contains("is longer than"));
    }

    #[test]
    fn a_file_without_text_is_unreadable() {
        assert_eq!(parse(Ndjson, "\n \n"), Err(Unreadable::Empty));
        assert_eq!(
            parse_bytes(Ndjson, b"{\"id\":1}\n{\"id\":\"\xe9\"}\n"),
            Err(Unreadable::NotUtf8 { line: 2 })
        );
    }
}
