//! Files that would overflow the stack of a reader that descends as deeply as they nest.

use super::{parse, rejects, rows};
use crate::dialect::format::Format;

#[test]
fn the_deepest_rows_need_little_stack() {
    let work = || {
        for (open, close, levels) in [("[", "]", 31), ("{\"a\":", "}", 31), ("[{\"a\":", "}]", 15)] {
            let row = |levels: usize| {
                format!("{{\"id\":\"1\",\"v\":{}1{}}}", open.repeat(levels), close.repeat(levels))
            };
            for format in [Format::Ndjson, Format::Json] {
                let found = parse(format, &format!("{}\n{{\"id\":\"2\"}}\n", row(levels))).unwrap();
                assert_eq!((rows(&found).len(), rejects(&found).len()), (2, 0), "{open}");
                for levels in [levels + 1, 100_000] {
                    let found = parse(format, &format!("{}\n{{\"id\":\"2\"}}\n", row(levels))).unwrap();
                    assert_eq!((rows(&found).len(), rejects(&found).len()), (1, 1), "{levels} of {open}");
                }
                // Outside of rows, it may be refused as a whole, or be one reject.
                for unclosed in [open.repeat(100_000), format!("[{}", row(100_000)), close.repeat(100_000)] {
                    let _ = parse(format, &unclosed);
                }
            }
            let _ = parse(Format::Csv, &format!("id,v\n1,{}\n", row(100_000)));
        }
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap().join().unwrap();
}
