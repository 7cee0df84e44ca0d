use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;

use super::*;
use crate::aws::test_server;

const PATIENCE: Duration = Duration::from_secs(60);

/// Looks at a table that DynamoDB describes so for a number of times.
async fn read_presence(status: &'static str, looks: usize) -> (Presence, Duration) {
    let seen = Arc::new(AtomicUsize::new(0));
    let aws = test_server::connect(move || {
        ready(if seen.fetch_add(1, Ordering::SeqCst) < looks {
            (StatusCode::OK, json!({ "Table": { "TableStatus": status } }).to_string())
        } else {
            let gone = json!({ "__type": "ResourceNotFoundException", "message": "not found" });
            (StatusCode::BAD_REQUEST, gone.to_string())
        })
    })
    .await;
    let table = OwnedResource::Table { name: "items".to_owned(), items: 0, bytes: 0 };
    (table.read_presence(&aws, PATIENCE).await.unwrap(), aws.clock.slept())
}

#[tokio::test]
async fn what_is_still_listed_for_a_while_is_gone() {
    let (presence, slept) = read_presence("DELETING", 10).await;
    assert_eq!((presence, slept), (Presence::Gone, 10 * PRESENCE_PAUSE));
}

#[tokio::test]
async fn what_is_being_deleted_does_not_count_as_kept() {
    assert_eq!(read_presence("DELETING", usize::MAX).await, (Presence::BeingDeleted, PATIENCE));
    assert_eq!(read_presence("ACTIVE", usize::MAX).await, (Presence::There, PATIENCE));
}
