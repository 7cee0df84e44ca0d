//! The schemas of bodies and ids.

use restctl_contract::api::{BatchGetAnswer, BatchGetRequest, ListAnswer, Problem};
use restctl_contract::key::{Key, KeyType, MAX_KEY_BYTES};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

const PATH: &str = "/components/schemas";

/// Returns a reference to one of the document's schemas.
pub(super) fn schema_reference(name: &str) -> Value {
    json!({ "$ref": format!("#{PATH}/{name}") })
}

/// Returns each schema by its name, for the document's components.
pub(super) fn schema_components(key: &Key) -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut generator = settings.with(|settings| settings.definitions_path = PATH.into()).into_generator();
    generator.subschema_for::<BatchGetRequest>();
    generator.subschema_for::<BatchGetAnswer>();
    generator.subschema_for::<ListAnswer>();
    generator.subschema_for::<Problem>();
    let mut schemas = generator.take_definitions(true);
    schemas.extend([
        ("PathId".to_owned(), path_id_schema(key.kind)),
        ("Id".to_owned(), id_schema(key.kind)),
        ("Item".to_owned(), item_schema(key)),
    ]);
    schemas
}

/// Returns the schema of an id in a path, which is always text.
fn path_id_schema(kind: KeyType) -> Value {
    match kind {
        KeyType::String => json!({
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_KEY_BYTES,
            "description": format!("At most {MAX_KEY_BYTES} bytes as UTF-8."),
        }),
        KeyType::Number => json!({
            "type": "string",
            "pattern": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,6})?$",
            "description": "A number of at most 38 digits.",
        }),
    }
}

/// Returns the schema of an id in a body.
fn id_schema(kind: KeyType) -> Value {
    match kind {
        KeyType::String => schema_reference("PathId"),
        KeyType::Number => json!({ "anyOf": [{ "type": "number" }, schema_reference("PathId")] }),
    }
}

fn item_schema(key: &Key) -> Value {
    let kind = match key.kind {
        KeyType::String => "string",
        KeyType::Number => "number",
    };
    let name = key.name.as_str();
    json!({
        "type": "object",
        "description": "A row of the data: its key and its other columns.",
        "required": [name],
        "properties": { name: { "type": kind } },
        "additionalProperties": true,
    })
}
