//! `restctl get`: calls the API. One id asks for the item itself; several become bulk calls.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::{Method, StatusCode};
use restctl_contract::api::{
    BATCH_GET_PATH, BatchGetAnswer, BatchGetRequest, ITEMS_PATH, MAX_ANSWER_BYTES, MAX_IDS_PER_CALL,
};
use serde_json::Value;

use crate::context::Context;
use crate::discovery::bounded_body;
use crate::endpoint::{self, Endpoint};
use crate::failure::{During, Exit, Failure, Result};
use crate::{output, token};

/// What a load balancer passes of a Lambda's answer, with room for what a proxy in between may add.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024 + MAX_ANSWER_BYTES;

#[derive(Debug, Args)]
#[command(after_help = "\
One id prints the item. Several print {\"items\":[…],\"missing\":[…]}.

Exit code 5 where nothing was found, 3 where some of several ids were not.

Examples:
  restctl get --id 42
  restctl get --id 1 --id 2 --id 3
  tail -n +2 orders.csv | cut -d, -f1 | restctl get --ids-file -")]
#[group(required = true, multiple = true)]
pub(crate) struct Get {
    /// Id of an item; several may be given
    #[arg(long = "id", value_name = "ID", num_args = 1.., allow_negative_numbers = true)]
    ids: Vec<String>,

    /// File with an id on each line, or - for standard input
    #[arg(long, value_name = "FILE")]
    ids_file: Option<PathBuf>,
}

pub(crate) async fn run(args: Get, context: &Context) -> Result<()> {
    let mut ids = args.ids;
    if let Some(file) = &args.ids_file {
        ids.extend(read_ids(file)?);
    }
    if ids.iter().any(String::is_empty) {
        return Err(Failure::new("an id is empty").exit(Exit::Usage));
    }
    let mut api = Api::new(context).await?;
    match ids.as_slice() {
        [] => Err(Failure::new("there are no ids in the file").exit(Exit::Usage)),
        [id] if args.ids_file.is_none() => get_one(&mut api, id).await,
        _ => get_several(&mut api, ids).await,
    }
}

async fn get_one(api: &mut Api<'_>, id: &str) -> Result<()> {
    let (status, body) = api.call(Method::GET, &item_path(id), None).await?;
    match status {
        StatusCode::OK => {
            let item: Value = serde_json::from_slice(&body).during("the API answers no JSON")?;
            output::json(&item)
        }
        StatusCode::NOT_FOUND => Err(Failure::new(format!("there is no item {id:?}"))
            .exit(Exit::NotFound)
            .next("check the id, or load the file that has it: restctl upload FILE")),
        _ => Err(endpoint::refusal(status, &body)),
    }
}

async fn get_several(api: &mut Api<'_>, ids: Vec<String>) -> Result<()> {
    let mut found = BatchGetAnswer { items: Vec::new(), missing: Vec::new(), remaining: Vec::new() };
    let mut waiting: VecDeque<Value> = ids.into_iter().map(Value::String).collect();
    while !waiting.is_empty() {
        let asked: Vec<Value> = waiting.drain(..waiting.len().min(MAX_IDS_PER_CALL)).collect();
        let asked_for = asked.len();
        let request = BatchGetRequest { ids: asked };
        let (status, body) = api.call(Method::POST, BATCH_GET_PATH, Some(&request)).await?;
        if status != StatusCode::OK {
            return Err(endpoint::refusal(status, &body));
        }
        let answer: BatchGetAnswer = serde_json::from_slice(&body).during("the API answers no JSON")?;
        if answer.remaining.len() >= asked_for {
            return Err(Failure::new("the API answers none of the ids it was asked for")
                .why("it left all of them over")
                .next("try again in a moment"));
        }
        found.items.extend(answer.items);
        found.missing.extend(answer.missing);
        answer.remaining.into_iter().rev().for_each(|id| waiting.push_front(id));
    }
    output::json(&found)?;
    if found.missing.is_empty() {
        return Ok(());
    }
    let some = !found.items.is_empty();
    Err(Failure::new(format!(
        "{} of the ids bear no item; they are listed under \"missing\"",
        found.missing.len()
    ))
    .exit(if some { Exit::Partial } else { Exit::NotFound }))
}

/// The item's path, its id percent-encoded as one segment.
fn item_path(id: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded: String = id
        .bytes()
        .map(|byte| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    // A segment of dots alone would be taken for a step up the path.
    let encoded =
        if encoded.bytes().all(|byte| byte == b'.') { encoded.replace('.', "%2E") } else { encoded };
    format!("{ITEMS_PATH}{encoded}")
}

fn read_ids(file: &Path) -> Result<Vec<String>> {
    let input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(stdin().lock())
    } else {
        let opened = File::open(file).during(format!("{} cannot be read", file.display()))?;
        Box::new(BufReader::new(opened))
    };
    let lines: std::io::Result<Vec<String>> = input.lines().collect();
    let lines = lines.during(format!("{} cannot be read as text", file.display()))?;
    Ok(lines.into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}

/// The API with the token that opens it.
struct Api<'a> {
    context: &'a Context,
    endpoint: Endpoint,
    token: String,
    renewed: bool,
}

impl<'a> Api<'a> {
    async fn new(context: &'a Context) -> Result<Self> {
        let (endpoint, token) = tokio::join!(Endpoint::find(context), token::obtain(context));
        // Where both fail, the step that comes first is the one to name: setup.
        let token = token?;
        Ok(Self { context, endpoint: endpoint?, token, renewed: false })
    }

    /// Calls the API; once, where it refuses the cached token, again with a new one.
    async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&BatchGetRequest>,
    ) -> Result<(StatusCode, Vec<u8>)> {
        loop {
            let address = format!("{}{path}", self.endpoint.base_url);
            let mut request = self.endpoint.client.request(method.clone(), &address).bearer_auth(&self.token);
            if let Some(body) = body {
                request = request.json(body);
            }
            let answer = request.send().await.map_err(|error| endpoint::no_answer(&address, error))?;
            let status = answer.status();
            if status == StatusCode::UNAUTHORIZED && !self.renewed {
                self.renewed = true;
                token::forget(self.context)?;
                self.token = token::obtain(self.context).await?;
                continue;
            }
            return Ok((status, bounded_body(answer, MAX_BODY_BYTES).await?));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_of_the_path() {
        assert_eq!(item_path("42"), "/v1/items/42");
        assert_eq!(item_path("a/b c"), "/v1/items/a%2Fb%20c");
        assert_eq!(item_path("é?#"), "/v1/items/%C3%A9%3F%23");
        assert_eq!(item_path(".."), "/v1/items/%2E%2E");
    }
}
