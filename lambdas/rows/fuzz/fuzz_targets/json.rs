#![no_main]

use libfuzzer_sys::fuzz_target;
use properties::Case;
use restctl_rows::{Compression, Dialect, Format};

fuzz_target!(|data: &[u8]| {
    let Some(case) = Case::from_input(data) else { return };
    let format = if case.choice & 1 == 0 { Format::Ndjson } else { Format::Json };
    let records = match case.choice >> 1 & 3 {
        0 | 1 => None,
        2 => Some("items"),
        _ => Some("data.rows"),
    };
    let records = records.map(|path| path.parse().expect("it is a path"));
    let dialect = Dialect { records, ..case.dialect_for(format, Compression::None) };
    case.check_properties(&dialect);
    if dialect.records.is_none() {
        case.check_that_no_row_is_swallowed(&dialect);
    }
});
