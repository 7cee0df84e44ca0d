//! From method and path to an operation.

use http::Method;
use lambda_http::{Request, RequestExt};
use percent_encoding::percent_decode_str;
use restctl_contract::api::{BATCH_GET_PATH, HEALTH_PATH, ITEMS_PATH, LIST_PATH, OPENAPI_PATH};

use super::request::is_get_or_head;
use crate::problem::Failure;

/// An operation of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Health,
    OpenApi,
    /// An item by its decoded id.
    Item(String),
    BatchGet,
    List,
}

impl Route {
    pub(crate) fn from_request(request: &Request) -> Result<Self, Failure> {
        let (path, is_read) = (request.raw_http_path(), is_get_or_head(request));
        let reading = |route| if is_read { Ok(route) } else { Err(Failure::MethodNotAllowed("GET, HEAD")) };
        match path {
            HEALTH_PATH => reading(Self::Health),
            OPENAPI_PATH => reading(Self::OpenApi),
            LIST_PATH => reading(Self::List),
            // An item may have the id `batch-get`: the method distinguishes the two.
            BATCH_GET_PATH if *request.method() == Method::POST => Ok(Self::BatchGet),
            BATCH_GET_PATH if !is_read => Err(Failure::MethodNotAllowed("GET, HEAD, POST")),
            _ => match path.strip_prefix(ITEMS_PATH).filter(|id| !id.is_empty()) {
                Some(id) => reading(Self::Item(String::new())).and_then(|_| decode_id(id).map(Self::Item)),
                None => Err(Failure::UnknownPath),
            },
        }
    }

    /// Returns the name in the access log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::OpenApi => "openapi",
            Self::Item(_) => "item",
            Self::BatchGet => "batch-get",
            Self::List => "list",
        }
    }
}

/// Decodes the rest of the path after the items' prefix, slashes included. As in the URL Standard, a percent sign
/// without two hexadecimal digits is kept: a proxy may have decoded the path already.
fn decode_id(encoded: &str) -> Result<String, Failure> {
    let decoded = percent_decode_str(encoded).decode_utf8().map(|id| id.into_owned());
    decoded.map_err(|_| Failure::InvalidId("the id in the path is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::event::RawEvent;

    fn route_for(method: &str, path: &str) -> Result<Route, Failure> {
        let event = json!({"httpMethod": method, "path": path}).to_string();
        Route::from_request(&RawEvent::parse(&event)?.into_request()?)
    }

    #[test]
    fn ids_are_decoded() {
        for (encoded, id) in [
            ("42", "42"),
            ("a%20b", "a b"),
            ("a+b", "a+b"),
            ("a%2Fb", "a/b"),
            ("a%2fb", "a/b"),
            ("a/b", "a/b"),
            ("%C3%A9%F0%9F%98%80", "é😀"),
            ("%25", "%"),
            ("%2525", "%25"),
            ("50%", "50%"),
            ("%4", "%4"),
            ("%zz%+1", "%zz%+1"),
            ("..", ".."),
            ("%00", "\0"),
            ("batch-get", "batch-get"),
            ("é", "é"),
        ] {
            assert_eq!(
                route_for("GET", &format!("/v1/items/{encoded}")).unwrap(),
                Route::Item(id.to_owned()),
                "{encoded}"
            );
        }
        for encoded in ["%FF", "%C3", "a%80b"] {
            let route = route_for("GET", &format!("/v1/items/{encoded}"));
            assert!(matches!(route, Err(Failure::InvalidId(_))), "{encoded}");
        }
    }

    #[test]
    fn methods_and_paths_select_a_route() {
        assert_eq!(route_for("POST", "/v1/items/batch-get").unwrap(), Route::BatchGet);
        assert_eq!(route_for("HEAD", "/v1/items/7").unwrap(), Route::Item("7".to_owned()));
        assert_eq!(route_for("GET", "/v1/items").unwrap(), Route::List);
        for (method, path, allowed) in [
            ("POST", "/v1/items/7", "GET, HEAD"),
            ("DELETE", "/v1/items/7", "GET, HEAD"),
            ("get", "/v1/items/7", "GET, HEAD"),
            ("POST", "/v1/items", "GET, HEAD"),
            ("POST", "/v1/openapi.json", "GET, HEAD"),
            ("", "/health", "GET, HEAD"),
            ("PUT", "/v1/items/batch-get", "GET, HEAD, POST"),
        ] {
            let refused = route_for(method, path);
            assert!(
                matches!(refused, Err(Failure::MethodNotAllowed(methods)) if methods == allowed),
                "{method}"
            );
        }
        for path in ["", "/", "/v1", "/v1/items/", "/v2/items/7", "//v1/items/7", "/V1/items/7", "/health/"] {
            for method in ["GET", "POST", "DELETE"] {
                assert!(matches!(route_for(method, path), Err(Failure::UnknownPath)), "{method} {path}");
            }
        }
    }
}
