//! `restctl get --explain`: shows how the API was reached, and where the item came from.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use restctl_contract::api::Item;
use restctl_contract::json::Json;
use restctl_contract::load::{LedgerEntry, LoadId};
use restctl_contract::template::output as stack_output;
use serde::Serialize;

use super::format::SelectedFields;
use super::item::{item_path, parse_item};
use super::writer::report_unseen_fields;
use crate::api::endpoint::{self, Location};
use crate::api::retry::{Attempts, Retry, wait_while_busy};
use crate::api::timed_request::{self, TimedAnswer};
use crate::api::token;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::dynamodb;
use crate::context::Context;
use crate::failure::Result;
use crate::identity::settings;
use crate::terminal::output::{self, Format};

#[derive(Serialize)]
struct ExplainedItem<'a> {
    item: Option<&'a Item>,
    explanation: &'a RequestExplanation,
}

/// Times are in milliseconds.
#[derive(Serialize)]
struct RequestExplanation {
    status: u16,
    request_id: Option<String>,
    /// The address that answered.
    address: String,
    resolve_ms: f64,
    connect_ms: f64,
    tls_ms: f64,
    /// From the request to the first byte of its answer.
    first_byte_ms: f64,
    /// From the lookup of the name to the last byte.
    total_ms: f64,
    tls_version: Option<&'static str>,
    certificate_fingerprint: String,
    /// The load that wrote the item. `None` if another tool wrote it.
    load: Option<LoadId>,
    object: Option<String>,
    uploaded: Option<String>,
}

/// Where the item came from, if known.
#[derive(Default)]
struct ItemOrigin {
    load: Option<LoadId>,
    object: Option<String>,
    uploaded: Option<String>,
}

pub(super) async fn run(id: &str, mut fields: Option<SelectedFields>, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let mut token = token::obtain_token(context).await?;
    let (certificate, stack) = tokio::try_join!(
        settings::require_certificate(aws, &context.stack),
        cloudformation::find_deployed(aws, &context.stack),
    )?;
    let location = Location::from_stack(context, &stack, &certificate)?;
    let mut attempts = Attempts::default();
    let answer = loop {
        let answer =
            timed_request::send_timed_request(&location, &item_path(id), &token.access_token).await?;
        match attempts.next_retry(answer.status, &answer.headers) {
            None => break answer,
            Some(Retry::WithNewToken) => token = token::renew_token(context).await?,
            Some(Retry::After(pause)) => wait_while_busy(pause).await,
        }
    };
    let url = format!("{}{}", location.base_url(), item_path(id));
    let found = endpoint::check_sender(&url, answer.status, &answer.headers, &answer.body)
        .and_then(|()| parse_item(id, answer.status, &answer.body));
    let origin = match &found {
        Ok(item) => find_origin(context, &stack, &location.key, item).await?,
        Err(_) => ItemOrigin::default(),
    };
    let explanation = RequestExplanation::new(answer, origin);
    let shown = found.as_ref().ok().map(|item| match &mut fields {
        Some(fields) => fields.select_from(item.clone()),
        None => item.clone(),
    });
    match (output::chosen_format(), &shown) {
        (Format::Json, item) => {
            output::print_json(&ExplainedItem { item: item.as_ref(), explanation: &explanation })?;
        }
        (Format::Text, item) => {
            item.as_ref().map_or(Ok(()), output::print_json)?;
            output::print_message(output::align_values(&explanation.named_values(item.is_some())));
        }
    }
    found?;
    fields.iter().for_each(report_unseen_fields);
    Ok(())
}

/// Finds the load that wrote the item by a hidden attribute, which the API does not return, and reads its ledger entry.
async fn find_origin(context: &Context, stack: &Stack, key: &str, item: &Item) -> Result<ItemOrigin> {
    let aws = context.aws().await?;
    let id = match item.get(key) {
        Some(Json::String(text)) => AttributeValue::S(text.clone()),
        Some(Json::Number(digits)) => AttributeValue::N(digits.clone()),
        _ => return Ok(ItemOrigin::default()),
    };
    let stamp = dynamodb::read_stamp(aws, stack.output(stack_output::ITEMS_TABLE)?, key, id).await?;
    let Some((uploaded, load)) = stamp.as_deref().and_then(LedgerEntry::parse_stamp) else {
        return Ok(ItemOrigin::default());
    };
    let entry = dynamodb::read_ledger_entry(aws, stack.output(stack_output::LEDGER_TABLE)?, &load).await?;
    let object = entry.map(|entry| entry.object);
    Ok(ItemOrigin { load: Some(load), object, uploaded: Some(uploaded.to_owned()) })
}

impl RequestExplanation {
    fn new(answer: TimedAnswer, origin: ItemOrigin) -> Self {
        Self {
            status: answer.status.as_u16(),
            request_id: answer.request_id().map(str::to_owned),
            address: answer.address,
            resolve_ms: round_to_milliseconds(answer.resolve_time),
            connect_ms: round_to_milliseconds(answer.connect_time),
            tls_ms: round_to_milliseconds(answer.tls_time),
            first_byte_ms: round_to_milliseconds(answer.first_byte_time),
            total_ms: round_to_milliseconds(answer.total_time),
            tls_version: answer.tls_version,
            certificate_fingerprint: answer.fingerprint,
            load: origin.load,
            object: origin.object,
            uploaded: origin.uploaded,
        }
    }

    fn named_values(&self, has_item: bool) -> Vec<(&'static str, String)> {
        let with_unit = |milliseconds: f64| format!("{milliseconds:.1} ms");
        let or_none = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let mut lines = vec![
            ("status", self.status.to_string()),
            ("request id", or_none(self.request_id.as_deref())),
            ("address", self.address.clone()),
            ("resolve", with_unit(self.resolve_ms)),
            ("connect", with_unit(self.connect_ms)),
            ("TLS", with_unit(self.tls_ms)),
            ("first byte", with_unit(self.first_byte_ms)),
            ("total", with_unit(self.total_ms)),
            ("TLS version", or_none(self.tls_version)),
            ("certificate", format!("SHA-256 {}", self.certificate_fingerprint)),
        ];
        match &self.load {
            Some(load) => lines.extend([
                ("load", load.to_string()),
                ("object", or_none(self.object.as_deref())),
                ("uploaded", or_none(self.uploaded.as_deref())),
            ]),
            None if has_item => lines.push(("load", "none: another tool wrote the item".to_owned())),
            None => {}
        }
        lines
    }
}

fn round_to_milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
