#![no_main]

use std::io::Write;

use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use properties::Case;
use restctl_rows::{Compression, Format};

fuzz_target!(|data: &[u8]| {
    let Some(mut case) = Case::from_input(data) else { return };
    let format = [Format::Csv, Format::Ndjson, Format::Json][usize::from(case.choice % 3)];
    let text = case.file;
    let cut = text.len() / 2;
    match case.choice / 3 % 4 {
        0 => case.check_properties(&case.dialect_for(format, Compression::Gzip)),
        1 => case.check_properties(&case.dialect_for(format, Compression::Zstd)),
        2 => {
            let file = [gzip(&text[..cut]), gzip(&text[cut..])].concat();
            case.file = &file;
            case.check_properties(&case.dialect_for(format, Compression::Gzip));
        }
        _ => {
            let file = [zstd(&text[..cut]), zstd(&text[cut..])].concat();
            case.file = &file;
            case.check_properties(&case.dialect_for(format, Compression::Zstd));
        }
    }
});

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut member = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    member.write_all(text).expect("memory accepts every write");
    member.finish().expect("memory accepts every write")
}

fn zstd(text: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
    zstd_safe::compress(&mut frame, text, 1).expect("the buffer is large enough");
    frame
}
