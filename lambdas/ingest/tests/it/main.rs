//! The whole function: the real binary behind the Lambda Runtime API.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod memory;

use restctl_testkit::runtime::Runtime;

const SETTINGS: [(&str, &str); 7] = [
    ("LOAD_QUEUE", "http://127.0.0.1:1/loads.fifo"),
    ("DEAD_LETTER_QUEUE", "http://127.0.0.1:1/dead-letters.fifo"),
    ("ITEMS_TABLE", "items"),
    ("LEDGER_TABLE", "ledger"),
    ("KEY_NAME", "id"),
    ("KEY_TYPE", "S"),
    ("URL_SUFFIX", "amazonaws.com"),
];

#[tokio::test]
async fn the_function_does_not_start_without_its_settings() {
    for (missing, _) in SETTINGS {
        let variables: Vec<_> = SETTINGS.into_iter().filter(|(name, _)| *name != missing).collect();
        let runtime = Runtime::start(env!("CARGO_BIN_EXE_restctl-ingest"), &variables).await;
        runtime.wait_for_end().await.unwrap_or_else(|error| panic!("without {missing}: {error}"));
        assert!(runtime.output().contains(missing), "{}", runtime.output());
    }
}
