//! The deletion of tables, and their protection from it.

use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::types::{TableDescription, TableStatus};

use crate::aws::Aws;
use crate::aws::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::{FailureContext, Result};

/// The deletion of a large table takes minutes.
const DELETION_TIMEOUT: Duration = Duration::from_secs(1800);

/// A table is changed within seconds.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(300);

/// Turns the table's deletion protection on or off. Returns whether that changed anything: a table that does not exist, or
/// that is being deleted, needs no change.
pub(crate) async fn set_deletion_protection(aws: &Aws, table: &str, on: bool) -> Result<bool> {
    let Some(description) = wait_until_unchanging(aws, table).await? else { return Ok(false) };
    let is_on = description.deletion_protection_enabled.unwrap_or_default();
    if is_on == on || description.table_status == Some(TableStatus::Deleting) {
        return Ok(false);
    }
    let request = aws.dynamodb.update_table().table_name(table).deletion_protection_enabled(on);
    request.send().await.aws_context(&format!("change the deletion protection of the table {table}"))?;
    Ok(true)
}

/// Deletes the table even if it is protected, because the caller has asked the user, and waits until the deletion is complete.
/// A table that cannot be deleted is protected as before.
pub(crate) async fn delete_table(aws: &Aws, table: &str) -> Result<()> {
    let was_protected = set_deletion_protection(aws, table, false).await?;
    if was_protected {
        wait_until_unchanging(aws, table).await?;
    }
    let answer = aws.dynamodb.delete_table().table_name(table).send().await;
    if answer.error_code() != Some(RESOURCE_NOT_FOUND) {
        let begun = answer.aws_context(&format!("delete the table {table}"));
        if begun.is_err() && was_protected {
            set_deletion_protection(aws, table, true).await?;
        }
        begun?;
    }
    let gone = aws.dynamodb.wait_until_table_not_exists().table_name(table).wait(DELETION_TIMEOUT).await;
    gone.context(format!("the table {table} was not deleted in time"))?;
    Ok(())
}

/// Whether the deletion of a table has begun and is not complete.
pub(crate) async fn is_being_deleted(aws: &Aws, table: &str) -> Result<bool> {
    let answer = aws.dynamodb.describe_table().table_name(table).send().await;
    if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(false);
    }
    let description = answer.aws_context(&format!("describe the table {table}"))?.table;
    Ok(description.and_then(|table| table.table_status) == Some(TableStatus::Deleting))
}

/// Waits until the table is not being created or changed: until then, DynamoDB neither changes nor deletes it. Returns `None`
/// if there is no such table.
async fn wait_until_unchanging(aws: &Aws, table: &str) -> Result<Option<TableDescription>> {
    let waiting = tokio::time::timeout(CHANGE_TIMEOUT, async {
        let mut pause = Duration::from_millis(200);
        loop {
            let answer = aws.dynamodb.describe_table().table_name(table).send().await;
            if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
                return Ok(None);
            }
            let description = answer.aws_context(&format!("describe the table {table}"))?.table;
            let status = description.as_ref().and_then(|description| description.table_status.as_ref());
            if !matches!(status, Some(TableStatus::Creating | TableStatus::Updating)) {
                return Ok(description);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(4));
        }
    });
    waiting.await.context(format!("the table {table} is still being changed"))?
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::extract::Request;
    use axum::http::StatusCode;
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::test_server;

    /// A protected table, as DynamoDB handles it: it is not deleted while it is protected or changed, and a change takes until
    /// the second look at it.
    struct Table {
        exists: bool,
        is_protected: bool,
        looks_until_active: usize,
        refuses_deletion: bool,
    }

    impl Table {
        fn answer(&mut self, operation: &str, asked: &Value) -> (StatusCode, Value) {
            let refuse = |code: &str, message: &str| {
                (StatusCode::BAD_REQUEST, json!({ "__type": code, "message": message }))
            };
            if !self.exists {
                return refuse("ResourceNotFoundException", "Requested resource not found");
            }
            match operation {
                "DescribeTable" => {
                    self.looks_until_active = self.looks_until_active.saturating_sub(1);
                    let status = if self.looks_until_active > 0 { "UPDATING" } else { "ACTIVE" };
                    let table =
                        json!({ "TableStatus": status, "DeletionProtectionEnabled": self.is_protected });
                    (StatusCode::OK, json!({ "Table": table }))
                }
                _ if self.looks_until_active > 0 => refuse("ResourceInUseException", "is being updated"),
                "UpdateTable" => {
                    self.is_protected = asked["DeletionProtectionEnabled"] == true;
                    self.looks_until_active = 2;
                    (StatusCode::OK, json!({}))
                }
                "DeleteTable" if self.is_protected => refuse("ValidationException", "deletion protection"),
                "DeleteTable" if self.refuses_deletion => refuse("AccessDeniedException", "not you"),
                "DeleteTable" => {
                    self.exists = false;
                    (StatusCode::OK, json!({}))
                }
                other => panic!("{other}"),
            }
        }
    }

    async fn connect(table: &Arc<Mutex<Table>>) -> Aws {
        let table = Arc::clone(table);
        test_server::connect(move |request: Request| async move {
            let target = request.headers()["x-amz-target"].to_str().unwrap().to_owned();
            let body = axum::body::to_bytes(request.into_body(), 10_000).await.unwrap();
            let asked = serde_json::from_slice(&body).unwrap();
            let (status, answer) = table.lock().unwrap().answer(target.rsplit('.').next().unwrap(), &asked);
            (status, answer.to_string())
        })
        .await
    }

    fn protected_table() -> Arc<Mutex<Table>> {
        let table =
            Table { exists: true, is_protected: true, looks_until_active: 0, refuses_deletion: false };
        Arc::new(Mutex::new(table))
    }

    #[tokio::test]
    async fn a_protected_table_is_deleted() {
        let table = protected_table();
        let aws = connect(&table).await;
        delete_table(&aws, "items").await.unwrap();
        assert!(!table.lock().unwrap().exists);
        delete_table(&aws, "items").await.unwrap();
    }

    /// An earlier `destroy` ended right after it had taken the protection off.
    #[tokio::test]
    async fn a_table_that_is_still_being_changed_is_deleted_afterwards() {
        let table = protected_table();
        (table.lock().unwrap().is_protected, table.lock().unwrap().looks_until_active) = (false, 3);
        delete_table(&connect(&table).await, "items").await.unwrap();
        assert!(!table.lock().unwrap().exists);
    }

    #[tokio::test]
    async fn a_table_that_cannot_be_deleted_stays_protected() {
        let table = protected_table();
        table.lock().unwrap().refuses_deletion = true;
        let failure = delete_table(&connect(&table).await, "items").await.unwrap_err();
        assert!(failure.to_single_line().contains("not you"), "{}", failure.to_single_line());
        assert!(table.lock().unwrap().is_protected);
    }
}
