//! A snapshot for tests.

use restctl_contract::load::{LedgerEntry, LoadState, Position, Receipt};

use super::snapshot::{
    CertificateState, DriftState, EndpointState, LiveFunction, LiveFunctions, Part, QueueState, Snapshot,
    StackState, TableState,
};
use super::traffic::Traffic;

pub(super) fn sample_snapshot(loads: Vec<LedgerEntry>) -> Snapshot {
    let function = || LiveFunction {
        name: "function".to_owned(),
        version: "3".to_owned(),
        since: Some("today".to_owned()),
        rolled_back: false,
    };
    Snapshot {
        stack: StackState {
            name: "orders".to_owned(),
            region: "eu-west-1".to_owned(),
            status: "UPDATE_COMPLETE".to_owned(),
        },
        endpoint: Part::Known(EndpointState {
            url: "https://api.example.com".to_owned(),
            certificate: CertificateState {
                name: "api.example.com".to_owned(),
                arn: String::new(),
                not_after: "2026-12-10T00:00:00Z".to_owned(),
                days_left: 12,
                served_fingerprint: Some(String::new()),
                is_served: true,
                problem: None,
            },
        }),
        functions: Part::Known(LiveFunctions { api: function(), ingest: function() }),
        drift: Part::Known(DriftState { found: Vec::new(), last_comparison: None }),
        table: Part::Known(TableState { name: "items".to_owned(), items: 1, bytes: 2, throttled: 0 }),
        queue: Part::Known(QueueState { waiting: 2, in_flight: 1, dead_letters: 0 }),
        loads: Part::Known(loads),
        ignored: 0,
        provider: Part::Unknown { problem: "the issuer does not answer".to_owned() },
        traffic: Part::Known(Traffic {
            // 2026-01-15T09:30:00Z
            start: 1_768_469_400,
            period_seconds: 60,
            open_periods: 1,
            requests: vec![0, 8, 3],
            latency_ms: vec![None, Some(1.5), Some(2.5)],
        }),
    }
}

pub(super) fn loading_entry(id: &str, progress: u64) -> LedgerEntry {
    let load = format!("{id:0>16}").parse();
    LedgerEntry {
        load: load.unwrap(),
        object: "items.csv".to_owned(),
        version: "1".to_owned(),
        size: 1,
        uploaded: String::new(),
        began: String::new(),
        updated: String::new(),
        state: LoadState::Loading,
        reason: None,
        attempts: 1,
        progress,
        position: Position::START,
        blind: false,
        confirmed: Position::START,
        reject_parts: 0,
        dialect: None,
        column_types: None,
        receipt: Receipt::default(),
    }
}
