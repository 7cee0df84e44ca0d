use std::sync::Arc;

use restctl_contract::key::{Key, KeyType};

use crate::{ColumnType, ColumnTypes, Format, Parser, Reject, Row, Unreadable, Value};

/// How many rejects [`Findings`] shows; the others are counted.
pub const MAX_SHOWN_REJECTS: usize = 10;

/// The rows of as many bytes are held at once, however large the chunk.
const PIECE_BYTES: usize = 64 * 1024;

/// Reads a file as a load would, and finds out the types of a CSV's columns.
///
/// A column is a number or a boolean only where each of its cells (empty ones aside) prints back as the very
/// same text: `007`, `1e5`, `1.0` and `+49…` stay strings. Rejected rows have no say.
pub struct Survey {
    parser: Parser,
    key: Key,
    out: Vec<Result<Row, Reject>>,
    candidates: Vec<Candidate>,
    rows: u64,
    rejected: u64,
    rejects: Vec<Reject>,
}

/// What a column may still be.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    number: bool,
    boolean: bool,
    empty: bool,
}

/// What would become of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// A CSV's columns in the order of its header; of JSON, none.
    pub columns: Vec<Column>,
    /// Rows that can be loaded.
    pub rows: u64,
    /// Rows that cannot.
    pub rejected: u64,
    /// The first [`MAX_SHOWN_REJECTS`] of them.
    pub rejects: Vec<Reject>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: ColumnType,
}

impl Findings {
    /// What to send along with the file, if it is a CSV.
    pub fn column_types(&self) -> Option<ColumnTypes> {
        let types = self.columns.iter().map(|column| column.kind).collect();
        (!self.columns.is_empty()).then_some(ColumnTypes(types))
    }
}

impl Survey {
    pub fn new(format: Format, key: &Key) -> Self {
        Self {
            parser: Parser::new(format, key, None),
            key: key.clone(),
            out: Vec::new(),
            candidates: Vec::new(),
            rows: 0,
            rejected: 0,
            rejects: Vec::new(),
        }
    }

    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), Unreadable> {
        for piece in chunk.chunks(PIECE_BYTES) {
            self.parser.feed(piece, &mut self.out)?;
            self.count();
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<Findings, Unreadable> {
        self.parser.finish(&mut self.out)?;
        self.count();
        let columns = self.parser.columns().iter().zip(&self.candidates);
        let columns = columns.map(|(name, candidate)| Column {
            name: name.to_string(),
            kind: if **name == *self.key.name { key_type(&self.key) } else { candidate.kind() },
        });
        let columns = columns.collect();
        Ok(Findings { columns, rows: self.rows, rejected: self.rejected, rejects: self.rejects })
    }

    fn count(&mut self) {
        let columns = self.parser.columns();
        self.candidates.resize(columns.len(), Candidate { number: true, boolean: true, empty: true });
        for row in self.out.drain(..) {
            match row {
                Ok(row) => {
                    self.rows += 1;
                    judge(columns, &mut self.candidates, &row);
                }
                Err(reject) => {
                    self.rejected += 1;
                    if self.rejects.len() < MAX_SHOWN_REJECTS {
                        self.rejects.push(reject);
                    }
                }
            }
        }
    }
}

/// A row has its values in the order of the columns, empty cells left out.
fn judge(columns: &[Arc<str>], candidates: &mut [Candidate], row: &Row) {
    let mut values = row.values.iter().peekable();
    for (name, candidate) in columns.iter().zip(candidates) {
        if let Some((_, Value::String(text))) = values.next_if(|(of, _)| Arc::ptr_eq(of, name)) {
            candidate.number = candidate.number && ColumnType::Number.fits(text);
            candidate.boolean = candidate.boolean && ColumnType::Boolean.fits(text);
            candidate.empty = false;
        }
    }
}

impl Candidate {
    fn kind(self) -> ColumnType {
        match self {
            Candidate { empty: true, .. } => ColumnType::String,
            Candidate { number: true, .. } => ColumnType::Number,
            Candidate { boolean: true, .. } => ColumnType::Boolean,
            _ => ColumnType::String,
        }
    }
}

fn key_type(key: &Key) -> ColumnType {
    match key.kind {
        KeyType::String => ColumnType::String,
        KeyType::Number => ColumnType::Number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{number_key, string_key};

    fn survey(format: Format, key: &Key, text: &str) -> Findings {
        let mut survey = Survey::new(format, key);
        survey.feed(text.as_bytes()).unwrap();
        survey.finish().unwrap()
    }

    fn letters(key: &Key, text: &str) -> String {
        survey(Format::Csv, key, text).column_types().unwrap().to_string()
    }

    #[test]
    fn a_column_has_a_type_only_where_every_cell_prints_back() {
        let text = "id,int,price,flag,sku,sci,zero,phone,none,mixed,late\n\
                    1,1,0.5,true,7,1,1.5,49,,true,1\n\
                    2,-2,,,007,1e5,1.0,+49,,1,\n\
                    3,,12.25,false,8,2,2,50,,false,x\n";
        assert_eq!(letters(&string_key(), text), "snnbsssssss");
        assert_eq!(letters(&number_key(), text), "nnnbsssssss");
    }

    #[test]
    fn rejected_rows_have_no_say() {
        let mut text = "id,n\n1,5\n".to_owned();
        text.extend((0..12).map(|_| ",x\n"));
        let found = survey(Format::Csv, &string_key(), &text);
        assert_eq!(found.column_types().unwrap().to_string(), "sn");
        assert_eq!((found.rows, found.rejected, found.rejects.len()), (1, 12, MAX_SHOWN_REJECTS));
        assert_eq!(found.rejects[0].line, 3);
    }

    #[test]
    fn what_a_survey_says_a_load_does() {
        let text = "id,n,b,s\n1,5,true,x\n2,,,\n";
        let types = survey(Format::Csv, &string_key(), text).column_types();
        let mut parser = Parser::new(Format::Csv, &string_key(), types);
        let mut rows = Vec::new();
        parser.feed(text.as_bytes(), &mut rows).unwrap();
        let expected = [
            ("id".into(), Value::String("1".into())),
            ("n".into(), Value::Number("5".into())),
            ("b".into(), Value::Bool(true)),
            ("s".into(), Value::String("x".into())),
        ];
        assert_eq!(rows[0].as_ref().unwrap().values, expected);
        assert_eq!(rows[1].as_ref().unwrap().values, [("id".into(), Value::String("2".into()))]);
    }

    #[test]
    fn a_header_alone_is_readable() {
        let found = survey(Format::Csv, &string_key(), "id,n");
        assert_eq!((found.rows, found.rejected), (0, 0));
        assert_eq!(found.column_types().unwrap().to_string(), "ss");
        assert_eq!(survey(Format::Ndjson, &string_key(), "{\"id\":1}").column_types(), None);
    }
}
