//! The API: items, ids and problems, from a server that has its certificate and repeats the token.

use serde_json::{Value, json};

use super::{Args, HOSTILE, check_all};
use crate::cloud::Cloud;
use crate::impostor::Impostor;
use crate::record_edit::RecordEdit;

pub(super) const COMMANDS: &[Args] = &[
    &["get", "--id", "1"],
    &["get", "--id", "1", "--format", "csv"],
    &["get", "--id", "1", "--format", "ndjson"],
    &["get", "--id", "1", "--format", "table"],
    &["get", "--id", "1", "--explain"],
    &["get", "--id", "1", "--id", "2"],
    &["get", "--id", "1", "--id", "2", "--format", "table"],
    &["get", "--id", "1", "--id", "2", "--format", "csv", "--fields", "id,n"],
    &["get", "--id", "bad"],
    &["get", "--id", "bad", "--explain"],
    &["export"],
    &["export", "--format", "csv"],
    &["verify", "items.csv"],
    &["auth-test"],
    &["doctor"],
];

fn answer(request: &str) -> Vec<u8> {
    let item = json!({ "id": "1", "n": HOSTILE, HOSTILE: [HOSTILE, { "k": HOSTILE }] });
    let token = request.split_once("Bearer ").map_or("", |(_, rest)| rest.lines().next().unwrap_or_default());
    let problem = json!({
        "type": format!("urn:restctl:problem:{HOSTILE}"),
        "title": HOSTILE,
        "status": 400,
        "detail": format!("{HOSTILE} {token} and {}", token.rsplit('.').next().unwrap()),
        "instance": HOSTILE,
    });
    let (status, kind, body): (_, _, Value) = match request {
        _ if request.starts_with("GET /v1/items/1 ") => ("200 OK", "json", item),
        _ if request.starts_with("GET /v1/items?") => ("200 OK", "json", json!({ "items": [item] })),
        _ if request.starts_with("POST") => {
            let invalid = json!([{ "id": "2", "detail": format!("{HOSTILE} {token}") }]);
            ("200 OK", "json", json!({ "items": [item], "missing": [], "invalid": invalid }))
        }
        _ => ("400 Bad Request", "problem+json", problem),
    };
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/{kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

#[test]
fn items_and_problems_of_the_api() {
    let cloud = Cloud::start_deployed(&["--list", "on"]);
    let token = cloud.succeed(&["token"]).stdout.trim().to_owned();
    let served = cloud.state_folder().join("restctl/local/front/restctl/certificate.pem");
    let impostor = Impostor::start_answering(&std::fs::read(served).unwrap(), answer);
    let _edit = RecordEdit::new(&cloud, "front", &format!("127.0.0.1:{}", impostor.port));
    let signature = token.rsplit('.').next().unwrap();
    check_all(&cloud, COMMANDS, &[&token, signature]);
}
