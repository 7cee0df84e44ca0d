//! The checks before the first change of a deployment, for users with limited permissions.

use std::process::Command;

use serde_json::json;

use crate::cloud::{Cloud, CommandOutput};
use crate::lambdas::lambdas_folder;

/// Returns the text of an element of an XML answer.
fn element_text<'a>(answer: &'a str, name: &str) -> &'a str {
    let (_, rest) = answer.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{answer}"));
    rest.split_once('<').unwrap().0
}

/// A user of the account with a policy, who runs restctl as on AWS.
pub(crate) struct User<'a> {
    cloud: &'a Cloud,
    id: String,
    secret: String,
}

impl<'a> User<'a> {
    pub(crate) fn new(cloud: &'a Cloud, policy: &serde_json::Value) -> Self {
        let iam = |form: &[(&str, &str)]| {
            let form = [&[("Version", "2010-05-08"), ("UserName", "operator")], form].concat();
            cloud.call_query("iam", &form)
        };
        iam(&[("Action", "CreateUser")]);
        let document = policy.to_string();
        iam(&[("Action", "PutUserPolicy"), ("PolicyName", "policy"), ("PolicyDocument", &document)]);
        let key = iam(&[("Action", "CreateAccessKey")]);
        let (id, secret) =
            (element_text(&key, "AccessKeyId").to_owned(), element_text(&key, "SecretAccessKey").to_owned());
        Self { cloud, id, secret }
    }

    fn run(&self, args: &[&str]) -> CommandOutput {
        self.run_with(args, |_| ())
    }

    /// Runs `restctl ARGS` as this user. `also` changes the command before.
    pub(crate) fn run_with(&self, args: &[&str], also: impl FnOnce(&mut Command)) -> CommandOutput {
        let mut command = self.cloud.command_as_on_aws(args);
        command.env("AWS_ACCESS_KEY_ID", &self.id).env("AWS_SECRET_ACCESS_KEY", &self.secret);
        also(&mut command);
        CommandOutput::from(command.output().unwrap())
    }
}

#[test]
fn missing_permissions_are_named_before_anything_is_made() {
    let cloud = Cloud::start_set_up();
    let built = lambdas_folder().to_str().unwrap();
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "*", "Resource": "*" },
        { "Effect": "Deny", "Action": ["iam:CreateRole", "dynamodb:CreateTable"], "Resource": "*" },
    ]});
    let user = User::new(&cloud, &policy);
    let refused = user.run(&["deploy", "--lambdas", built]);
    refused
        .failed_with(2, &["cannot be deployed; nothing was changed", "user/operator lacks permission for"]);
    refused.failed_with(2, &["iam:CreateRole", "dynamodb:CreateTable", "ask for these permissions"]);
    assert!(!refused.stderr.contains("s3:CreateBucket"), "{}", refused.stderr);
    assert!(
        refused
            .stderr
            .contains("note: the quota \"VPCs per Region\" was not checked, because it cannot be read"),
        "{}",
        refused.stderr
    );
    assert!(!cloud.get_s3("/").contains("<Bucket>"), "nothing was made");
}

#[test]
fn updating_a_stack_needs_no_permission_to_create_one() {
    let cloud = Cloud::start_deployed(&[]);
    let built = lambdas_folder().to_str().unwrap();
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "*", "Resource": "*" },
        { "Effect": "Deny", "Action": ["iam:CreateRole", "secretsmanager:CreateSecret"], "Resource": "*" },
    ]});
    let user = User::new(&cloud, &policy);
    let planned = user.run(&["deploy", "--dry-run", "--lambdas", built]);
    assert!([0, 6].contains(&planned.exit), "{}", planned.stderr);
    let note = "user/operator lacks permission for iam:CreateRole, which this deployment may need";
    assert!(planned.stderr.contains(note), "{}", planned.stderr);

    let refused = user.run(&["deploy", "--dry-run", "--lambdas", built, "--list", "on"]);
    refused.failed_with(2, &["user/operator lacks permission for secretsmanager:CreateSecret\n", note]);
}

#[test]
fn an_unusable_certificate_is_found() {
    let cloud = Cloud::start_set_up();
    let arn = cloud.call_json("acm", "CertificateManager.ListCertificates", &json!({}));
    let arn = json!({ "CertificateArn": arn["CertificateSummaryList"][0]["CertificateArn"] });
    let other_name = ["deploy", "--domain", "api.example.com", "--hosted-zone", "Z0123456789"];
    cloud.run(&other_name).failed_with(2, &["for restctl.localhost, localhost, not for api.example.com"]);
    cloud.call_json("acm", "CertificateManager.DeleteCertificate", &arn);
    cloud.run(&["deploy"]).failed_with(2, &["was not found", "restctl setup --cert"]);
}
