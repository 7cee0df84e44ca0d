use std::sync::Arc;

use restctl_contract::key::Key;

use crate::dialect::Dialect;
use crate::format::csv::{self, key_type};
use crate::parser::Parser;
use crate::reject::Reject;
use crate::row::Row;
use crate::types::column_types::{ColumnType, ColumnTypes};
use crate::types::value::Value;
use crate::unreadable::Unreadable;

/// How many rejects [`Findings`] shows; the others are counted.
pub const MAX_SHOWN_REJECTS: usize = 10;

/// What a unit of write capacity writes ("DynamoDB read and write operations", Amazon DynamoDB Developer Guide).
const WRITE_UNIT_BYTES: usize = 1024;

/// Reads a file as a load would, and finds out the types of those columns of a CSV of which the dialect says nothing.
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
    write_units: u64,
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
    /// What DynamoDB charges to write all the rows: a unit for each 1,024 bytes begun, columns found to be numbers or
    /// booleans counted as the text they are written in.
    pub write_units: u64,
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
    pub fn new(dialect: &Dialect, key: &Key) -> Self {
        Self {
            parser: Parser::new(dialect, key),
            key: key.clone(),
            out: Vec::new(),
            candidates: Vec::new(),
            rows: 0,
            rejected: 0,
            rejects: Vec::new(),
            write_units: 0,
        }
    }

    /// Reads on; `key` gets the key of each row that can be loaded.
    pub fn feed(&mut self, mut chunk: &[u8], mut key: impl FnMut(&str)) -> Result<(), Unreadable> {
        loop {
            let more = self.parser.read(&mut chunk, &mut self.out)?;
            self.count(&mut key);
            if !more {
                return Ok(());
            }
        }
    }

    /// There is no more; `key` as in [`Survey::feed`].
    pub fn finish(mut self, mut key: impl FnMut(&str)) -> Result<Findings, Unreadable> {
        self.parser.finish(&mut self.out)?;
        self.count(&mut key);
        let columns = self.parser.columns().iter().zip(&self.candidates);
        let columns = columns.map(|(column, candidate)| Column {
            name: column.name.to_string(),
            kind: match column.told {
                _ if *column.name == *self.key.name => key_type(&self.key),
                Some(told) => told,
                None => candidate.kind(),
            },
        });
        Ok(Findings {
            columns: columns.collect(),
            rows: self.rows,
            rejected: self.rejected,
            rejects: self.rejects,
            write_units: self.write_units,
        })
    }

    fn count(&mut self, key: &mut impl FnMut(&str)) {
        let columns = self.parser.columns();
        self.candidates.resize(columns.len(), Candidate { number: true, boolean: true, empty: true });
        for row in self.out.drain(..) {
            match row {
                Ok(row) => {
                    self.rows += 1;
                    self.write_units += row.bytes.div_ceil(WRITE_UNIT_BYTES) as u64;
                    judge(columns, &mut self.candidates, &row);
                    key(row.key());
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
fn judge(columns: &[csv::Column], candidates: &mut [Candidate], row: &Row) {
    let mut values = row.values.iter().peekable();
    for (column, candidate) in columns.iter().zip(candidates) {
        let value = values.next_if(|(of, _)| Arc::ptr_eq(of, &column.name));
        if let Some((_, Value::String(text))) = value {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Types;
    use crate::dialect::encoding::Format;
    use crate::tests::{dialect, number_key, parse_as, string_key};

    fn survey(format: Format, key: &Key, text: &str) -> Findings {
        let mut survey = Survey::new(&dialect(format), key);
        survey.feed(text.as_bytes(), |_| ()).unwrap();
        survey.finish(|_| ()).unwrap()
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
        assert_eq!(letters(&string_key(), text), "sn2bs7");
        assert_eq!(letters(&number_key(), text), "n3bs7");
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
        let types = survey(Format::Csv, &string_key(), text).column_types().unwrap();
        let rows =
            parse_as(&Dialect { types: Types::Columns(types), ..dialect(Format::Csv) }, text.as_bytes())
                .unwrap();
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
        assert_eq!(found.column_types().unwrap().to_string(), "s2");
        assert_eq!(survey(Format::Ndjson, &string_key(), "{\"id\":1}").column_types(), None);
    }

    #[test]
    fn columns_with_a_type_are_read_as_told() {
        let told = [("price", ColumnType::Number), ("zip", ColumnType::String), ("id", ColumnType::String)];
        let told = told.map(|(name, kind)| (name.to_owned(), kind)).into();
        let dialect = Dialect { types: Types::Named(told), ..dialect(Format::Csv) };
        let mut survey = Survey::new(&dialect, &string_key());
        survey.feed(b"id,price,zip,n\n1,1.50,10115,1\n2,free,1,x\n3,,,2\n", |_| ()).unwrap();
        let found = survey.finish(|_| ()).unwrap();
        assert_eq!(found.column_types().unwrap().to_string(), "snsn");
        assert_eq!((found.rows, found.rejected), (2, 1));
        assert_eq!(found.rejects[0].column.as_deref(), Some("price"));
        assert_eq!(found.rejects[0].reason, "is not a number");
    }

    #[test]
    fn keys_and_write_units_of_what_can_be_loaded() {
        let long = "x".repeat(3000);
        let text = format!("id,s\n1,a\n,{long}\n2,{long}\n1,b");
        let mut keys = Vec::new();
        let mut survey = Survey::new(&dialect(Format::Csv), &number_key());
        survey.feed(text.as_bytes(), |key| keys.push(key.to_owned())).unwrap();
        let found = survey.finish(|key| keys.push(key.to_owned())).unwrap();
        assert_eq!(keys, ["1", "2", "1"]);
        assert_eq!(found.write_units, 1 + 4 + 1);
    }
}
