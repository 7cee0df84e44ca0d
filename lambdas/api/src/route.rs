//! Method and path → what is asked for.

use http::Method;
use restctl_contract::api::{BATCH_GET_PATH, ITEMS_PATH};

use crate::failure::Failure;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// With the id, decoded.
    Item(String),
    BatchGet,
}

impl Route {
    /// `path` without a query string.
    pub(crate) fn of(method: &Method, path: &str) -> Result<Self, Failure> {
        // An item may have the id `batch-get`: the method tells the two apart.
        let is_batch_path = path == BATCH_GET_PATH;
        match path.strip_prefix(ITEMS_PATH) {
            Some(_) if is_batch_path && method == Method::POST => Ok(Self::BatchGet),
            Some(id) if !id.is_empty() && is_read(method) => decode(id).map(Self::Item),
            Some(id) if !id.is_empty() => {
                let methods = if is_batch_path { "GET, HEAD, POST" } else { "GET, HEAD" };
                Err(Failure::MethodNotAllowed(methods))
            }
            _ => Err(Failure::UnknownPath),
        }
    }

    /// For the log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Item(_) => "item",
            Self::BatchGet => "batch-get",
        }
    }
}

pub(crate) fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// Decodes the rest of the path after the items' prefix, slashes included. As in the URL Standard, a percent
/// sign without two hexadecimal digits stands for itself: a proxy may have decoded the path before.
fn decode(encoded: &str) -> Result<String, Failure> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [byte, after @ ..] = rest {
        let escaped = match after {
            [high, low, ..] if *byte == b'%' => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        let (byte, length) = escaped.map_or((*byte, 1), |(high, low)| (high << 4 | low, 3));
        decoded.push(byte);
        rest = &rest[length..];
    }
    String::from_utf8(decoded).map_err(|_| Failure::InvalidId("the id in the path is not UTF-8".to_owned()))
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let route = Route::of(&Method::GET, &format!("/v1/items/{encoded}"));
            assert_eq!(route.unwrap(), Route::Item(id.to_owned()), "{encoded}");
        }
        for encoded in ["%FF", "%C3", "a%80b"] {
            let route = Route::of(&Method::GET, &format!("/v1/items/{encoded}"));
            assert!(matches!(route, Err(Failure::InvalidId(_))), "{encoded}");
        }
    }

    #[test]
    fn methods_and_paths() {
        let of = |method: &str, path: &str| Route::of(&method.parse().unwrap(), path);
        assert_eq!(of("POST", "/v1/items/batch-get").unwrap(), Route::BatchGet);
        assert_eq!(of("HEAD", "/v1/items/7").unwrap(), Route::Item("7".to_owned()));
        for (method, path, allowed) in [
            ("POST", "/v1/items/7", "GET, HEAD"),
            ("DELETE", "/v1/items/7", "GET, HEAD"),
            ("get", "/v1/items/7", "GET, HEAD"),
            ("PUT", "/v1/items/batch-get", "GET, HEAD, POST"),
        ] {
            let refused = of(method, path);
            assert!(
                matches!(refused, Err(Failure::MethodNotAllowed(methods)) if methods == allowed),
                "{method}"
            );
        }
        for path in ["", "/", "/v1", "/v1/items", "/v1/items/", "/v2/items/7", "//v1/items/7", "/V1/items/7"]
        {
            for method in ["GET", "POST", "DELETE"] {
                assert!(matches!(of(method, path), Err(Failure::UnknownPath)), "{method} {path}");
            }
        }
    }
}
