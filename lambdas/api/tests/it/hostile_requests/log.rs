//! What a stranger can write into the log: at most a few kilobytes per request, on one line.

use restctl_contract::log_text::MAX_LOGGED_BYTES;
use restctl_testkit::alb::AlbRequest;
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::{IdentityProvider, JwksAnswer};
use restctl_testkit::signing_key::SigningKey;
use serde_json::{Value, json};

use crate::stage::{Stage, TABLE, assert_metrics_are_accepted};

/// The longest line: four texts whose characters are all escaped, twice, and what is always there.
const MAX_LINE_BYTES: usize = 4 * MAX_LOGGED_BYTES * "\\\\u{1b}".len() + 1000;

/// Returns a text that ends its line, begins another one, and steers a terminal, again and again.
fn hostile_text(characters: usize) -> String {
    "\n{\"level\":\"INFO\"}\u{85}\u{2028}\u{1b}[2J".chars().cycle().take(characters).collect()
}

/// Returns the lines after those that the function wrote before, and asserts that none is long.
async fn new_lines(stage: &Stage, before: usize, count: usize) -> Vec<Value> {
    let lines = |output: &str| output.lines().skip(before).map(str::to_owned).collect::<Vec<_>>();
    let output = stage.wait_for_output(|output| lines(output).len() >= count && output.ends_with('\n')).await;
    let lines = lines(&output);
    assert_eq!(lines.len(), count, "{} bytes", output.len());
    for line in &lines {
        assert!(line.len() <= MAX_LINE_BYTES, "a line of {} bytes: {}", line.len(), &line[..200]);
        assert!(!line.contains(['\u{85}', '\u{2028}', '\u{1b}']), "{line}");
    }
    let lines: Vec<Value> =
        lines.iter().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    lines.iter().filter(|line| line["message"] == "request").for_each(assert_metrics_are_accepted);
    lines
}

#[tokio::test]
async fn a_request_cannot_fill_or_forge_the_log() {
    let stage = Stage::start().await;
    let token = stage.provider.token();
    let text = hostile_text(1_000_000);
    let with_subject = stage.provider.token_with_claim("sub", json!(hostile_text(2200)));
    let key = stage.provider.signing_key();
    let mut header = key.header();
    header["kid"] = json!(hostile_text(2200));
    let with_key_id = SigningKey::generate_ec("other").token_with_header(&header, &stage.provider.claims());
    let name = json!({ hostile_text(200_000): 1 });
    let requests = [
        AlbRequest::new(&text, "/v1/items/42").bearer(&token),
        AlbRequest::new("GET", &text).bearer(&token),
        AlbRequest::get("/v1/items/42")
            .header("user-agent", &text)
            .header("x-forwarded-for", &text)
            .bearer(&text),
        AlbRequest::get("/v1/items/42").bearer(&with_subject),
        AlbRequest::get("/v1/items/42").bearer(&with_key_id),
        AlbRequest::post_json("/v1/items/batch-get", &name).bearer(&token),
    ];
    for request in &requests {
        let event = request.multi_value_event();
        stage.runtime.invoke(&event).await.expect("an answer");
    }
    let lines = new_lines(&stage, 0, requests.len()).await;
    let start = r#"\n{"level":"INFO"}\u{85}\u{2028}\u{1b}[2J"#;
    for (line, member) in [(0, "method"), (3, "subject")] {
        let logged = lines[line][member].as_str().unwrap();
        assert!(logged.starts_with(start) && logged.ends_with('…'), "{logged}");
    }
    assert!(lines[5]["reason"].as_str().unwrap().ends_with('…'), "{}", lines[5]);
}

/// The provider and AWS's services are others as well.
#[tokio::test]
async fn an_answer_cannot_fill_or_forge_the_log() {
    let provider = IdentityProvider::start().await;
    provider.answer_with(JwksAnswer::Body(json!({ "keys": hostile_text(50_000) }).to_string()));
    let dynamo = Dynamo::start().await;
    dynamo.create_table(TABLE, "id");
    let stage = Stage::start_with_table(provider, dynamo, "S").await;
    stage.get("/v1/items/42").await;
    let lines = new_lines(&stage, 0, 2).await;
    assert!(lines[0]["cause"].as_str().unwrap().ends_with('…'), "{}", lines[0]);

    stage.provider.answer_with(JwksAnswer::Keys);
    let message = hostile_text(1_000_000);
    stage.dynamo.refuse_calls("GetItem", &message);
    let mut count = 2;
    while stage.get("/v1/items/42").await.status == 503 {
        count += 1;
    }
    let lines = new_lines(&stage, count, 1).await;
    let cause = lines[0]["cause"].as_str().unwrap();
    assert!(cause.starts_with(r"GetItem was refused: ") && cause.ends_with('…'), "{cause}");
}
