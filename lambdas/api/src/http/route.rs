//! Method and path → what is asked for.

use percent_encoding::percent_decode_str;
use restctl_contract::api::{BATCH_GET_PATH, HEALTH_PATH, ITEMS_PATH, LIST_PATH, OPENAPI_PATH};

use super::request::Request;
use crate::problem::Failure;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Health,
    OpenApi,
    /// With the id, decoded.
    Item(String),
    BatchGet,
    List,
}

impl Route {
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        let (path, is_read) = (request.path.as_str(), request.is_read());
        let read = |route| if is_read { Ok(route) } else { Err(Failure::MethodNotAllowed("GET, HEAD")) };
        match path {
            HEALTH_PATH => read(Self::Health),
            OPENAPI_PATH => read(Self::OpenApi),
            LIST_PATH => read(Self::List),
            // An item may have the id `batch-get`: the method tells the two apart.
            BATCH_GET_PATH if request.method == "POST" => Ok(Self::BatchGet),
            BATCH_GET_PATH if !is_read => Err(Failure::MethodNotAllowed("GET, HEAD, POST")),
            _ => match path.strip_prefix(ITEMS_PATH).filter(|id| !id.is_empty()) {
                Some(id) => read(Self::Item(String::new())).and_then(|_| decode(id).map(Self::Item)),
                None => Err(Failure::UnknownPath),
            },
        }
    }

    /// For the log.
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

/// Decodes the rest of the path after the items' prefix, slashes included. As in the URL Standard, a percent
/// sign without two hexadecimal digits stands for itself: a proxy may have decoded the path before.
fn decode(encoded: &str) -> Result<String, Failure> {
    let decoded = percent_decode_str(encoded).decode_utf8().map(|id| id.into_owned());
    decoded.map_err(|_| Failure::InvalidId("the id in the path is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::event::Event;

    fn of(method: &str, path: &str) -> Result<Route, Failure> {
        let (http_method, path) = (Some(method.to_owned()), Some(path.to_owned()));
        Route::of(&Request::from(Event { http_method, path, ..Event::default() }))
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
                of("GET", &format!("/v1/items/{encoded}")).unwrap(),
                Route::Item(id.to_owned()),
                "{encoded}"
            );
        }
        for encoded in ["%FF", "%C3", "a%80b"] {
            let route = of("GET", &format!("/v1/items/{encoded}"));
            assert!(matches!(route, Err(Failure::InvalidId(_))), "{encoded}");
        }
    }

    #[test]
    fn methods_and_paths() {
        assert_eq!(of("POST", "/v1/items/batch-get").unwrap(), Route::BatchGet);
        assert_eq!(of("HEAD", "/v1/items/7").unwrap(), Route::Item("7".to_owned()));
        assert_eq!(of("GET", "/v1/items").unwrap(), Route::List);
        for (method, path, allowed) in [
            ("POST", "/v1/items/7", "GET, HEAD"),
            ("DELETE", "/v1/items/7", "GET, HEAD"),
            ("get", "/v1/items/7", "GET, HEAD"),
            ("POST", "/v1/items", "GET, HEAD"),
            ("POST", "/v1/openapi.json", "GET, HEAD"),
            ("", "/health", "GET, HEAD"),
            ("PUT", "/v1/items/batch-get", "GET, HEAD, POST"),
        ] {
            let refused = of(method, path);
            assert!(
                matches!(refused, Err(Failure::MethodNotAllowed(methods)) if methods == allowed),
                "{method}"
            );
        }
        for path in ["", "/", "/v1", "/v1/items/", "/v2/items/7", "//v1/items/7", "/V1/items/7", "/health/"] {
            for method in ["GET", "POST", "DELETE"] {
                assert!(matches!(of(method, path), Err(Failure::UnknownPath)), "{method} {path}");
            }
        }
    }
}
