//! Calls that an emulator of AWS does not support, told apart from those that AWS would refuse.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::answer::{AnsweredByEmulator, describe_answer};
use crate::failure::Failure;

/// The error codes for an operation that the service does not have: of the Query and JSON protocols ("Common Errors"), and
/// of S3 ("Error responses"). restctl calls no operation that AWS does not have.
const UNKNOWN_OPERATION: [&str; 3] = ["InvalidAction", "NotImplemented", "UnknownOperationException"];

/// LocalStack answers with this status and the code `InternalFailure`.
const NOT_IMPLEMENTED: u16 = 501;

/// Who answers so does not know the caller, and may know the call.
const REFUSED: [u16; 3] = [401, 403, 407];

const USE_ANOTHER_CLOUD: &str = "to call AWS itself, unset AWS_ENDPOINT_URL;\n\
     for an emulator with all calls of restctl: restctl local up, then add --local";

const CHECK_ENDPOINT: &str = "check AWS_ENDPOINT_URL, which leads there; to call AWS itself, unset it";

/// Adds to a failure which call the emulator does not support. `None` if AWS itself answered, or would have answered so.
pub(super) fn explain_unsupported_call<E>(
    failure: &Failure,
    error: &SdkError<E, HttpResponse>,
) -> Option<Failure>
where
    E: ProvideErrorMetadata,
{
    let answer = error.raw_response()?;
    let AnsweredByEmulator(url) = answer.extension()?;
    let status = answer.status().as_u16();
    // AWS names an error code. Only its answers to HEAD have no body.
    let has_body = answer.body().bytes().is_some_and(|body| !body.is_empty());
    let reason = match error.code() {
        Some(code) if status == NOT_IMPLEMENTED || UNKNOWN_OPERATION.contains(&code) => {
            format!("it answered {code}: {}", error.message().unwrap_or("no reason given"))
        }
        None if has_body && REFUSED.contains(&status) => {
            let why = format!("{}, which is not an answer of AWS", describe_answer(answer));
            return Some(failure.clone().why(why).next(CHECK_ENDPOINT));
        }
        None if has_body => format!("it answered with HTTP status {status}, but not as AWS does"),
        _ => return None,
    };
    let operation = operation_of::<E>();
    let why = format!("the emulator at {url} does not support {operation}: {reason}");
    Some(failure.clone().why(why).next(USE_ANOTHER_CLOUD))
}

/// Returns the operation that has this type of error, such as `GetObject` of `GetObjectError`.
pub(super) fn operation_of<E>() -> &'static str {
    let name = std::any::type_name::<E>();
    let name = name.rsplit("::").next().unwrap_or(name);
    name.strip_suffix("Error").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::aws::error::AwsContext;
    use crate::aws::test_server;

    /// Returns the failure of a call that the emulator answers in this way.
    async fn fail_with(status: StatusCode, answer: &'static str) -> String {
        let aws = test_server::connect(move || async move { (status, answer) }).await;
        let called = aws.ssm.get_parameters().send().await;
        called.aws_context("read the settings").unwrap_err().to_string()
    }

    #[tokio::test]
    async fn an_unsupported_call_is_named_with_the_emulator() {
        let local_stack = r#"{"__type":"InternalFailure","message":"not yet implemented"}"#;
        let ministack = r#"{"__type":"InvalidAction","message":"Unknown action"}"#;
        let moto = "<!doctype html><h1>Internal Server Error</h1>";
        for (status, answer) in [(501, local_stack), (400, ministack), (500, moto), (200, moto)] {
            let failure = fail_with(StatusCode::from_u16(status).unwrap(), answer).await;
            assert!(failure.contains("the emulator at http://127.0.0.1:"), "{failure}");
            assert!(failure.contains("does not support GetParameters"), "{failure}");
            assert!(failure.contains("unset AWS_ENDPOINT_URL"), "{failure}");
        }
    }

    #[tokio::test]
    async fn a_page_that_refuses_is_no_unsupported_call() {
        let page = "<!doctype html><h1>Access Denied by Gateway</h1>";
        let failure = fail_with(StatusCode::FORBIDDEN, page).await;
        assert!(failure.contains("HTTP status 403") && failure.contains("not an answer of AWS"), "{failure}");
        assert!(failure.contains("check AWS_ENDPOINT_URL") && !failure.contains("emulator"), "{failure}");
    }

    #[tokio::test]
    async fn a_refusal_of_aws_is_no_unsupported_call() {
        let refused = r#"{"__type":"InvalidParameters","message":"the name is wrong"}"#;
        let failure = fail_with(StatusCode::BAD_REQUEST, refused).await;
        assert!(failure.contains("InvalidParameters: the name is wrong"), "{failure}");
        assert!(!failure.contains("emulator"), "{failure}");
    }
}
