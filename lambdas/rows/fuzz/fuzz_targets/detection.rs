#![no_main]

use std::io::Write;

use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use properties::Case;

const NAMES: [&str; 5] = ["a.csv", "a.ndjson", "a.json", "a.txt", "export"];

fuzz_target!(|data: &[u8]| {
    let Some(mut case) = Case::from_input(data) else { return };
    let name = NAMES[usize::from(case.choice) % NAMES.len()];
    let detected = case.detect(name);
    if let Ok(dialect) = &detected {
        case.check_properties(dialect);
    }
    let gzip = gzip(case.file);
    case.file = &gzip;
    if let (Ok(plain), Ok(compressed)) = (detected, case.detect(name)) {
        assert_eq!((plain.format, plain.csv), (compressed.format, compressed.csv));
    }
});

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut member = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    member.write_all(text).expect("memory accepts every write");
    member.finish().expect("memory accepts every write")
}
