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

#[cfg(test)]
mod tests {
    use restctl_testkit::small_stack::run_on_small_stack;
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn deep_events_need_little_stack() {
        let members = ["httpMethod", "path", "headers", "multiValueHeaders", "body", "requestContext"];
        run_on_small_stack(move || {
            for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"a\":[", "]}")] {
                let deep = open.repeat(200_000) + "1" + &close.repeat(200_000);
                for member in members {
                    let event = format!("{{\"{member}\":{deep}}}");
                    // The runtime finds the end of the event before the function reads it.
                    let event: Box<RawValue> = serde_json::from_str(&event).unwrap();
                    // The function takes no notice of the request's context.
                    assert_eq!(AlbEvent::parse(event.get()).is_ok(), member == "requestContext", "{member}");
                }
            }
        });
    }
}
