//! The table of items, read by id.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use restctl_contract::api::MAX_ANSWER_BYTES;
use restctl_contract::key::Key;
use tokio::time::{Instant, sleep, timeout_at};

use crate::failure::{Failure, chain};
use crate::id::Id;
use crate::json;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

type Attributes = HashMap<String, AttributeValue>;

pub(crate) struct Table {
    client: Client,
    name: String,
    key: Key,
}

/// What came of reading many items. An id in neither has no item.
#[derive(Default)]
pub(crate) struct Found {
    /// The items as JSON.
    pub(crate) items: HashMap<Id, String>,
    /// Ids that were not read.
    pub(crate) unread: HashSet<Id>,
}

impl Table {
    /// With the credentials and the region that Lambda puts into the environment, and no look for others.
    pub(crate) async fn connect(name: String, key: Key) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .build();
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build_https();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .region(EnvironmentVariableRegionProvider::new())
            .credentials_provider(EnvironmentVariableCredentialsProvider::new())
            .timeout_config(timeouts)
            .load()
            .await;
        Self { client: Client::new(&config), name, key }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// The item as JSON.
    pub(crate) async fn get(&self, id: &Id, deadline: Instant) -> Result<Option<String>, Failure> {
        let call = self.client.get_item().table_name(&self.name).key(&self.key.name, id.to_attribute());
        let output = timeout_at(deadline, call.send()).await.map_err(|_| out_of_time())?.map_err(failure)?;
        output.item.map(text).transpose()
    }

    /// Reads until every id is read, more is found than an answer can hold, or the deadline is near.
    ///
    /// # Errors
    /// If not one id could be read.
    pub(crate) async fn get_many(&self, ids: &[Id], deadline: Instant) -> Result<Found, Failure> {
        let mut found = Found::default();
        let mut bytes = 0;
        let mut pending: Vec<Attributes> = ids.iter().map(|id| self.key_of(id)).collect();
        let mut pause = FIRST_PAUSE;
        while !pending.is_empty() {
            let before = pending.len();
            let (items, unprocessed) = match timeout_at(deadline, self.batch_get(&pending)).await {
                Ok(Ok(output)) => output,
                // What has been read is worth an answer, which names the rest.
                Err(_) | Ok(Err(Failure::TableBusy { .. })) if pending.len() < ids.len() => break,
                Ok(Err(failure)) => return Err(failure),
                Err(_) => return Err(out_of_time()),
            };
            for item in items {
                if let Some(id) = item.get(&self.key.name).and_then(Id::from_attribute) {
                    let text = text(item)?;
                    bytes += text.len();
                    found.items.insert(id, text);
                }
            }
            pending = unprocessed;
            let pause_ends = Instant::now() + jitter(pause);
            if pending.is_empty() || bytes >= MAX_ANSWER_BYTES || pause_ends >= deadline {
                break;
            }
            sleep(pause_ends - Instant::now()).await;
            pause = if pending.len() < before { FIRST_PAUSE } else { LONGEST_PAUSE.min(pause * 2) };
        }
        if !ids.is_empty() && pending.len() == ids.len() {
            return Err(out_of_time());
        }
        found.unread =
            pending.iter().filter_map(|key| key.get(&self.key.name).and_then(Id::from_attribute)).collect();
        Ok(found)
    }

    /// The items found, and the keys left unprocessed.
    async fn batch_get(&self, keys: &[Attributes]) -> Result<(Vec<Attributes>, Vec<Attributes>), Failure> {
        let keys = KeysAndAttributes::builder().set_keys(Some(keys.to_vec())).build();
        let keys = keys.map_err(|error| Failure::Internal(chain(&error)))?;
        let call = self.client.batch_get_item().request_items(&self.name, keys);
        let mut output = call.send().await.map_err(failure)?;
        let items = output.responses.as_mut().and_then(|tables| tables.remove(&self.name));
        let left = output.unprocessed_keys.as_mut().and_then(|tables| tables.remove(&self.name));
        Ok((items.unwrap_or_default(), left.map(|left| left.keys).unwrap_or_default()))
    }

    fn key_of(&self, id: &Id) -> Attributes {
        HashMap::from([(self.key.name.clone(), id.to_attribute())])
    }
}

fn text(item: Attributes) -> Result<String, Failure> {
    serde_json::to_string(&json::item(item)).map_err(|error| Failure::Internal(error.to_string()))
}

fn out_of_time() -> Failure {
    Failure::TableBusy { cause: "the function's time ran short".to_owned() }
}

/// Busy where trying again may help: throttled, unreachable, or at fault itself.
fn failure<E, R>(error: SdkError<E, R>) -> Failure
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    let code = error.code().unwrap_or_default();
    let throttled = ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"];
    let passing = throttled.contains(&code)
        || ["InternalServerError", "ServiceUnavailable"].contains(&code)
        || matches!(&error, SdkError::TimeoutError(_) | SdkError::DispatchFailure(_));
    let cause = chain(&error);
    if passing { Failure::TableBusy { cause } } else { Failure::Internal(cause) }
}

/// Between half of `pause` and all of it, so that functions that were throttled together do not come back
/// together. A hasher's random keys are random enough for that.
fn jitter(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    pause / 2 + (pause / 2).mul_f64(random as f64 / u64::MAX as f64)
}
