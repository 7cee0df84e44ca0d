//! A failed call to AWS, in words.

use std::error::Error;

use aws_config::profile::ProfileFileLoadError;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::known_failures;
use crate::failure::{Exit, Failure, Result};

/// Error codes by which the services of AWS say that the credentials, not the request, are at fault.
const CREDENTIALS_REFUSED: [&str; 7] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Of these, what a region says that the account has not enabled: it knows none of the account's credentials ("Enable or
/// disable AWS Regions in your account", AWS Account Management).
const OF_ANOTHER_REGION: [&str; 2] = ["InvalidClientTokenId", "UnrecognizedClientException"];

const ACCESS_DENIED: [&str; 4] =
    ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"];

const GET_CREDENTIALS: &str = "sign in with `aws sso login` or `aws configure`, name a profile with --profile,\n\
     or try without an account: restctl local up, then add --local";

/// Says what was asked of AWS when the call failed.
pub(crate) trait AwsContext<T> {
    /// `what` completes "cannot …".
    fn aws_context(self, what: &str) -> Result<T>;
}

impl<T, E> AwsContext<T> for std::result::Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn aws_context(self, what: &str) -> Result<T> {
        self.map_err(|error| explain(what, &error))
    }
}

fn explain<E>(what: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let failure = Failure::new(format!("cannot {what}"));
    if let SdkError::ServiceError(service) = error {
        let code = service.err().code().unwrap_or("unknown error");
        let message = service.err().message().unwrap_or("the service gave no reason");
        let failure = failure.why(format!("{code}: {message}"));
        return if let Some(next) = about_credentials(code) {
            failure.exit(Exit::Authentication).next(next)
        } else if ACCESS_DENIED.contains(&code) {
            failure.exit(Exit::Authentication).next("ask for the permission named above, or use --profile")
        } else {
            match known_failures::advice("", message) {
                Some(advice) => failure.next(advice),
                None => failure,
            }
        };
    }
    if let Some(cause) = find_cause::<CredentialsError>(error) {
        let failure = Failure::new(format!("cannot {what}: no AWS credentials")).exit(Exit::Authentication);
        return failure.because(cause).next(GET_CREDENTIALS);
    }
    if find_cause::<ProfileFileLoadError>(error).is_some() {
        return failure.because(error).next("mend the file, or name another profile with --profile");
    }
    failure.because(error).next(
        "check the network and the region (--region); a local cloud is checked by: restctl local status",
    )
}

/// What to do where the credentials are at fault.
fn about_credentials(code: &str) -> Option<String> {
    if OF_ANOTHER_REGION.contains(&code) {
        return Some(format!(
            "{GET_CREDENTIALS};\nwhere they are good in other regions, this one is not enabled: aws account enable-region"
        ));
    }
    CREDENTIALS_REFUSED.contains(&code).then(|| GET_CREDENTIALS.to_owned())
}

fn find_cause<'a, C: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a C> {
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
    fn credentials_that_a_region_does_not_know_may_be_good_elsewhere() {
        let told = |code| about_credentials(code).unwrap_or_default();
        for code in OF_ANOTHER_REGION {
            assert!(told(code).contains("aws sso login") && told(code).contains("enable-region"), "{code}");
        }
        assert!(told("ExpiredToken").contains("aws sso login"));
        assert!(!told("ExpiredToken").contains("enable-region"));
        assert_eq!(about_credentials("ThrottlingException"), None);
    }
}
