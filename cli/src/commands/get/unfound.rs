//! The ids without an item, and what the user is told about them at the end.

use super::ids::GivenId;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::sanitize::sanitize_line;

/// How many missing and how many invalid ids are named, and how many characters of each.
const MAX_NAMED_IDS: usize = 10;
const MAX_ID_CHARACTERS: usize = 60;

#[derive(Default)]
pub(super) struct UnfoundIds {
    missing: u64,
    invalid: u64,
    named_missing: Vec<String>,
    /// Each with what is wrong with it.
    named_invalid: Vec<String>,
    has_byte_order_mark: bool,
}

impl UnfoundIds {
    pub(super) fn push_missing(&mut self, ids: &[GivenId]) {
        self.missing += ids.len() as u64;
        let room = MAX_NAMED_IDS - self.named_missing.len();
        self.named_missing.extend(ids.iter().take(room).map(|id| id.quote(MAX_ID_CHARACTERS)));
        self.has_byte_order_mark |= ids.iter().any(GivenId::has_byte_order_mark);
    }

    /// Each id comes with what is wrong with it.
    pub(super) fn push_invalid(&mut self, ids: &[(GivenId, String)]) {
        self.invalid += ids.len() as u64;
        let room = MAX_NAMED_IDS - self.named_invalid.len();
        let named = ids.iter().take(room);
        self.named_invalid.extend(named.map(|(id, detail)| {
            let detail = sanitize_line(detail, MAX_ID_CHARACTERS * 2);
            format!("{} ({}) {detail}", id.quote(MAX_ID_CHARACTERS), id.place())
        }));
        self.has_byte_order_mark |= ids.iter().any(|(id, _)| id.has_byte_order_mark());
    }

    pub(super) fn count(&self) -> u64 {
        self.missing + self.invalid
    }

    /// `names_missing` says whether the output itself names the missing ids.
    ///
    /// # Errors
    /// If there are any.
    pub(super) fn into_result(self, found: u64, names_missing: bool) -> Result<()> {
        if self.count() == 0 {
            return Ok(());
        }
        let hint = if names_missing && self.missing > 0 { "; see \"missing\"" } else { "" };
        let failure = Failure::new(format!("{}{hint}", self.describe_counts(found))).exit(if found > 0 {
            Exit::Partial
        } else {
            Exit::NotFound
        });
        let why = self.explain(!names_missing);
        let failure = if why.is_empty() { failure } else { failure.why(why) };
        Err(failure.next(if self.has_byte_order_mark {
            "to remove the byte order mark: sed -i '1s/^\\xEF\\xBB\\xBF//' FILE"
        } else {
            "check the ids, or load the file that has them: restctl upload FILE"
        }))
    }

    fn describe_counts(&self, found: u64) -> String {
        let all = found + self.count();
        let verb = |count: u64, one, several| if count == 1 { one } else { several };
        let missing = format!("{} not found", verb(self.missing, "was", "were"));
        let invalid = format!("{} not valid", verb(self.invalid, "is", "are"));
        match (self.missing, self.invalid) {
            (count, 0) => format!("{count} of {all} ids {missing}"),
            (0, count) => format!("{count} of {all} ids {invalid}"),
            (count, others) => format!("{count} of {all} ids {missing}, and {others} {invalid}"),
        }
    }

    /// Says what is wrong with each id that has room.
    fn explain(&self, with_missing: bool) -> String {
        let mut reasons = Vec::new();
        if with_missing && !self.named_missing.is_empty() {
            reasons.push(join_named(&self.named_missing, self.missing, ", "));
        }
        if !self.named_invalid.is_empty() {
            reasons.push(join_named(&self.named_invalid, self.invalid, "; "));
        }
        if self.has_byte_order_mark {
            reasons.push("line 1 starts with a byte order mark (U+FEFF), which is part of its id".to_owned());
        }
        reasons.join("; ")
    }
}

fn join_named(named: &[String], count: u64, separator: &str) -> String {
    match count - named.len() as u64 {
        0 => named.join(separator),
        more => format!("{} and {more} more", named.join(separator)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str, line: Option<u64>) -> GivenId {
        GivenId { text: text.to_owned(), line }
    }

    fn failure_of(unfound: UnfoundIds, found: u64, names_missing: bool) -> String {
        unfound.into_result(found, names_missing).unwrap_err().to_string()
    }

    #[test]
    fn each_bad_id_is_named_with_its_place() {
        let mut unfound = UnfoundIds::default();
        unfound.push_missing(&[given(" 7", Some(2))]);
        let bad = |text: &str, line| (given(text, line), "is not a number".to_owned());
        unfound.push_invalid(&[bad("x\u{1b}", None), bad("", Some(3))]);
        unfound.push_invalid(&(4..20).map(|line| bad("y", Some(line))).collect::<Vec<_>>());
        let text = failure_of(unfound, 1, false);
        for part in [
            "1 of 20 ids was not found, and 18 are not valid",
            "\" 7\"",
            "\"x\\u001b\" (--id) is not a number; \"\" (line 3) is not a number; \"y\" (line 4)",
            "\"y\" (line 11) is not a number and 8 more",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_explained_if_its_id_is_not_found() {
        for is_invalid in [false, true] {
            let marked = given("\u{feff}7", Some(1));
            let mut unfound = UnfoundIds::default();
            match is_invalid {
                true => unfound.push_invalid(&[(marked, "is not a number".to_owned())]),
                false => unfound.push_missing(&[marked]),
            }
            let text = failure_of(unfound, 0, true);
            assert!(text.contains("line 1 starts with a byte order mark (U+FEFF)"), "{text}");
            assert!(text.contains(r"sed -i '1s/^\xEF\xBB\xBF//' FILE"), "{text}");
        }
        for elsewhere in [given("\u{feff}7", Some(2)), given("\u{feff}7", None)] {
            let mut unfound = UnfoundIds::default();
            unfound.push_missing(&[elsewhere]);
            assert!(!failure_of(unfound, 0, false).contains("byte order mark"));
        }
    }
}
