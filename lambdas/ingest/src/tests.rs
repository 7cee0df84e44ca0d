//! The whole handler with the real SDK clients, against stand-ins for DynamoDB, S3 and SQS on 127.0.0.1.

mod deadline;
mod dialects;
mod differential;
mod failures;
mod ignored;
mod invocations;
mod log;
mod messages;
mod model;
mod order;
mod redelivery;
mod rejects;
mod rows;
mod world;

use std::io::Write;

use restctl_contract::load::Receipt;

const ITEMS_CSV: &[u8] = include_bytes!("../../../fixtures/items.csv");
const BAD_CSV: &[u8] = include_bytes!("../../../fixtures/bad.csv");

/// The answer to an invocation whose messages are all done.
const NONE_FAILED: [&str; 0] = [];

/// Returns the receipt of a load whose other rows were all `new`.
fn receipt(read: u64, new: u64, rejected: u64, duplicates: u64) -> Receipt {
    Receipt { read, new, rejected, duplicates, ..Receipt::default() }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

/// Returns a file whose text is complete, but whose check sum and length are missing (RFC 1952, section 2.3).
fn gzip_without_trailer(text: &[u8]) -> Vec<u8> {
    let mut gzip = gzip(text);
    gzip.truncate(gzip.len() - 8);
    gzip
}
