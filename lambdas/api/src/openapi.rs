//! The API's OpenAPI document. Bodies, paths and limits come from the `contract` crate, as those of the API do.

mod headers;
mod operation;
mod problems;
mod schemas;
#[cfg(test)]
mod tests;

use restctl_contract::api::{
    BATCH_GET_PATH, DEFAULT_LIST_LIMIT, HEALTH_PATH, ITEMS_PATH, LIST_PATH, MAX_IDS_PER_CALL, MAX_LIST_LIMIT,
    MAX_REQUEST_BYTES, OPENAPI_PATH,
};
use restctl_contract::key::Key;
use serde_json::{Map, Value, json};

use self::operation::{Operation, path_item};
use self::schemas::schema_reference;
use crate::problem::kind::ProblemKind;

const DESCRIPTION: &str = "\
Items by their ids. Every error is a problem document (RFC 9457), whose `type` identifies the problem. Any other path is \
404 `urn:restctl:problem:path-unknown`, after the token has been verified. If the function does not answer, the load \
balancer answers 413, 502, 503 or 504 with a body of its own.";

/// The properties of a deployment that change the document.
pub(crate) struct Deployment<'a> {
    pub(crate) key: &'a Key,
    /// The scopes of the issuers, each once. A token must have that of its issuer.
    pub(crate) scopes: &'a [&'a str],
    /// Whether the stack is deployed with the list.
    pub(crate) has_list: bool,
    /// Whether the document itself is served without a token.
    pub(crate) is_open: bool,
}

/// Returns an OpenAPI 3.1 document as JSON.
pub(crate) fn build_document(deployment: &Deployment<'_>) -> String {
    // One of the requirements suffices ("Security Requirement Object", OpenAPI 3.1).
    let security: Vec<Value> = deployment.scopes.iter().map(|scope| json!({ "bearer": [scope] })).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Items",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
        },
        // Relative to the document's own address.
        "servers": [{ "url": "/" }],
        "security": security,
        "paths": build_paths(deployment),
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": describe_token(deployment.scopes),
                },
            },
            "schemas": schemas::schema_components(deployment.key),
            "headers": headers::header_components(),
        },
    })
    .to_string()
}

fn describe_token(scopes: &[&str]) -> String {
    match scopes {
        [scope] => format!("An access token of the identity provider with the scope `{scope}`."),
        scopes => format!(
            "An access token of one of the identity providers with the scope that it requires: `{}`.",
            scopes.join("` or `")
        ),
    }
}

fn build_paths(deployment: &Deployment<'_>) -> Map<String, Value> {
    let mut paths = Map::new();
    if deployment.has_list {
        paths
            .insert(LIST_PATH.to_owned(), path_item([], list_operation(deployment.key).build_get_and_head()));
    }
    let id = json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": "Percent-encoded, as UTF-8.",
        "schema": schema_reference("PathId"),
    });
    paths.insert(
        format!("{ITEMS_PATH}{{id}}"),
        path_item([id], item_operation("Item", "An item").build_get_and_head()),
    );
    let batch_get_item =
        item_operation("ItemCalledBatchGet", "The item whose id is `batch-get`").build_get_and_head();
    paths.insert(
        BATCH_GET_PATH.to_owned(),
        path_item([], batch_get_item.chain([("post", batch_get_operation().build())])),
    );
    paths.insert(
        OPENAPI_PATH.to_owned(),
        path_item([], openapi_operation(deployment.is_open).build_get_and_head()),
    );
    paths.insert(HEALTH_PATH.to_owned(), path_item([], health_operation().build_get_and_head()));
    paths
}

fn item_operation(name: &'static str, summary: &'static str) -> Operation {
    Operation {
        name,
        summary,
        answer: schema_reference("Item"),
        is_cached: true,
        problems: &[
            ProblemKind::ID_INVALID,
            ProblemKind::ITEM_NOT_FOUND,
            ProblemKind::ITEM_TOO_LARGE,
            ProblemKind::TABLE_BUSY,
        ],
        ..Operation::default()
    }
}

fn batch_get_operation() -> Operation {
    Operation {
        name: "batchGetItems",
        summary: "Several items by their ids",
        description: format!(
            "At most {MAX_IDS_PER_CALL} ids, repeated ones included, and {MAX_REQUEST_BYTES} bytes. Ids in `remaining` were not read, \
             because the answer was full or time was short: request them again. Ids in `invalid` cannot be \
             the key of an item, and `detail` says why; they do not affect the other ids."
        ),
        body: Some(schema_reference("BatchGetRequest")),
        answer: schema_reference("BatchGetAnswer"),
        problems: &[
            ProblemKind::BODY_MALFORMED,
            ProblemKind::BODY_TOO_LARGE,
            ProblemKind::MEDIA_TYPE_UNSUPPORTED,
            ProblemKind::BODY_INVALID,
            ProblemKind::IDS_TOO_MANY,
            ProblemKind::ITEM_TOO_LARGE,
            ProblemKind::TABLE_BUSY,
        ],
        ..Operation::default()
    }
}

fn list_operation(key: &Key) -> Operation {
    // A JSON pointer (RFC 6901) to the first item's id.
    let id = format!("$response.body#/items/0/{}", key.name.replace('~', "~0").replace('/', "~1"));
    Operation {
        name: "Items",
        summary: "Items, page by page",
        description: "The order of items has no meaning. A page may have fewer items than `limit`, or none. \
                      The last page has no `cursor`. Reading every page reads the whole table."
            .to_owned(),
        parameters: vec![
            json!({
                "name": "limit",
                "in": "query",
                "description": "The largest number of items in an answer.",
                "schema": {
                    "type": "integer", "minimum": 1, "maximum": MAX_LIST_LIMIT, "default": DEFAULT_LIST_LIMIT,
                },
            }),
            json!({
                "name": "cursor",
                "in": "query",
                "description": "The `cursor` of an earlier answer, to read the items after it.",
                "schema": { "type": "string", "minLength": 1 },
            }),
        ],
        answer: schema_reference("ListAnswer"),
        links: Some(json!({
            "next": {
                "operationId": "getItems",
                "description": "The items after these.",
                "parameters": { "cursor": "$response.body#/cursor" },
            },
            "item": {
                "operationId": "getItem",
                "description": "The first of these items.",
                "parameters": { "id": id },
            },
        })),
        is_cached: true,
        problems: &[
            ProblemKind::QUERY_INVALID,
            ProblemKind::CURSOR_INVALID,
            ProblemKind::ITEM_TOO_LARGE,
            ProblemKind::TABLE_BUSY,
            ProblemKind::CURSORS_UNAVAILABLE,
        ],
        ..Operation::default()
    }
}

fn openapi_operation(is_open: bool) -> Operation {
    Operation {
        name: "OpenApi",
        summary: "This document",
        answer: json!({ "type": "object", "required": ["openapi", "info", "paths"] }),
        is_cached: true,
        is_open,
        ..Operation::default()
    }
}

fn health_operation() -> Operation {
    Operation {
        name: "Health",
        summary: "Whether the function runs",
        answer: json!({
            "type": "object",
            "required": ["status"],
            "properties": { "status": { "type": "string", "const": "ok" } },
        }),
        is_open: true,
        ..Operation::default()
    }
}
