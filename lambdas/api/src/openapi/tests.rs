use std::collections::BTreeSet;
use std::{env, fs};

use restctl_contract::key::KeyType;

use super::*;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

fn key(kind: KeyType) -> Key {
    Key { name: "id".to_owned(), kind }
}

fn parsed(kind: KeyType, list: bool, open: bool) -> Value {
    let key = key(kind);
    let deployment = Deployment { key: &key, scope: "read:items", list, open };
    serde_json::from_str(&document(&deployment)).unwrap()
}

#[test]
fn the_snapshot_is_this_document() {
    let now = serde_json::to_string_pretty(&parsed(KeyType::String, true, false)).unwrap() + "\n";
    if env::var_os("RESTCTL_SNAPSHOT").is_some_and(|value| value == "write") {
        fs::write(SNAPSHOT, &now).unwrap();
    }
    let then = fs::read_to_string(SNAPSHOT).unwrap_or_default();
    assert!(now == then, "write it anew: RESTCTL_SNAPSHOT=write cargo test -p restctl-api snapshot");
}

#[test]
fn the_deployment_decides() {
    let all = parsed(KeyType::String, true, false);
    assert!(all["paths"][LIST_PATH].is_object());
    assert_eq!(all["security"], json!([{ "bearer": ["read:items"] }]));
    assert_eq!(all["paths"][OPENAPI_PATH]["get"].get("security"), None);
    assert_eq!(all["components"]["schemas"]["Item"]["properties"]["id"]["type"], "string");

    let other = parsed(KeyType::Number, false, true);
    assert_eq!(other["paths"].get(LIST_PATH), None);
    assert_eq!(other["paths"][OPENAPI_PATH]["head"]["security"], json!([]));
    assert_eq!(other["paths"][OPENAPI_PATH]["get"]["responses"].get("401"), None);
    assert_eq!(other["components"]["schemas"]["Item"]["properties"]["id"]["type"], "number");
}

#[test]
fn no_data_is_open() {
    for (list, open) in [(false, false), (true, false), (true, true)] {
        let document = parsed(KeyType::String, list, open);
        for (path, item) in document["paths"].as_object().unwrap() {
            let open = path == HEALTH_PATH || (open && path == OPENAPI_PATH);
            for (method, operation) in item.as_object().unwrap().iter().filter(|(_, value)| value.is_object())
            {
                assert_eq!(operation.get("security").is_some(), open, "{method} {path}");
                assert_eq!(operation["responses"].get("401").is_none(), open, "{method} {path}");
            }
        }
    }
}

#[test]
fn references_and_links_lead_somewhere() {
    for kind in [KeyType::String, KeyType::Number] {
        let document = parsed(kind, true, false);
        let (mut operations, mut targets) = (BTreeSet::new(), BTreeSet::new());
        each(&document, &mut |name, value| match (name, value.as_str()) {
            ("$ref", Some(reference)) => {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            ("operationId", Some(id)) => {
                operations.insert(id.to_owned());
            }
            _ => {}
        });
        each(&document, &mut |name, value| {
            let links = value.as_object().filter(|_| name == "links");
            let links = links.into_iter().flat_map(Map::values);
            targets.extend(links.map(|link| link["operationId"].as_str().unwrap().to_owned()));
        });
        assert_eq!(operations.len(), 11, "{operations:?}");
        assert_eq!(targets.len(), 2);
        assert!(targets.is_subset(&operations), "{targets:?}");
    }
}

/// Calls `visit` with each member of each object.
fn each(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                visit(name, member);
                each(member, visit);
            }
        }
        Value::Array(members) => members.iter().for_each(|member| each(member, visit)),
        _ => {}
    }
}
