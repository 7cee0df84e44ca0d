//! The OpenAPI document of this very API: its bodies are `contract`'s types, its paths and limits `contract`'s
//! constants.

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
use self::schemas::reference;
use crate::problem::Kind;

const DESCRIPTION: &str = "\
Items by their ids. Every error is a problem document (RFC 9457), whose `type` tells programs which one it is. \
Any other path is 404 `urn:restctl:problem:path-unknown`, after the token has been verified. Where the function \
itself gives no answer, the load balancer in front of it answers 413, 502, 503 or 504 with a body of its own.";

/// What a deployment decides of its document.
pub(crate) struct Deployment<'a> {
    pub(crate) key: &'a Key,
    /// The scope that a token must carry.
    pub(crate) scope: &'a str,
    /// The list is answered.
    pub(crate) list: bool,
    /// The document itself needs no token.
    pub(crate) open: bool,
}

/// An OpenAPI 3.1 document, as JSON.
pub(crate) fn document(deployment: &Deployment<'_>) -> String {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Items",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
        },
        // Relative to where this document was fetched.
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [deployment.scope] }],
        "paths": paths(deployment),
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": format!(
                        "An access token of the identity provider that carries the scope `{}`.",
                        deployment.scope
                    ),
                },
            },
            "schemas": schemas::all(deployment.key),
            "headers": headers::all(),
        },
    })
    .to_string()
}

fn paths(deployment: &Deployment<'_>) -> Map<String, Value> {
    let mut paths = Map::new();
    if deployment.list {
        paths.insert(LIST_PATH.to_owned(), path_item([], list(deployment.key).read()));
    }
    let id = json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": "Percent-encoded, as UTF-8.",
        "schema": reference("PathId"),
    });
    paths.insert(format!("{ITEMS_PATH}{{id}}"), path_item([id], item("Item", "An item").read()));
    let called_so = item("ItemCalledBatchGet", "The item whose id is `batch-get`").read();
    paths.insert(BATCH_GET_PATH.to_owned(), path_item([], called_so.chain([("post", batch_get().build())])));
    paths.insert(OPENAPI_PATH.to_owned(), path_item([], this(deployment.open).read()));
    paths.insert(HEALTH_PATH.to_owned(), path_item([], health().read()));
    paths
}

fn item(name: &'static str, summary: &'static str) -> Operation {
    Operation {
        name,
        summary,
        answer: reference("Item"),
        cached: true,
        problems: &[Kind::ID_INVALID, Kind::ITEM_NOT_FOUND, Kind::ITEM_TOO_LARGE, Kind::TABLE_BUSY],
        ..Operation::default()
    }
}

fn batch_get() -> Operation {
    Operation {
        name: "batchGetItems",
        summary: "Several items by their ids",
        description: format!(
            "At most {MAX_IDS_PER_CALL} ids and {MAX_REQUEST_BYTES} bytes. Ids under `remaining` were not looked \
             at, because the answer was full or time was short: ask for them again."
        ),
        body: Some(reference("BatchGetRequest")),
        answer: reference("BatchGetAnswer"),
        problems: &[
            Kind::BODY_MALFORMED,
            Kind::ID_INVALID,
            Kind::BODY_TOO_LARGE,
            Kind::MEDIA_TYPE_UNSUPPORTED,
            Kind::BODY_INVALID,
            Kind::IDS_TOO_MANY,
            Kind::ITEM_TOO_LARGE,
            Kind::TABLE_BUSY,
        ],
        ..Operation::default()
    }
}

fn list(key: &Key) -> Operation {
    // A JSON pointer (RFC 6901) to the first item's id.
    let id = format!("$response.body#/items/0/{}", key.name.replace('~', "~0").replace('/', "~1"));
    Operation {
        name: "Items",
        summary: "Items, page by page",
        description:
            "In no order that means anything. A page may have fewer items than `limit`, and even none: \
                      the last one is the one without a `cursor`. Reading all pages reads the whole table."
                .to_owned(),
        parameters: vec![
            json!({
                "name": "limit",
                "in": "query",
                "description": "Items in one answer, at most.",
                "schema": {
                    "type": "integer", "minimum": 1, "maximum": MAX_LIST_LIMIT, "default": DEFAULT_LIST_LIMIT,
                },
            }),
            json!({
                "name": "cursor",
                "in": "query",
                "description": "The `cursor` of an earlier answer asks for what comes after its items.",
                "schema": { "type": "string", "minLength": 1 },
            }),
        ],
        answer: reference("ListAnswer"),
        links: Some(json!({
            "next": {
                "operationId": "getItems",
                "description": "What comes after these items.",
                "parameters": { "cursor": "$response.body#/cursor" },
            },
            "item": {
                "operationId": "getItem",
                "description": "The first of these items.",
                "parameters": { "id": id },
            },
        })),
        cached: true,
        problems: &[Kind::QUERY_INVALID, Kind::CURSOR_INVALID, Kind::ITEM_TOO_LARGE, Kind::TABLE_BUSY],
        ..Operation::default()
    }
}

fn this(open: bool) -> Operation {
    Operation {
        name: "OpenApi",
        summary: "This document",
        answer: json!({ "type": "object", "required": ["openapi", "info", "paths"] }),
        cached: true,
        open,
        ..Operation::default()
    }
}

fn health() -> Operation {
    Operation {
        name: "Health",
        summary: "Whether the function runs",
        answer: json!({
            "type": "object",
            "required": ["status"],
            "properties": { "status": { "type": "string", "const": "ok" } },
        }),
        open: true,
        ..Operation::default()
    }
}
