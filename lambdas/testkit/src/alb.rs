//! The events that an Application Load Balancer sends to a Lambda target, and the answers that it accepts.
//!
//! Shapes: Elastic Load Balancing, Application Load Balancers, "Use Lambda functions as targets".

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// An HTTP request that goes through the load balancer.
#[derive(Debug, Clone)]
pub struct AlbRequest {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl AlbRequest {
    /// `path` is percent-encoded, as on the wire, and arrives like that.
    pub fn new(method: &str, path: &str) -> Self {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: vec![
                header("accept", "*/*"),
                header("host", "items.example.test"),
                header("user-agent", "curl/8.5.0"),
                header("x-amzn-trace-id", "Root=1-5c536348-3d683b8b04734faae651f476"),
                header("x-forwarded-for", "192.0.2.7"),
                header("x-forwarded-port", "443"),
                header("x-forwarded-proto", "https"),
            ],
            body: Vec::new(),
        }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub fn post_json(path: &str, body: &Value) -> Self {
        Self::new("POST", path).header("content-type", "application/json").body(body.to_string())
    }

    /// Adds a header line. A name may be repeated.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// Removes all lines of a header.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| !header.eq_ignore_ascii_case(name));
        self
    }

    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Adds a parameter, which is not decoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Returns the event for a target group with `lambda.multi_value_headers.enabled`.
    pub fn multi_value_event(&self) -> Value {
        let mut event = self.event_without_lists();
        event["multiValueHeaders"] = json!(group_by_name(&self.headers));
        event["multiValueQueryStringParameters"] = json!(group_by_name(&self.query));
        event
    }

    /// Returns the event for a target group without it. The last value of a repeated name wins.
    pub fn single_value_event(&self) -> Value {
        let last = |pairs: &[(String, String)]| {
            pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>()
        };
        let mut event = self.event_without_lists();
        event["headers"] = json!(last(&self.headers));
        event["queryStringParameters"] = json!(last(&self.query));
        event
    }

    fn event_without_lists(&self) -> Value {
        let (body, is_base64) = match std::str::from_utf8(&self.body) {
            Ok(text) if self.is_text() || self.body.is_empty() => (text.to_owned(), false),
            _ => (STANDARD.encode(&self.body), true),
        };
        json!({
            "requestContext": {"elb": {"targetGroupArn":
                "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/restctl/49e9d65c45c6791a"}},
            "httpMethod": self.method,
            "path": self.path,
            "body": body,
            "isBase64Encoded": is_base64,
        })
    }

    /// Returns whether the body arrives as it is, which it does for these types unless it is compressed.
    fn is_text(&self) -> bool {
        let value = |name: &str| self.headers.iter().find(|header| header.0 == name).map(|header| &header.1);
        let text = ["text/", "application/json", "application/javascript", "application/xml"];
        value("content-encoding").is_none()
            && value("content-type").is_some_and(|kind| text.iter().any(|start| kind.starts_with(start)))
    }
}

fn group_by_name(pairs: &[(String, String)]) -> BTreeMap<&str, Vec<&str>> {
    let mut lists = BTreeMap::<&str, Vec<&str>>::new();
    for (name, value) in pairs {
        lists.entry(name).or_default().push(value);
    }
    lists
}

/// The HTTP answer that the load balancer makes of a function's answer.
#[derive(Debug, Clone)]
pub struct AlbAnswer {
    pub status: u16,
    /// By lower-case name. Values are in the order given.
    pub headers: BTreeMap<String, Vec<String>>,
    pub body: Vec<u8>,
}

impl AlbAnswer {
    /// Reads the answer as a target group with multi-value headers does.
    ///
    /// # Panics
    /// If the load balancer would answer 502, because a part is missing or malformed or the JSON is over 1 MB.
    pub fn from_function_answer(answer: &Value) -> Self {
        assert!(answer.to_string().len() <= 1_000_000, "the load balancer accepts at most 1 MB of JSON");
        let status = answer["statusCode"].as_u64().expect("statusCode is a number");
        let headers = answer["multiValueHeaders"].as_object().expect("multiValueHeaders is an object");
        let values = |value: &Value| -> Vec<String> {
            let values = value.as_array().expect("a header has a list of values");
            values
                .iter()
                .map(|value| value.as_str().expect("a header's value is a string").to_owned())
                .collect()
        };
        let body = match &answer["body"] {
            Value::Null => Vec::new(),
            Value::String(body) if answer["isBase64Encoded"] == json!(true) => {
                STANDARD.decode(body).expect("the body is base64")
            }
            Value::String(body) => body.clone().into_bytes(),
            other => panic!("a body is a string, not {other}"),
        };
        Self {
            status: u16::try_from(status).expect("a status has three digits"),
            headers: headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), values(value))).collect(),
            body,
        }
    }

    /// Returns the only value of a header.
    ///
    /// # Panics
    /// If the header is sent more than once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.headers.get(name)?;
        assert!(values.len() == 1, "{name} is sent {} times", values.len());
        Some(&values[0])
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// If it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("the body is not JSON ({error}): {}", String::from_utf8_lossy(&self.body))
        })
    }
}
