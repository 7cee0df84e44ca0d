//! The deletion of tables, and their protection from it.

use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::types::{TableDescription, TableStatus};

use crate::aws::Aws;
use crate::aws::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::{Failure, FailureContext, Result};

/// The deletion of a large table takes minutes.
const DELETION_TIMEOUT: Duration = Duration::from_secs(1800);

/// A table is changed within seconds.
const CHANGE_PATIENCE: Duration = Duration::from_secs(300);

const CHANGE_PAUSE: Duration = Duration::from_secs(1);

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
    if answer.error_code() != Some(RESOURCE_NOT_FOUND)
        && let Err(failure) = answer.aws_context(&format!("delete the table {table}"))
    {
        let restored = match was_protected {
            true => set_deletion_protection(aws, table, true).await.err(),
            false => None,
        };
        return Err(failure.and(restored));
    }
    let gone = aws.dynamodb.wait_until_table_not_exists().table_name(table).wait(DELETION_TIMEOUT).await;
    gone.context(format!("the table {table} was not deleted in time"))?;
    Ok(())
}

/// Whether the deletion of a table has begun and is not complete.
pub(crate) async fn is_being_deleted(aws: &Aws, table: &str) -> Result<bool> {
    let description = describe_table(aws, table).await?;
    Ok(description.and_then(|table| table.table_status) == Some(TableStatus::Deleting))
}

/// Waits until the table is not being created or changed: until then, DynamoDB neither changes nor deletes it. Returns `None`
/// if there is no such table.
async fn wait_until_unchanging(aws: &Aws, table: &str) -> Result<Option<TableDescription>> {
    let attempt = async || {
        let description = describe_table(aws, table).await?;
        let status = description.as_ref().and_then(|description| description.table_status.as_ref());
        let is_changing = matches!(status, Some(TableStatus::Creating | TableStatus::Updating));
        Ok((!is_changing).then_some(description))
    };
    aws.clock.poll(CHANGE_PAUSE, CHANGE_PATIENCE, attempt).await?.ok_or_else(|| {
        Failure::new(format!("the table {table} is still being changed"))
            .why(format!("its change has taken more than {} s", CHANGE_PATIENCE.as_secs()))
            .next("run the same command again")
    })
}

/// Returns `None` if there is no such table.
async fn describe_table(aws: &Aws, table: &str) -> Result<Option<TableDescription>> {
    let answer = aws.dynamodb.describe_table().table_name(table).send().await;
    if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(None);
    }
    Ok(answer.aws_context(&format!("describe the table {table}"))?.table)
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
        refuses_protection: bool,
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
                "UpdateTable" if self.refuses_protection && asked["DeletionProtectionEnabled"] == true => {
                    refuse("LimitExceededException", "later")
                }
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
        Arc::new(Mutex::new(Table {
            exists: true,
            is_protected: true,
            looks_until_active: 0,
            refuses_deletion: false,
            refuses_protection: false,
        }))
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
        table.lock().unwrap().refuses_protection = true;
        let failure = delete_table(&connect(&table).await, "items").await.unwrap_err().to_single_line();
        assert!(failure.contains("not you") && failure.contains("later"), "{failure}");
    }
}
