//! Properties that hold for any bytes. A panic is a finding.

use restctl_contract::key::{Key, KeyType};
use restctl_contract::load::Position;
use restctl_rows::{
    Compression, CsvDialect, DETECTION_BYTES, Delimiter, Dialect, Format, Found, Parser, RecordsFinder, Reject, Row,
    Survey, Types, Unreadable,
};

/// How many positions of a run are resumed.
const MAX_RESUMED: usize = 4;

type Rows = Vec<Result<Row, Reject>>;
type Outcome = (Rows, Result<(), Unreadable>);

/// A file and how to read it. The first two bytes of the input say how, and the file follows.
pub struct Case<'a> {
    pub key: Key,
    pub delimiter: Delimiter,
    /// The size of chunks.
    pub cut: usize,
    pub choice: u8,
    pub file: &'a [u8],
}

impl<'a> Case<'a> {
    pub fn from_input(data: &'a [u8]) -> Option<Self> {
        let [flags, cut, file @ ..] = data else { return None };
        let kind = if flags & 1 == 0 { KeyType::String } else { KeyType::Number };
        let delimiter = [b',', b';', b'\t', b'|'][usize::from(flags >> 1 & 3)];
        Some(Self {
            key: Key { name: "id".to_owned(), kind },
            delimiter: Delimiter::try_from(delimiter).expect("it is a usual delimiter"),
            cut: usize::from(*cut) + 1,
            choice: flags >> 3,
            file,
        })
    }

    pub fn dialect_for(&self, format: Format, compression: Compression) -> Dialect {
        let csv = CsvDialect { delimiter: self.delimiter, ..CsvDialect::default() };
        Dialect { csv, ..Dialect::new(format, compression) }
    }

    /// Finds out how to read the file called `name`, as `restctl upload` does.
    pub fn detect(&self, name: &str) -> Result<Dialect, Unreadable> {
        let head = &self.file[..self.file.len().min(DETECTION_BYTES)];
        Dialect::detect(name, head, &self.key, None, CsvDialect::default())
    }

    /// Checks that the file gives the same rows whole and in chunks, in one go and resumed, and that a survey predicts them.
    pub fn check_properties(&self, dialect: &Dialect) {
        let whole = self.read_file(Parser::new(dialect, &self.key), self.file.len().max(1), |_, _| ());
        let mut stops: Vec<(usize, Position)> = Vec::new();
        let cut = self.read_file(Parser::new(dialect, &self.key), self.cut, |rows, at| {
            if stops.last().is_none_or(|(_, last)| *last != at) {
                stops.push((rows, at));
            }
        });
        assert_same(dialect, &cut, &whole);
        for (rows, position) in stops.iter().step_by(stops.len() / MAX_RESUMED + 1) {
            let parser = Parser::resume(dialect, &self.key, *position);
            assert_eq!(parser.position(), *position);
            let resumed = self.read_file(parser, self.cut, |_, _| ());
            let rest = (whole.0.get(*rows..).unwrap_or_default().to_vec(), whole.1.clone());
            assert_same(dialect, &resumed, &rest);
        }
        self.check_survey(dialect, &whole);
    }

    /// Checks that the last row of a CSV is read, whatever is between the header and its line.
    pub fn check_that_the_last_row_is_read(&self) {
        let file = [b"id\n", self.file, b"\n7\n"].concat();
        let case =
            Case { key: self.key.clone(), delimiter: self.delimiter, cut: self.cut, choice: self.choice, file: &file };
        let dialect = self.dialect_for(Format::Csv, Compression::None);
        let (rows, result) = case.read_file(Parser::new(&dialect, &self.key), self.cut, |_, _| ());
        assert_eq!(result, Ok(()));
        assert_eq!(rows.last().map(|row| row.as_ref().map(Row::key)), Some(Ok("7")));
    }

    /// Checks that a JSON row on a line of its own is read whatever is before it, except an array that is open.
    pub fn check_that_no_row_is_swallowed(&self, dialect: &Dialect) {
        let row = b"\n{\"id\":\"7\"}";
        let file = [self.file, row].concat();
        let case =
            Case { key: self.key.clone(), delimiter: self.delimiter, cut: self.cut, choice: self.choice, file: &file };
        let (rows, result) = case.read_file(Parser::new(dialect, &self.key), self.cut, |_, _| ());
        if result.is_ok() {
            let last = rows.last().expect("there is a row");
            assert_eq!(last.as_ref().map(Row::key), Ok("7"));
        } else {
            assert!(matches!(result, Err(Unreadable::BrokenArray { .. })), "{result:?}");
        }
    }

    /// Checks that neither the cuts nor what follows an answer change it, and that a path that is found leads to rows.
    pub fn check_found_records(&self, dialect: &Dialect) {
        let find = |cut: usize| {
            let mut finder = RecordsFinder::new(dialect, &self.key);
            let _ = self.file.chunks(cut).find(|chunk| !finder.feed(chunk).expect("it is not compressed"));
            finder.finish()
        };
        let found = find(self.file.len().max(1));
        assert_eq!(find(self.cut), found);
        if let Found::Records(path) = found {
            assert_eq!(path.to_string().parse(), Ok(path.clone()));
            let dialect = Dialect { records: Some(path), ..dialect.clone() };
            let (_, result) = self.read_file(Parser::new(&dialect, &self.key), self.cut, |_, _| ());
            assert!(!matches!(result, Err(Unreadable::NoSuchRecords { .. } | Unreadable::Empty)), "{result:?}");
        }
    }

    fn check_survey(&self, dialect: &Dialect, whole: &Outcome) {
        let mut survey = Survey::new(dialect, &self.key);
        let mut keys = 0;
        let fed = self.file.chunks(self.cut).try_for_each(|chunk| survey.feed(chunk, |_| keys += 1));
        let findings = match fed.and_then(|()| survey.finish(|_| keys += 1)) {
            Ok(findings) => findings,
            Err(_) => return assert!(whole.1.is_err()),
        };
        assert!(whole.1.is_ok());
        assert_eq!(count_rows(&whole.0), (findings.rows, findings.rejected));
        assert_eq!(keys, findings.rows);
        if let Some(types) = findings.column_types() {
            assert_eq!(types.to_string().parse(), Ok(types.clone()));
            let csv = CsvDialect { types: Types::Columns(types), ..dialect.csv.clone() };
            let dialect = Dialect { csv, ..dialect.clone() };
            let loaded = self.read_file(Parser::new(&dialect, &self.key), self.cut, |_, _| ());
            assert!(loaded.1.is_ok());
            assert_eq!(count_rows(&loaded.0), (findings.rows, findings.rejected));
        }
    }

    /// Reads a file as a caller does: in chunks from the wanted offset. `each` gets the number of rows and rejects so far,
    /// and the parser's position.
    fn read_file(&self, mut parser: Parser, cut: usize, mut each: impl FnMut(usize, Position)) -> Outcome {
        let mut out = Vec::new();
        while let Some(rest) = self.file.get(parser.wanted_offset() as usize..).filter(|rest| !rest.is_empty()) {
            let mut chunk = &rest[..rest.len().min(cut)];
            loop {
                match parser.read(&mut chunk, &mut out) {
                    Err(error) => return (out, Err(error)),
                    Ok(more) => {
                        each(out.len(), parser.position());
                        if !more {
                            break;
                        }
                    }
                }
            }
        }
        loop {
            match parser.finish(&mut out) {
                Err(error) => return (out, Err(error)),
                Ok(more) => {
                    each(out.len(), parser.position());
                    if !more {
                        return (out, Ok(()));
                    }
                }
            }
        }
    }
}

/// If the text is compressed, the chunks decide how much of the text before damage can be read.
fn assert_same(dialect: &Dialect, one: &Outcome, other: &Outcome) {
    if dialect.compression != Compression::None && one.1.is_err() && other.1.is_err() {
        let common = one.0.len().min(other.0.len());
        assert_eq!(one.0[..common], other.0[..common]);
    } else {
        assert_eq!(one, other);
    }
}

fn count_rows(rows: &Rows) -> (u64, u64) {
    let loadable = rows.iter().flatten().count() as u64;
    (loadable, rows.len() as u64 - loadable)
}
