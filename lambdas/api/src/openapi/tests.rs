use std::collections::BTreeSet;
use std::{env, fs};

use restctl_contract::key::KeyType;

use super::*;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

fn key_of_type(kind: KeyType) -> Key {
    Key { name: "id".to_owned(), kind }
}

fn parsed_document(kind: KeyType, has_list: bool, is_open: bool) -> Value {
    parsed_document_with_scopes(&["read:items"], kind, has_list, is_open)
}

fn parsed_document_with_scopes(scopes: &[&str], kind: KeyType, has_list: bool, is_open: bool) -> Value {
    let key = key_of_type(kind);
    let deployment = Deployment { key: &key, scopes, has_list, is_open };
    serde_json::from_str(&build_document(&deployment)).unwrap()
}

#[test]
fn the_document_matches_its_snapshot() {
    let current =
        serde_json::to_string_pretty(&parsed_document(KeyType::String, true, false)).unwrap() + "\n";
    // As for the snapshots that insta keeps.
    if env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        fs::write(SNAPSHOT, &current).unwrap();
    }
    let snapshot = fs::read_to_string(SNAPSHOT).unwrap_or_default();
    assert!(
        current == snapshot,
        "openapi.json is outdated: INSTA_UPDATE=always cargo test --workspace openapi"
    );
}

#[test]
fn the_document_depends_on_the_deployment() {
    let with_list = parsed_document(KeyType::String, true, false);
    assert!(with_list["paths"][LIST_PATH].is_object());
    assert_eq!(with_list["security"], json!([{ "bearer": ["read:items"] }]));
    assert_eq!(with_list["paths"][OPENAPI_PATH]["get"].get("security"), None);
    assert_eq!(with_list["components"]["schemas"]["Item"]["properties"]["id"]["type"], "string");

    let open_without_list = parsed_document(KeyType::Number, false, true);
    assert_eq!(open_without_list["paths"].get(LIST_PATH), None);
    assert_eq!(open_without_list["paths"][OPENAPI_PATH]["head"]["security"], json!([]));
    assert_eq!(open_without_list["paths"][OPENAPI_PATH]["get"]["responses"].get("401"), None);
    assert_eq!(open_without_list["components"]["schemas"]["Item"]["properties"]["id"]["type"], "number");
}

#[test]
fn the_scope_of_any_issuer_suffices() {
    let document = parsed_document_with_scopes(&["read:items", "Items.Read"], KeyType::String, true, false);
    assert_eq!(document["security"], json!([{ "bearer": ["read:items"] }, { "bearer": ["Items.Read"] }]));
    let description = document["components"]["securitySchemes"]["bearer"]["description"].as_str().unwrap();
    assert!(description.ends_with("`read:items` or `Items.Read`."), "{description}");
}

#[test]
fn every_path_to_data_needs_a_token() {
    for (has_list, is_open) in [(false, false), (true, false), (true, true)] {
        let document = parsed_document(KeyType::String, has_list, is_open);
        for (path, item) in document["paths"].as_object().unwrap() {
            let is_open = path == HEALTH_PATH || (is_open && path == OPENAPI_PATH);
            for (method, operation) in item.as_object().unwrap().iter().filter(|(_, value)| value.is_object())
            {
                assert_eq!(operation.get("security").is_some(), is_open, "{method} {path}");
                assert_eq!(operation["responses"].get("401").is_none(), is_open, "{method} {path}");
            }
        }
    }
}

#[test]
fn references_and_links_have_targets() {
    for kind in [KeyType::String, KeyType::Number] {
        let document = parsed_document(kind, true, false);
        let (mut operations, mut targets) = (BTreeSet::new(), BTreeSet::new());
        visit_members(&document, &mut |name, value| match (name, value.as_str()) {
            ("$ref", Some(reference)) => {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            ("operationId", Some(id)) => {
                operations.insert(id.to_owned());
            }
            _ => {}
        });
        visit_members(&document, &mut |name, value| {
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
fn visit_members(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                visit(name, member);
                visit_members(member, visit);
            }
        }
        Value::Array(members) => members.iter().for_each(|member| visit_members(member, visit)),
        _ => {}
    }
}
