#![no_main]

use libfuzzer_sys::fuzz_target;
use properties::Case;
use restctl_rows::{Compression, Format};

fuzz_target!(|data: &[u8]| {
    if let Some(case) = Case::from_input(data) {
        case.check_found_records(&case.dialect_for(Format::Json, Compression::None));
    }
});
