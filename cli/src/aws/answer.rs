//! Where an answer comes from, and whether AWS gave it: a proxy, a firewall or a network's sign-in page may answer in its
//! place.

use std::error::Error;
use std::fmt;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::operation::RequestId;

use crate::network::page_text::{first_line, is_page};

/// Marks each answer of an emulator, for the error that may become of it. Refuses an answer that only looks like an empty one of
/// AWS.
#[derive(Debug)]
pub(super) struct CheckAnswers {
    /// That of the emulator, if there is one.
    pub(super) endpoint_url: Option<String>,
}

/// The host that an answered request was sent to.
#[derive(Debug, Clone)]
pub(super) struct AnsweredBy(pub(super) String);

/// The URL of the emulator that answered. AWS has no such URL.
#[derive(Debug, Clone)]
pub(super) struct AnsweredByEmulator(pub(super) String);

/// The error of an answer that only looks like one of the service.
#[derive(Debug)]
pub(super) struct NotFromService;

impl fmt::Display for NotFromService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the service has not given this answer")
    }
}

impl Error for NotFromService {}

impl Intercept for CheckAnswers {
    fn name(&self) -> &'static str {
        "CheckAnswers"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(url) = &self.endpoint_url {
            context.response_mut().add_extension(AnsweredByEmulator(url.clone()));
        }
        Ok(())
    }

    /// The SDK reads an answer without a body as one without members, and that to HEAD by its status alone.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The answer could not be read.
        if context.output_or_error().is_err_and(|error| !error.is_operation_error()) {
            return Ok(());
        }
        let answer = context.response();
        let status = answer.status();
        let is_taken_at_its_word = status.is_success() || status.as_u16() == 404;
        let says_nothing = answer.body().content_length() == Some(0) || is_page(content_type(answer));
        if is_taken_at_its_word && says_nothing && !is_from_service(answer) {
            return Err(NotFromService.into());
        }
        Ok(())
    }
}

/// Whether the service gave the answer: it names the request, or an emulator, which need not do that, has answered
/// ("RequestId", AWS SDK for Rust: there is none "if the service could not be reached").
pub(super) fn is_from_service(answer: &HttpResponse) -> bool {
    answer.request_id().is_some() || answer.extension::<AnsweredByEmulator>().is_some()
}

/// Returns the host that the request was sent to.
pub(super) fn host_of(answer: &HttpResponse) -> &str {
    answer.extension::<AnsweredBy>().map_or("AWS", |AnsweredBy(host)| host)
}

/// Says in one line what an answer is that is not in the words of a service: its sender, its status and the first words of
/// its body.
pub(super) fn describe_answer(answer: &HttpResponse) -> String {
    let (host, status) = (host_of(answer), answer.status().as_u16());
    let body = answer.body().bytes().unwrap_or_default();
    match first_line(content_type(answer), body) {
        Some(words) => format!("{host} answered with HTTP status {status} and the text \"{words}\""),
        None if body.is_empty() => format!("{host} answered with HTTP status {status} and nothing else"),
        None => format!("{host} answered with HTTP status {status}, and not as AWS does"),
    }
}

fn content_type(answer: &HttpResponse) -> &str {
    answer.headers().get("content-type").unwrap_or_default()
}
