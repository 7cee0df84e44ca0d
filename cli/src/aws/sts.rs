//! AWS Security Token Service: the caller and the account.

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::SdkError;
use aws_sdk_sts::operation::get_caller_identity::{GetCallerIdentityError, GetCallerIdentityOutput};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Aws;
use super::answer_date::AnswerDate;
use super::error::AwsContext;
use crate::failure::{Failure, Result};

/// The owner of the credentials.
pub(crate) struct Caller {
    /// 12 digits.
    pub(crate) account: String,
    /// Such as `arn:aws:iam::123456789012:user/me` or `arn:aws:sts::123456789012:assumed-role/deployers/me`.
    pub(crate) arn: String,
}

pub(crate) async fn read_caller(aws: &Aws) -> Result<Caller> {
    parse_caller(aws.sts.get_caller_identity().send().await)
}

/// Returns the caller, and the time of the answer by the clock of the service. A refusal has that time, too.
pub(crate) async fn caller_and_date(aws: &Aws) -> (Result<Caller>, Option<OffsetDateTime>) {
    let answered = AnswerDate::default();
    let request = aws.sts.get_caller_identity().customize().interceptor(answered.clone());
    let caller = parse_caller(request.send().await);
    let date = answered.rfc3339().and_then(|date| OffsetDateTime::parse(&date, &Rfc3339).ok());
    (caller, date)
}

pub(crate) async fn read_account(aws: &Aws) -> Result<String> {
    Ok(read_caller(aws).await?.account)
}

impl Caller {
    /// Returns the partition, such as `aws` or `aws-cn`.
    pub(crate) fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }

    pub(crate) fn is_root(&self) -> bool {
        self.resource_part() == "root"
    }

    pub(crate) fn is_user(&self) -> bool {
        self.resource_part().starts_with("user/")
    }

    /// Returns the name of the assumed role. `None` if the caller has assumed no role.
    pub(crate) fn role_name(&self) -> Option<&str> {
        self.resource_part().strip_prefix("assumed-role/")?.split('/').next()
    }

    /// Returns the part of the ARN after the account.
    fn resource_part(&self) -> &str {
        self.arn.splitn(6, ':').nth(5).unwrap_or_default()
    }
}

fn parse_caller(
    answer: Result<GetCallerIdentityOutput, SdkError<GetCallerIdentityError, HttpResponse>>,
) -> Result<Caller> {
    let identity = answer.aws_context("read the caller's identity")?;
    let account =
        identity.account.ok_or_else(|| Failure::new("AWS returned no account for these credentials"))?;
    Ok(Caller { account, arn: identity.arn.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_caller_is_recognized() {
        let caller = |arn: &str| Caller { account: "123456789012".to_owned(), arn: arn.to_owned() };
        assert!(caller("arn:aws:iam::123456789012:root").is_root());
        let user = caller("arn:aws-cn:iam::123456789012:user/team/me");
        assert!(user.is_user() && !user.is_root() && user.role_name().is_none());
        assert_eq!(user.partition(), "aws-cn");
        let session = caller("arn:aws:sts::123456789012:assumed-role/deployers/me@example.com");
        assert_eq!((session.role_name(), session.is_user()), (Some("deployers"), false));
        assert_eq!(caller("arn:aws:sts::123456789012:federated-user/me").role_name(), None);
    }
}
