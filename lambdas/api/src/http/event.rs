//! What an Application Load Balancer sends to a Lambda target, and what it expects back (Elastic Load Balancing,
//! Application Load Balancers, "Use Lambda functions as targets of an Application Load Balancer").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An event of the load balancer. Every member may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AlbEvent {
    pub(crate) http_method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) query_string_parameters: Option<BTreeMap<String, Option<String>>>,
    pub(crate) multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    pub(crate) headers: Option<BTreeMap<String, Option<String>>>,
    pub(crate) multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    pub(crate) body: Option<String>,
    pub(crate) is_base64_encoded: bool,
}

impl AlbEvent {
    /// Reads an event.
    ///
    /// # Errors
    /// Says what is wrong without quoting the event, which may contain a token.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        // Serde would read an array as the members in their order.
        if !json.trim_ascii_start().starts_with('{') {
            return Err("it is not an object".to_owned());
        }
        serde_json::from_str(json).map_err(|error| format!("at {}:{}", error.line(), error.column()))
    }
}

/// An answer for the load balancer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlbResponse {
    pub(crate) status_code: u16,
    pub(crate) status_description: String,
    /// A target group reads either map, depending on its multi-value headers setting.
    pub(crate) headers: BTreeMap<&'static str, String>,
    pub(crate) multi_value_headers: BTreeMap<&'static str, [String; 1]>,
    pub(crate) body: String,
    pub(crate) is_base64_encoded: bool,
}
