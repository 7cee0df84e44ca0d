use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;

use super::*;
use crate::aws::test_server;

const PATIENCE: Duration = Duration::from_secs(60);

/// Looks at a table that DynamoDB describes so for a number of times.
async fn await_deletion(status: &'static str, looks: usize) -> (DeletionState, Duration) {
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
    (table.await_deletion(&aws, PATIENCE).await.unwrap(), aws.clock.slept())
}

#[tokio::test]
async fn what_is_still_listed_for_a_while_is_gone() {
    let (state, slept) = await_deletion("DELETING", 10).await;
    assert_eq!((state, slept), (DeletionState::Deleted, 10 * DELETION_PAUSE));
}

#[tokio::test]
async fn what_is_being_deleted_does_not_count_as_kept() {
    assert_eq!(await_deletion("DELETING", usize::MAX).await, (DeletionState::InProgress, PATIENCE));
    assert_eq!(await_deletion("ACTIVE", usize::MAX).await, (DeletionState::NotDeleted, PATIENCE));
}
