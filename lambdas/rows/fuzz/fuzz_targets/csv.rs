#![no_main]

use libfuzzer_sys::fuzz_target;
use properties::Case;
use restctl_rows::{ColumnType, Compression, Dialect, Format, Types};

fuzz_target!(|data: &[u8]| {
    let Some(case) = Case::from_input(data) else { return };
    let dialect = case.dialect_for(Format::Csv, Compression::None);
    match case.choice & 1 {
        0 => case.check_properties(&dialect),
        _ => {
            let types = Types::Named([("n".to_owned(), ColumnType::Number)].into());
            case.check_properties(&Dialect { types, ..dialect });
        }
    }
});
