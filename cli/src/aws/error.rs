//! Turns a failed call to AWS into a failure with a next step.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::answer::{NotFromService, describe_answer, host_of, is_from_service};
use super::known_failures::{self, AGAIN};
use super::unsupported_call::{explain_unsupported_call, operation_of};
use crate::failure::{AwsCause, Exit, Failure, Result, shell_argument};

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

/// The error codes for too many calls ("Retry behavior", AWS SDKs and Tools Reference Guide).
const THROTTLED: [&str; 10] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "SlowDown",
];

const FORBIDDEN: u16 = 403;
const TOO_MANY_REQUESTS: u16 = 429;

/// What S3 hides in its answer to HEAD, which has no body, and the permissions that show it ("HeadObject" and "HeadBucket", Amazon
/// S3 API Reference).
const HIDDEN_OBJECT: &str =
    "without s3:ListBucket, S3 does not say whether the object is missing or may not be read";
const ASK_TO_READ_OBJECTS: &str =
    "ask for the permissions s3:GetObject and s3:ListBucket, or use another --profile";
const HIDDEN_BUCKET: &str =
    "S3 does not say whether the bucket belongs to another account or a policy denies access";
const ASK_TO_LIST_BUCKET: &str = "ask for the permission s3:ListBucket, or use another --profile";

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
    if let Some((code, message)) = error.code().map(|code| (code, error.message()))
        && let Some(answer) = error.raw_response()
    {
        return explain_refusal(failure, code, message, answer);
    }
    if let Some(answer) = error.raw_response() {
        return explain_unreadable_answer(failure, answer, error, operation_of::<E>());
    }
    if let SdkError::TimeoutError(_) = error {
        let failure = failure.why("AWS has not answered in time").aws_cause(AwsCause::Unreachable);
        return failure.next(AGAIN);
    }
    match find_cause::<Failure>(error) {
        Some(cause) => cause.during(what),
        None => failure.because(error),
    }
}

/// Adds to a failure why the service refused the call.
fn explain_refusal(failure: Failure, code: &str, message: Option<&str>, answer: &HttpResponse) -> Failure {
    let message = message.unwrap_or("the service gave no reason");
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
    if THROTTLED.contains(&code) {
        return failure.aws_cause(AwsCause::Throttled).next(AGAIN);
    }
    if answer.status().is_server_error() {
        return failure.aws_cause(AwsCause::Failed).next(AGAIN);
    }
    match known_failures::find_advice("", message) {
        Some(advice) => failure.next(advice),
        None => failure,
    }
}

/// Adds to a failure what was answered if that is not what a service answers to this operation: it names an error code,
/// except to HEAD.
fn explain_unreadable_answer(
    failure: Failure,
    answer: &HttpResponse,
    error: &(dyn Error + 'static),
    operation: &str,
) -> Failure {
    let (status, host) = (answer.status(), host_of(answer));
    if status.is_server_error() || status.as_u16() == TOO_MANY_REQUESTS {
        return failure.why(describe_answer(answer)).aws_cause(AwsCause::Failed).next(AGAIN);
    }
    // The body was not read to its end.
    let is_cut = status.is_success() && answer.body().bytes().is_none();
    if is_cut && find_cause::<NotFromService>(error).is_none() {
        let cut = Failure::new(format!("the answer of {host} was cut off"))
            .because(error.source().unwrap_or(error));
        return failure.why(cut.to_single_line()).aws_cause(AwsCause::Unreachable).next(AGAIN);
    }
    if !is_from_service(answer) {
        let why = format!("{}, which is not an answer of AWS", describe_answer(answer));
        return failure.why(why).next(not_from_aws_advice(host));
    }
    if status.as_u16() == FORBIDDEN {
        let (why, next) = match operation {
            "HeadObject" => (HIDDEN_OBJECT, ASK_TO_READ_OBJECTS),
            "HeadBucket" => (HIDDEN_BUCKET, ASK_TO_LIST_BUCKET),
            _ => return deny(failure.why(describe_answer(answer)), ASK_FOR_ACCESS),
        };
        return deny(failure.why(format!("HTTP status 403; {why}")), next);
    }
    match status.is_success() {
        true => failure.because(error.source().unwrap_or(error)),
        false => failure.why(describe_answer(answer)),
    }
}

/// Says what to do if something in between has answered in place of AWS.
fn not_from_aws_advice(host: &str) -> String {
    let host = shell_argument(host, "HOST");
    format!(
        "ask the administrator of the proxy or firewall in between to allow {host};\n\
         or, if this network asks for that in a browser, sign in to it"
    )
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
            let why = format!("HTTP status {}", status.as_u16());
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
