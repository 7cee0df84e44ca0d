//! What an Application Load Balancer sends to a Lambda target, and what it takes back (Elastic Load Balancing,
//! Application Load Balancers, "Use Lambda functions as targets of an Application Load Balancer").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Any member may be missing: a request is judged by what it says, not by what it leaves out.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Event {
    pub(crate) http_method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) query_string_parameters: Option<BTreeMap<String, Option<String>>>,
    pub(crate) multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    pub(crate) headers: Option<BTreeMap<String, Option<String>>>,
    pub(crate) multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    pub(crate) body: Option<String>,
    pub(crate) is_base64_encoded: bool,
}

impl Event {
    /// # Errors
    /// What is wrong with it, without a piece of it, which might be one of a token.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        // An array would be taken for the members in their order.
        if !json.trim_ascii_start().starts_with('{') {
            return Err("it is no object".to_owned());
        }
        serde_json::from_str(json).map_err(|error| format!("at {}:{}", error.line(), error.column()))
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Response {
    pub(crate) status_code: u16,
    pub(crate) status_description: String,
    /// A target group reads the one or the other, by its setting of multi-value headers.
    pub(crate) headers: BTreeMap<&'static str, String>,
    pub(crate) multi_value_headers: BTreeMap<&'static str, [String; 1]>,
    pub(crate) body: String,
    pub(crate) is_base64_encoded: bool,
}
