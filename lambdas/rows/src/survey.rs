use std::sync::Arc;

use restctl_contract::key::Key;

use crate::dialect::Dialect;
use crate::format::csv::{CsvColumn, key_column_type};
use crate::parser::Parser;
use crate::reject::Reject;
use crate::row::Row;
use crate::types::candidate::Candidate;
use crate::types::column_types::{ColumnType, ColumnTypes};
use crate::types::value::Value;
use crate::unreadable::Unreadable;

/// How many rejects [`SurveyFindings`] shows. The others are only counted.
pub const MAX_SHOWN_REJECTS: usize = 10;

/// How many bytes a unit of write capacity writes ("DynamoDB read and write operations", Amazon DynamoDB Developer Guide).
const WRITE_UNIT_BYTES: usize = 1024;

/// Reads a file as a load would, and finds the types of the CSV columns for which the dialect declares none.
///
/// A column is a number if each of its cells, except empty ones, is a plain number: `007`, `1e5` and `+49…` stay strings.
/// Decimals may end with zeros if all have the same number of places, as prices have. Rejected rows do not count.
pub struct Survey {
    parser: Parser,
    key: Key,
    out: Vec<Result<Row, Reject>>,
    candidates: Vec<Candidate>,
    rows: u64,
    rejected: u64,
    rejects: Vec<Reject>,
    multiline_cells: u64,
    multiline_cell: Option<Reject>,
    write_units: u64,
}

/// What a load would do with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyFindings {
    /// The columns of a CSV in the order of its header, and none for JSON.
    pub columns: Vec<SurveyedColumn>,
    /// Rows that can be loaded.
    pub rows: u64,
    /// Rows that cannot.
    pub rejected: u64,
    /// The first [`MAX_SHOWN_REJECTS`] of those.
    pub rejects: Vec<Reject>,
    /// Rejected rows that have a cell with lines that look like rows.
    pub multiline_cells: u64,
    /// The first of those.
    pub multiline_cell: Option<Reject>,
    /// What was recognized about the file, each as the rest of a sentence.
    pub notes: Vec<String>,
    /// What DynamoDB charges for writing all rows: one unit per 1,024 bytes or part of them. Columns that turn out to be
    /// numbers or booleans count with the length of their text.
    pub write_units: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyedColumn {
    pub name: String,
    pub kind: ColumnType,
    /// The first number that is loaded in another notation, and that notation: `3.50` and `3.5`.
    pub changed: Option<(String, String)>,
}

impl SurveyFindings {
    /// Returns the column types to upload with the file, or `None` if it is not a CSV.
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
            multiline_cells: 0,
            multiline_cell: None,
            write_units: 0,
        }
    }

    /// Reads the next chunk, and calls `key` with the key of each row that can be loaded.
    ///
    /// # Errors
    /// If nothing more can be read from the file.
    pub fn feed(&mut self, mut chunk: &[u8], mut key: impl FnMut(&str)) -> Result<(), Unreadable> {
        loop {
            let more = self.parser.read(&mut chunk, &mut self.out)?;
            self.count_rows(&mut key);
            if !more {
                return Ok(());
            }
        }
    }

    /// Ends the file. `key` is called as in [`Survey::feed`].
    ///
    /// # Errors
    /// If the file must not end here.
    pub fn finish(mut self, mut key: impl FnMut(&str)) -> Result<SurveyFindings, Unreadable> {
        while self.parser.finish(&mut self.out)? {
            self.count_rows(&mut key);
        }
        self.count_rows(&mut key);
        let columns = self.parser.columns().iter().zip(&self.candidates);
        let columns = columns.map(|(column, candidate)| {
            let (kind, changed) = match column.declared {
                _ if *column.name == *self.key.name => (key_column_type(&self.key), None),
                Some(declared) => (declared, None),
                None => (candidate.column_type(), candidate.changed_number().cloned()),
            };
            SurveyedColumn { name: column.name.to_string(), kind, changed }
        });
        Ok(SurveyFindings {
            columns: columns.collect(),
            rows: self.rows,
            rejected: self.rejected,
            rejects: self.rejects,
            multiline_cells: self.multiline_cells,
            multiline_cell: self.multiline_cell,
            notes: self.parser.notes(),
            write_units: self.write_units,
        })
    }

    fn count_rows(&mut self, key: &mut impl FnMut(&str)) {
        let columns = self.parser.columns();
        self.candidates.resize(columns.len(), Candidate::default());
        for row in self.out.drain(..) {
            match row {
                Ok(row) => {
                    self.rows += 1;
                    self.write_units += row.bytes.div_ceil(WRITE_UNIT_BYTES) as u64;
                    narrow_candidates(columns, &mut self.candidates, &row);
                    key(row.key());
                }
                Err(reject) => {
                    self.rejected += 1;
                    if reject.has_multiline_cell {
                        self.multiline_cells += 1;
                        self.multiline_cell.get_or_insert_with(|| reject.clone());
                    }
                    if self.rejects.len() < MAX_SHOWN_REJECTS {
                        self.rejects.push(reject);
                    }
                }
            }
        }
    }
}

/// Removes the types that do not fit the row, whose values are in the order of the columns, without empty cells.
fn narrow_candidates(columns: &[CsvColumn], candidates: &mut [Candidate], row: &Row) {
    let mut values = row.values.iter().peekable();
    for (column, candidate) in columns.iter().zip(candidates) {
        let value = values.next_if(|(name, _)| Arc::ptr_eq(name, &column.name));
        if let Some((_, Value::String(text))) = value {
            candidate.narrow(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::format::Format;
    use crate::dialect::{CsvDialect, Types};
    use crate::tests::{dialect, number_key, parse_as, string_key};

    fn survey_text(format: Format, key: &Key, text: &str) -> SurveyFindings {
        let mut survey = Survey::new(&dialect(format), key);
        survey.feed(text.as_bytes(), |_| ()).unwrap();
        survey.finish(|_| ()).unwrap()
    }

    fn with_types(types: Types) -> Dialect {
        Dialect { csv: CsvDialect { types, ..CsvDialect::default() }, ..dialect(Format::Csv) }
    }

    fn type_letters(key: &Key, text: &str) -> String {
        survey_text(Format::Csv, key, text).column_types().unwrap().to_string()
    }

    #[test]
    fn a_column_has_a_type_only_if_every_cell_fits() {
        let text = "id,int,price,flag,sku,sci,zero,phone,none,mixed,late\n\
                    1,1,0.5,true,7,1,1.50,49,,true,1\n\
                    2,-2,,,007,1e5,1.0,+49,,1,\n\
                    3,,12.25,false,8,2,2,50,,false,x\n";
        assert_eq!(type_letters(&string_key(), text), "sn2bs7");
        assert_eq!(type_letters(&number_key(), text), "n3bs7");
    }

    #[test]
    fn rejected_rows_do_not_count() {
        let mut text = "id,n\n1,5\n".to_owned();
        text.extend((0..12).map(|_| ",x\n"));
        let found = survey_text(Format::Csv, &string_key(), &text);
        assert_eq!(found.column_types().unwrap().to_string(), "sn");
        assert_eq!((found.rows, found.rejected, found.rejects.len()), (1, 12, MAX_SHOWN_REJECTS));
        assert_eq!(found.rejects[0].line, 3);
    }

    #[test]
    fn a_load_does_what_the_survey_says() {
        let text = "id,n,b,s\n1,5,true,x\n2,,,\n";
        let types = survey_text(Format::Csv, &string_key(), text).column_types().unwrap();
        let rows = parse_as(&with_types(Types::Columns(types)), text.as_bytes()).unwrap();
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
        let found = survey_text(Format::Csv, &string_key(), "id,n");
        assert_eq!((found.rows, found.rejected), (0, 0));
        assert_eq!(found.column_types().unwrap().to_string(), "s2");
        assert_eq!(survey_text(Format::Ndjson, &string_key(), "{\"id\":1}").column_types(), None);
    }

    #[test]
    fn declared_types_are_used() {
        let declared =
            [("price", ColumnType::Number), ("zip", ColumnType::String), ("id", ColumnType::String)];
        let declared = declared.map(|(name, kind)| (name.to_owned(), kind)).into();
        let dialect = with_types(Types::Named(declared));
        let mut survey = Survey::new(&dialect, &string_key());
        survey.feed(b"id,price,zip,n\n1,1.50,10115,1\n2,free,1,x\n3,,,2\n", |_| ()).unwrap();
        let found = survey.finish(|_| ()).unwrap();
        assert_eq!(found.column_types().unwrap().to_string(), "snsn");
        assert_eq!((found.rows, found.rejected), (2, 1));
        assert_eq!(found.rejects[0].column.as_deref(), Some("price"));
        assert_eq!(found.rejects[0].reason, "is not a number");
    }

    #[test]
    fn rows_that_can_be_loaded_have_keys_and_write_units() {
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
