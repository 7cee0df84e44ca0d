//! `restctl get`: calls the API. One id asks for the item itself; several become bulk calls.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::StatusCode;
use restctl_contract::api::{
    BATCH_GET_PATH, BatchGetAnswer, BatchGetRequest, ITEMS_PATH, MAX_IDS_PER_CALL, MAX_REQUEST_BYTES,
};
use serde_json::Value;

use crate::api::{Api, encoded};
use crate::context::Context;
use crate::failure::{During, Exit, Failure, Result};
use crate::{endpoint, output};

/// Of a bulk call's body, what its ids may take; the rest is for what is around them.
const MAX_IDS_BYTES: usize = MAX_REQUEST_BYTES - 100;

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
    let api = Api::new(context).await?;
    match ids.as_slice() {
        [] => Err(Failure::new("there are no ids in the file").exit(Exit::Usage)),
        [id] if args.ids_file.is_none() => get_one(&api, id).await,
        _ => get_several(&api, ids).await,
    }
}

async fn get_one(api: &Api<'_>, id: &str) -> Result<()> {
    let (status, body) = api.get(&item_path(id)).await?;
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

async fn get_several(api: &Api<'_>, ids: Vec<String>) -> Result<()> {
    let mut found = BatchGetAnswer { items: Vec::new(), missing: Vec::new(), remaining: Vec::new() };
    let mut waiting: VecDeque<Value> = ids.into_iter().map(Value::String).collect();
    while !waiting.is_empty() {
        let request = BatchGetRequest { ids: next_call(&mut waiting) };
        let (status, body) = api.post(BATCH_GET_PATH, &request).await?;
        if status != StatusCode::OK {
            return Err(endpoint::refusal(status, &body));
        }
        let answer: BatchGetAnswer = serde_json::from_slice(&body).during("the API answers no JSON")?;
        if answer.remaining.len() >= request.ids.len() {
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

/// Takes as many ids off the front as one call may have, by their number and by their bytes; one at least.
fn next_call(waiting: &mut VecDeque<Value>) -> Vec<Value> {
    let mut bytes = 0;
    let fitting = waiting.iter().take(MAX_IDS_PER_CALL).take_while(|id| {
        bytes += id.to_string().len() + 1;
        bytes <= MAX_IDS_BYTES
    });
    let count = fitting.count().max(1).min(waiting.len());
    waiting.drain(..count).collect()
}

/// The item's path, its id percent-encoded as one segment.
fn item_path(id: &str) -> String {
    // A segment of dots alone would be taken for a step up the path.
    let segment = if id.bytes().all(|byte| byte == b'.') { id.replace('.', "%2E") } else { encoded(id) };
    format!("{ITEMS_PATH}{segment}")
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

    #[test]
    fn a_call_has_as_many_ids_as_the_api_takes() {
        let calls = |id: &str, count: usize| {
            let mut waiting: VecDeque<Value> = vec![Value::from(id); count].into();
            let mut calls = Vec::new();
            while !waiting.is_empty() {
                let ids = next_call(&mut waiting);
                calls.push(ids.len());
                let body = serde_json::to_vec(&BatchGetRequest { ids }).unwrap();
                assert!(body.len() <= MAX_REQUEST_BYTES || calls.last() == Some(&1), "{}", body.len());
            }
            calls
        };
        assert_eq!(calls("42", 2_500), [1_000, 1_000, 500]);
        // Each byte of a control character is six of JSON.
        assert_eq!(calls(&"\u{1}".repeat(2_048), 100), [56, 44]);
        assert_eq!(calls(&"x".repeat(MAX_REQUEST_BYTES), 2), [1, 1]);
    }
}
