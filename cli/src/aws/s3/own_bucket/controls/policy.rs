//! The policy of a private bucket: it refuses connections without TLS 1.2, and allows nobody anything.

use serde_json::{Value, json};

/// Returns the policy that the bucket should have instead of `existing`, which is null if it has none. Returns `None` if the
/// existing policy will do. Other denials stay; what allows something is removed, because anyone who may write to the bucket can
/// replace the code of the functions. Callers of the bucket's own account need no permission here.
pub(super) fn find_correction(existing: &Value, bucket: &str, partition: &str) -> Option<Value> {
    let wanted = wanted_statements(bucket, partition);
    let statements = match &existing["Statement"] {
        Value::Array(statements) => statements.clone(),
        Value::Null => Vec::new(),
        statement => vec![statement.clone()],
    };
    let has_all = wanted.iter().all(|it| statements.iter().any(|found| normalize(it) == normalize(found)));
    if has_all && statements.iter().all(|statement| statement["Effect"] == "Deny") {
        return None;
    }
    let is_replaced = |statement: &Value| wanted.iter().any(|it| it["Sid"] == statement["Sid"]);
    let mut kept: Vec<_> = statements
        .into_iter()
        .filter(|statement| statement["Effect"] == "Deny" && !is_replaced(statement))
        .collect();
    kept.extend(wanted);
    Some(json!({ "Version": "2012-10-17", "Statement": kept }))
}

fn wanted_statements(bucket: &str, partition: &str) -> [Value; 2] {
    let deny = |sid: &str, condition: Value| {
        let arn = format!("arn:{partition}:s3:::{bucket}");
        json!({
            "Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")], "Condition": condition,
        })
    };
    [
        deny("RefusePlainHttp", json!({ "Bool": { "aws:SecureTransport": "false" } })),
        deny("RefuseOldTls", json!({ "NumericLessThan": { "s3:TlsVersion": "1.2" } })),
    ]
}

/// Returns the statement in the one form of those that mean the same: a list of one element is that element, and lists have
/// no order.
fn normalize(value: &Value) -> Value {
    match value {
        Value::Array(elements) => {
            let mut elements: Vec<_> = elements.iter().map(normalize).collect();
            elements.sort_by_key(Value::to_string);
            if elements.len() == 1 { elements.remove(0) } else { Value::Array(elements) }
        }
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), normalize(member))).collect()
        }
        Value::Number(number) => Value::String(number.to_string()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn correct(existing: &Value) -> Option<Value> {
        find_correction(existing, "packages", "aws-cn")
    }

    #[test]
    fn a_bucket_without_policy_gets_one_that_needs_no_correction() {
        let policy = correct(&Value::Null).unwrap();
        assert_eq!(policy["Statement"][0]["Resource"][1], "arn:aws-cn:s3:::packages/*");
        assert_eq!(correct(&policy), None);
        let [plain, old] = wanted_statements("packages", "aws-cn");
        // Another writing of the same policy.
        let mut rewritten = plain.clone();
        rewritten["Resource"] = json!(["arn:aws-cn:s3:::packages/*", "arn:aws-cn:s3:::packages"]);
        rewritten["Action"] = json!(["s3:*"]);
        assert_eq!(correct(&json!({ "Statement": [old, rewritten] })), None);
    }

    #[test]
    fn only_what_allows_something_is_removed() {
        let [plain, old] = wanted_statements("packages", "aws-cn");
        let denial = json!({ "Sid": "Organization", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
            "Resource": "*", "Condition": { "StringNotEquals": { "aws:PrincipalOrgID": "o-1" } } });
        let allowance = json!({ "Effect": "Allow", "Principal": { "AWS": "210987654321" }, "Action": "s3:*",
            "Resource": "*" });
        assert_eq!(correct(&json!({ "Statement": [plain, denial, old] })), None);
        let corrected = correct(&json!({ "Statement": [plain, denial, allowance, old] })).unwrap();
        assert_eq!(corrected["Statement"], json!([denial, plain, old]));
        assert_eq!(correct(&json!({ "Statement": allowance })).unwrap()["Statement"], json!([plain, old]));
    }

    #[test]
    fn a_weakened_statement_is_replaced() {
        let [plain, mut weak] = wanted_statements("packages", "aws-cn");
        let whole = weak.clone();
        weak["Condition"]["NumericLessThan"]["s3:TlsVersion"] = json!("1.0");
        let corrected = correct(&json!({ "Statement": [plain, weak] })).unwrap();
        assert_eq!(corrected["Statement"], json!([plain, whole]));
    }
}
