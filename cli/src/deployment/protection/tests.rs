use std::sync::{Arc, Mutex};

use aws_sdk_cloudformation::types::{ChangeAction, PolicyAction, Replacement, ResourceChange};
use axum::extract::Request;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::*;
use crate::aws::test_server;

/// A user pool behind the Cloud Control API, whose updates take until the second look at them.
#[derive(Default)]
struct UserPool {
    protection: Option<String>,
    updates: Vec<Value>,
    looks: usize,
    is_gone: bool,
    fails: bool,
}

impl UserPool {
    fn answer(&mut self, operation: &str, asked: &Value) -> (StatusCode, Value) {
        if self.is_gone {
            return (StatusCode::BAD_REQUEST, json!({ "__type": "ResourceNotFoundException" }));
        }
        let progress = |status: &str| {
            let event = json!({ "RequestToken": "t", "OperationStatus": status, "StatusMessage": "not you" });
            (StatusCode::OK, json!({ "ProgressEvent": event }))
        };
        match operation {
            "GetResource" => {
                let mut pool = json!({
                    "UserPoolName": "restctl",
                    "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true, "UnusedAccountValidityDays": 7 },
                    "Policies": { "PasswordPolicy": { "TemporaryPasswordValidityDays": 7 } },
                });
                if let Some(protection) = &self.protection {
                    pool["DeletionProtection"] = json!(protection);
                }
                let description = json!({ "Identifier": "pool", "Properties": pool.to_string() });
                (StatusCode::OK, json!({ "TypeName": USER_POOL, "ResourceDescription": description }))
            }
            "UpdateResource" => {
                let patch: Value = serde_json::from_str(asked["PatchDocument"].as_str().unwrap()).unwrap();
                // Amazon Cognito refuses both names of this setting together.
                assert_eq!(patch[1]["path"], "/AdminCreateUserConfig/UnusedAccountValidityDays");
                assert_eq!(patch[1]["op"], "remove");
                self.protection = patch[0]["value"].as_str().map(str::to_owned);
                self.updates.push(patch);
                progress("IN_PROGRESS")
            }
            "GetResourceRequestStatus" => {
                assert_eq!(asked["RequestToken"], "t");
                self.looks += 1;
                progress(if self.fails { "FAILED" } else { ["IN_PROGRESS", "SUCCESS"][self.looks % 2] })
            }
            other => panic!("{other}"),
        }
    }
}

async fn connect(pool: &Arc<Mutex<UserPool>>) -> Aws {
    let pool = Arc::clone(pool);
    test_server::connect(move |request: Request| async move {
        let target = request.headers()["x-amz-target"].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(request.into_body(), 10_000).await.unwrap();
        let asked = serde_json::from_slice(&body).unwrap();
        let (status, answer) = pool.lock().unwrap().answer(target.rsplit('.').next().unwrap(), &asked);
        (status, answer.to_string())
    })
    .await
}

#[tokio::test]
async fn a_user_pool_is_protected_and_unprotected() {
    let pool = Arc::new(Mutex::new(UserPool::default()));
    let aws = connect(&pool).await;
    let resource = ProtectableResource::UserPool("pool".to_owned());
    for (on, changes) in [(false, false), (true, true), (true, false), (false, true)] {
        assert_eq!(resource.set_protection(&aws, on).await.unwrap(), changes, "{on}");
    }
    let values: Vec<_> = pool.lock().unwrap().updates.iter().map(|patch| patch[0]["value"].clone()).collect();
    assert_eq!(values, ["ACTIVE", "INACTIVE"]);
    pool.lock().unwrap().is_gone = true;
    assert!(!resource.set_protection(&aws, false).await.unwrap());
}

#[tokio::test]
async fn a_refused_change_of_a_user_pool_says_why() {
    let pool = Arc::new(Mutex::new(UserPool { fails: true, ..UserPool::default() }));
    let resource = ProtectableResource::UserPool("pool".to_owned());
    let failure = resource.set_protection(&connect(&pool).await, true).await.unwrap_err().to_single_line();
    assert!(
        failure.contains("DeletionProtection of pool") && failure.contains("FAILED: not you"),
        "{failure}"
    );
}

#[test]
fn an_update_unprotects_only_what_it_deletes() {
    let change = |kind: &str, action, replacement: Option<Replacement>, policy| {
        let change =
            ResourceChange::builder().resource_type(kind).physical_resource_id("arn:it").action(action);
        Change::new(change.set_replacement(replacement).set_policy_action(policy).build())
    };
    let found =
        |kind, action, replacement, policy| find_deleted(&[change(kind, action, replacement, policy)]);
    let pool = [ProtectableResource::UserPool("arn:it".to_owned())];
    let balancer = [ProtectableResource::LoadBalancer("arn:it".to_owned())];
    assert_eq!(found(USER_POOL, ChangeAction::Remove, None, Some(PolicyAction::Delete)), pool);
    assert_eq!(found(LOAD_BALANCER, ChangeAction::Modify, Some(Replacement::True), None), balancer);
    assert_eq!(found(LOAD_BALANCER, ChangeAction::Modify, Some(Replacement::Conditional), None), balancer);
    assert_eq!(found(LOAD_BALANCER, ChangeAction::Modify, Some(Replacement::False), None), []);
    assert_eq!(found(LOAD_BALANCER, ChangeAction::Remove, None, Some(PolicyAction::Retain)), []);
    assert_eq!(found("AWS::SQS::Queue", ChangeAction::Remove, None, None), []);
    // The old table stays, and stays protected.
    assert_eq!(found(TABLE, ChangeAction::Modify, Some(Replacement::True), None), []);
}
