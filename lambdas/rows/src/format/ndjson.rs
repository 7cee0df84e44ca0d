use memchr::memchr;
use restctl_contract::load::Position;

use crate::format::json::Text;
use crate::reject::Reject;
use crate::row::Row;
use crate::row::rules::Rules;
use crate::unreadable::Unreadable;

/// One object a line; blank lines are skipped.
#[derive(Debug)]
pub(crate) struct Lines {
    rules: Rules,
    text: Text,
    pub(crate) at: Position,
    pub(crate) between: Position,
}

impl Lines {
    pub(crate) fn new(rules: Rules, position: Position) -> Self {
        Self { rules, text: Text::starting(position.line), at: position, between: position }
    }

    pub(crate) fn read(
        &mut self,
        text: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        while let Some(end) = memchr(b'\n', text) {
            self.text.push(&text[..end]);
            self.at.offset += end as u64 + 1;
            self.at.line += 1;
            *text = &text[end + 1..];
            self.complete(out)?;
        }
        self.text.push(text);
        self.at.offset += text.len() as u64;
        *text = &[];
        Ok(())
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        self.complete(out)?;
        if self.between.offset == 0 { Err(Unreadable::Empty) } else { Ok(()) }
    }

    fn complete(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        if !self.text.is_blank() {
            out.push(self.text.row(&self.rules)?);
            self.between = self.at;
        }
        self.text.restart(self.at.line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::dialect::encoding::Format::Ndjson;
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
    fn what_is_no_text_is_unreadable() {
        assert_eq!(parse(Ndjson, "\n \n"), Err(Unreadable::Empty));
        assert_eq!(
            parse_bytes(Ndjson, b"{\"id\":1}\n{\"id\":\"\xe9\"}\n"),
            Err(Unreadable::NotUtf8 { line: 2 })
        );
    }
}
