//! Turns a failed call to AWS into a failure with a next step.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::http_client::trust_advice;
use super::known_failures;
use super::unsupported_call::explain_unsupported_call;
use crate::failure::{AwsCause, Exit, Failure, Result};
use crate::network::certificate_refusal::is_certificate_refusal;

/// The error codes with which AWS services refuse the credentials, not the request.
const CREDENTIALS_REFUSED: [&str; 7] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Those of these codes that a region also returns if the account has not enabled it, because it does not know the account's
/// credentials ("Enable or disable AWS Regions in your account", AWS Account Management).
const REGION_NOT_ENABLED: [&str; 2] = ["InvalidClientTokenId", "UnrecognizedClientException"];

/// The error codes for a call that the caller may not make.
pub(super) const ACCESS_DENIED: [&str; 4] =
    ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"];

/// The error codes for too many calls.
const THROTTLED: [&str; 5] =
    ["Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"];

/// The error codes for a signature with a time that is too far from the service's.
const CLOCK_REFUSED: [&str; 2] = ["RequestTimeTooSkewed", "RequestExpired"];

/// What to do about a call that the caller may not make.
pub(super) const ASK_FOR_PERMISSION: &str = "ask for the permission named above, or use another --profile";

/// What to do about a call that was denied without a reason.
const ASK_FOR_ACCESS: &str = "ask for access to it, or use another --profile";

/// What to do without credentials, if nothing shows how they were meant to be found.
pub(super) const GET_CREDENTIALS: &str = "sign in with `aws login`, `aws sso login` or `aws configure`, name a profile with --profile,\n\
     or try without an account: restctl local up, then add --local";

/// The error code with which many services answer that something does not exist.
pub(super) const RESOURCE_NOT_FOUND: &str = "ResourceNotFoundException";

/// What AWS answered to a failed call, and what it was asked to do.
pub(crate) trait AwsContext<T> {
    /// Returns the service's error code, if the service refused the call.
    fn error_code(&self) -> Option<&str>;

    /// `what` completes "cannot …".
    fn aws_context(self, what: &str) -> Result<T>;
}

impl<T, E> AwsContext<T> for std::result::Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn error_code(&self) -> Option<&str> {
        self.as_ref().err()?.code()
    }

    fn aws_context(self, what: &str) -> Result<T> {
        self.map_err(|error| to_failure(what, &error))
    }
}

fn to_failure<E>(what: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let failure = Failure::new(format!("cannot {what}"));
    if let Some(unsupported) = explain_unsupported_call(&failure, error) {
        return unsupported;
    }
    if let SdkError::ServiceError(service) = error {
        return explain_refusal(failure, service.err(), service.raw().status().as_u16());
    }
    let is_unreachable = match error {
        SdkError::TimeoutError(_) => true,
        SdkError::DispatchFailure(lost) => lost.is_io() || lost.is_timeout(),
        _ => false,
    };
    let aws_cause = is_unreachable.then_some(AwsCause::Unreachable);
    if let Some(cause) = find_cause::<Failure>(error) {
        return cause.during(what).aws_cause(aws_cause);
    }
    let failure = failure.because(error);
    if is_certificate_refusal(error) {
        return failure.next(trust_advice());
    }
    failure
        .aws_cause(aws_cause)
        .next("check the network and the region (--region); to check the local cloud: restctl local status")
}

/// Adds to a failure why the service refused the call.
fn explain_refusal(failure: Failure, refusal: &impl ProvideErrorMetadata, status: u16) -> Failure {
    let Some(code) = refusal.code() else {
        // An answer to HEAD has no body, and so no error code ("HeadObject", Amazon S3 API Reference).
        let failure = failure.why(format!("HTTP {status}, and no reason given"));
        return if status == 403 { deny(failure, ASK_FOR_ACCESS) } else { failure };
    };
    let message = refusal.message().unwrap_or("the service gave no reason");
    let failure = failure.why(format!("{code}: {message}"));
    if let Some(next) = credentials_advice(code) {
        return failure.exit(Exit::Authentication).next(next);
    }
    if CLOCK_REFUSED.contains(&code) {
        return failure.next("set this machine's clock; how far it is off: restctl doctor");
    }
    if ACCESS_DENIED.contains(&code) {
        // An explicit deny may be lifted by other tags or by an administrator.
        let denied = message.contains("explicit deny").then(|| known_failures::find_advice("", message));
        return deny(failure, denied.flatten().as_deref().unwrap_or(ASK_FOR_PERMISSION));
    }
    let aws_cause = THROTTLED.contains(&code).then_some(AwsCause::Throttled);
    let failure = failure.aws_cause(aws_cause);
    match known_failures::find_advice("", message) {
        Some(advice) => failure.next(advice),
        None => failure,
    }
}

fn deny(failure: Failure, next: &str) -> Failure {
    failure.aws_cause(AwsCause::Denied).exit(Exit::Authentication).next(next)
}

/// Returns what to do about refused credentials. `None` if the code means something else.
fn credentials_advice(code: &str) -> Option<String> {
    if REGION_NOT_ENABLED.contains(&code) {
        return Some(format!(
            "{GET_CREDENTIALS};\nif the credentials work in other regions, enable this one: aws account enable-region"
        ));
    }
    CREDENTIALS_REFUSED.contains(&code).then(|| GET_CREDENTIALS.to_owned())
}

/// Finds an error of a type among the causes of another.
pub(super) fn find_cause<'a, C: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a C> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<C>() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;
    use crate::aws::test_server;

    async fn fail_with(status: StatusCode, code: &'static str) -> Failure {
        let answer = format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>");
        let aws = test_server::connect(move || async move { (status, answer) }).await;
        aws.sts.get_caller_identity().send().await.aws_context("ask who is calling").unwrap_err()
    }

    #[tokio::test]
    async fn expired_credentials_are_not_a_denied_call() {
        for (code, cause, exit) in [
            ("AccessDenied", Some(AwsCause::Denied), Exit::Authentication),
            ("ExpiredToken", None, Exit::Authentication),
            ("TooManyRequestsException", Some(AwsCause::Throttled), Exit::Failure),
            ("SlowDown", Some(AwsCause::Throttled), Exit::Failure),
            ("ValidationError", None, Exit::Failure),
        ] {
            let failure = fail_with(StatusCode::BAD_REQUEST, code).await;
            assert_eq!((failure.aws_cause, failure.exit), (cause, exit), "{code}");
        }
    }

    #[tokio::test]
    async fn a_wrong_clock_is_named() {
        for code in CLOCK_REFUSED {
            let failure = fail_with(StatusCode::FORBIDDEN, code).await.to_string();
            assert!(failure.contains("set this machine's clock"), "{failure}");
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_code_may_deny_access() {
        for (status, cause) in
            [(StatusCode::FORBIDDEN, Some(AwsCause::Denied)), (StatusCode::METHOD_NOT_ALLOWED, None)]
        {
            let aws = test_server::connect(move || async move { status }).await;
            let answer = aws.s3.head_object().bucket("data").key("items.csv").send().await;
            let failure = answer.aws_context("read s3://data/items.csv").unwrap_err();
            assert_eq!(failure.aws_cause, cause);
            let why = format!("HTTP {}, and no reason given", status.as_u16());
            assert!(failure.to_string().contains(&why), "{failure}");
        }
    }

    #[test]
    fn credentials_unknown_to_a_region_may_work_in_others() {
        let advice = |code| credentials_advice(code).unwrap_or_default();
        for code in REGION_NOT_ENABLED {
            assert!(
                advice(code).contains("aws sso login") && advice(code).contains("enable-region"),
                "{code}"
            );
        }
        assert!(advice("ExpiredToken").contains("aws sso login"));
        assert!(!advice("ExpiredToken").contains("enable-region"));
        assert_eq!(credentials_advice("ThrottlingException"), None);
    }
}
