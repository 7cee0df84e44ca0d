//! What the dry run accepts, the load accepts, and nothing else: each generated row goes through the parser and to two
//! DynamoDBs that others have written. All three must agree, except where [`explained`] says who is wrong.

mod explained;
mod rows;
mod server;

use std::collections::{BTreeMap, HashMap};

use explained::EXCEPTIONS;
use fastrand::Rng;
use futures_util::future::join_all;
use restctl_contract::key::{Key, KeyType};
use restctl_rows::{Compression, Dialect, Format, Parser, Reject, Row};
use rows::{GeneratedRow, MOST_BYTES_OVER};
use serde_json::json;
use server::ForeignDynamodb;

use crate::error::Error;
use crate::table::ItemsTable;

const SEED: u64 = 16;

/// As long as each stamp is.
const STAMP: &str = "2026-01-15T09:30:05.000Z/2026-01-15T09:30:05.000Z/0123456789abcdef";

const MAX_ITEM_BYTES: usize = 400 * 1024;

/// Why a row is refused, or that it is not.
type Verdict = Result<(), String>;

struct Case {
    row: GeneratedRow,
    parsed: Result<Row, Reject>,
}

#[tokio::test]
async fn two_other_dynamodbs_accept_exactly_the_rows_that_the_parser_accepts() {
    let servers = [server::start_dynalite().await, server::start_ministack().await];
    let mut rng = Rng::with_seed(SEED);
    let mut cases = parse_all(rows::rows_with_string_keys(&mut rng), KeyType::String);
    cases.extend(rows_at_the_size_limit(&mut rng));
    let mut used = vec![0; EXCEPTIONS.len()];
    let mut unexplained = compare(&servers, "S", &cases, &mut used).await;
    let number_keys = parse_all(rows::rows_with_number_keys(&mut rng), KeyType::Number);
    unexplained.extend(compare(&servers, "N", &number_keys, &mut used).await);
    assert!(
        unexplained.is_empty(),
        "{} of {} rows differ:\n{}",
        unexplained.len(),
        cases.len() + number_keys.len(),
        unexplained.iter().take(20).cloned().collect::<Vec<_>>().join("\n")
    );
    for (exception, used) in EXCEPTIONS.iter().zip(used) {
        assert!(used > 0, "no row needs this exception any more: {}: {}", exception.server, exception.reason);
    }
}

#[test]
fn ministack_has_the_version_of_the_local_cloud() {
    let installed = server::MINISTACK.packages(&["ministack"]);
    let local_cloud = include_str!("../../../../cli/src/local/python.rs");
    assert!(local_cloud.contains(&format!("{:?}", installed[0])), "{installed:?}");
}

/// Returns each large row filled up to sizes around the limit, as the parser counts them.
fn rows_at_the_size_limit(rng: &mut Rng) -> Vec<Case> {
    let mut rows = Vec::new();
    for large in rows::large_rows(rng) {
        let row = parse(&large, KeyType::String).unwrap();
        for bytes in MAX_ITEM_BYTES - 3..=MAX_ITEM_BYTES + MOST_BYTES_OVER {
            let filler = "x".repeat(bytes - row.bytes - 1);
            let mut values = large.values.clone();
            values.push(("f".into(), rows::string(&filler)));
            let key = rows::string(&format!("{:016x}", rng.u64(..)));
            rows.push(GeneratedRow { about: large.about, key, values });
        }
    }
    parse_all(rows, KeyType::String)
}

fn parse_all(rows: Vec<GeneratedRow>, kind: KeyType) -> Vec<Case> {
    rows.into_iter().map(|row| Case { parsed: parse(&row, kind), row }).collect()
}

fn parse(row: &GeneratedRow, kind: KeyType) -> Result<Row, Reject> {
    let dialect = Dialect::new(Format::Ndjson, Compression::None);
    let mut parser = Parser::new(&dialect, &Key { name: "id".into(), kind });
    let line = row.to_line();
    let (mut rest, mut out) = (line.as_bytes(), Vec::new());
    while parser.read(&mut rest, &mut out).unwrap() {}
    while parser.finish(&mut out).unwrap() {}
    assert_eq!(out.len(), 1, "{line}");
    out.remove(0)
}

/// Returns a description of each case in which a server and the parser differ, and no exception says why.
async fn compare(
    servers: &[ForeignDynamodb],
    table: &str,
    cases: &[Case],
    used: &mut [usize],
) -> Vec<String> {
    let mut unexplained = Vec::new();
    let verdicts = join_all(servers.iter().map(|server| write_cases(server, table, cases))).await;
    for (server, verdicts) in servers.iter().zip(verdicts) {
        for (case, verdict) in cases.iter().zip(verdicts) {
            if case.parsed.is_ok() == verdict.is_ok() {
                continue;
            }
            let applies = EXCEPTIONS.iter().position(|exception| {
                exception.server == server.name && verdict.is_ok() && (exception.applies)(&case.row)
            });
            match applies {
                Some(index) => used[index] += 1,
                None => unexplained.push(describe(server, case, &verdict)),
            }
        }
    }
    unexplained
}

fn describe(server: &ForeignDynamodb, case: &Case, verdict: &Verdict) -> String {
    let line: String = case.row.to_line().chars().take(300).collect();
    let parsed = case.parsed.as_ref().map(|row| row.bytes).map_err(|reject| &reject.reason);
    format!("{}: {}: {verdict:?}, the parser: {parsed:?}: {line}", case.row.about, server.name)
}

/// Returns the server's verdict on each case.
async fn write_cases(server: &ForeignDynamodb, table: &str, cases: &[Case]) -> Vec<Verdict> {
    let name = server::table_name(table);
    let key = Key { name: "id".into(), kind: table.parse().unwrap() };
    let items = ItemsTable::new(&server.client, &name, &key, false);
    let legal: BTreeMap<&str, &Row> =
        cases.iter().filter_map(|case| case.parsed.as_ref().ok()).map(|row| (row.key(), row)).collect();
    let written = items.write_rows(&legal.into_values().collect::<Vec<_>>(), STAMP).await.unwrap();
    let refused: HashMap<String, Reject> = written.refused.into_iter().collect();
    let mut verdicts = Vec::new();
    for case in cases {
        verdicts.push(match &case.parsed {
            Ok(row) => refused.get(row.key()).map_or(Ok(()), |reject| Err(reject.reason.clone())),
            Err(_) => put_as_it_is(server, &name, &case.row, key.kind).await,
        });
    }
    verdicts
}

/// Puts a row that the parser rejects. The function writes only legal rows, and numbers only in their plain notation.
async fn put_as_it_is(server: &ForeignDynamodb, table: &str, row: &GeneratedRow, key: KeyType) -> Verdict {
    let request = json!({ "TableName": table, "Item": row.to_item(key, STAMP) });
    match server.client.call_with_retries("PutItem", request.to_string().into_bytes()).await {
        Ok(_) => Ok(()),
        Err(Error::InvalidRequest { message, .. }) => Err(message),
        Err(error) => panic!("{error}: {}", row.about),
    }
}
