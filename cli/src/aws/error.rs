//! Turns a failed call to AWS into a failure with a next step.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::known_failures;
use super::unsupported_call::explain_unsupported_call;
use crate::failure::{Exit, Failure, Result};
use crate::network::certificate_refusal::{TRUST_THE_PROXY, is_certificate_refusal};

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

/// The error codes with which they refuse what the credentials are not allowed.
pub(super) const ACCESS_DENIED: [&str; 4] =
    ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"];

/// The error codes with which they refuse a call because there were too many.
const THROTTLED: [&str; 3] = ["Throttling", "ThrottlingException", "RequestLimitExceeded"];

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
        let code = service.err().code().unwrap_or("unknown error");
        let message = service.err().message().unwrap_or("the service gave no reason");
        let mut failure = failure.why(format!("{code}: {message}"));
        failure.is_throttled = THROTTLED.contains(&code);
        return if let Some(next) = credentials_advice(code) {
            failure.exit(Exit::Authentication).next(next)
        } else if ACCESS_DENIED.contains(&code) {
            // An explicit deny may be lifted by other tags or by an administrator.
            let denied = message.contains("explicit deny").then(|| known_failures::find_advice("", message));
            let next = denied
                .flatten()
                .unwrap_or_else(|| "ask for the permission named above, or use --profile".to_owned());
            failure.exit(Exit::Authentication).next(next)
        } else {
            match known_failures::find_advice("", message) {
                Some(advice) => failure.next(advice),
                None => failure,
            }
        };
    }
    if let Some(cause) = find_cause::<Failure>(error) {
        return cause.during(what);
    }
    let failure = failure.because(error);
    if is_certificate_refusal(error) {
        return failure.next(TRUST_THE_PROXY);
    }
    failure
        .next("check the network and the region (--region); to check the local cloud: restctl local status")
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
    use super::*;

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
