#![no_main]

use libfuzzer_sys::fuzz_target;
use properties::Case;
use restctl_rows::{ColumnType, Compression, CsvDialect, Dialect, Format, Types};

fuzz_target!(|data: &[u8]| {
    let Some(case) = Case::from_input(data) else { return };
    let dialect = case.dialect_for(Format::Csv, Compression::None);
    let has = |bit: u8| case.choice >> bit & 1 == 1;
    let csv = CsvDialect {
        types: if has(0) { Types::Named([("n".to_owned(), ColumnType::Number)].into()) } else { Types::Strings },
        escape: has(1).then(|| "\\".parse().expect("it is the usual escape character")),
        multiline_cells: has(2),
        skip_columns: if has(3) { vec!["s".to_owned(), "2".to_owned()] } else { Vec::new() },
        row_numbers: has(4),
        ..dialect.csv
    };
    case.check_properties(&Dialect { csv, ..dialect });
    case.check_that_the_last_row_is_read();
});
