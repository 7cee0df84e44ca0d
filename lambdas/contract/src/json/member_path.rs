use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The way from the outermost object of a JSON document to a member within it: the name of a member of the outermost
/// object, of a member of that, and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberPath {
    names: Vec<String>,
}

impl MemberPath {
    /// Returns `None` if there are no names.
    pub fn from_names(names: Vec<String>) -> Option<Self> {
        (!names.is_empty()).then_some(Self { names })
    }

    /// Returns at least one name.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// Reads what people type: names with dots between them, or a JSON Pointer (RFC 6901), which begins with a slash.
impl FromStr for MemberPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = match text.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(unescape).collect::<Option<Vec<_>>>(),
            None if text.split('.').any(str::is_empty) => None,
            None => Some(text.split('.').map(str::to_owned).collect()),
        };
        names
            .and_then(Self::from_names)
            .ok_or_else(|| format!("a path is like items, data.rows or /data/rows, not {text:?}"))
    }
}

/// Writes a JSON Pointer.
impl fmt::Display for MemberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.names.iter().try_for_each(|name| write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")))
    }
}

impl Serialize for MemberPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MemberPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Returns `None` if a tilde escapes nothing.
fn unescape(token: &str) -> Option<String> {
    let mut parts = token.split('~');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (character, rest) = match part.strip_prefix('0') {
            Some(rest) => ('~', rest),
            None => ('/', part.strip_prefix('1')?),
        };
        name.push(character);
        name.push_str(rest);
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_dots_or_is_a_json_pointer() {
        for (text, names, pointer) in [
            ("items", &["items"][..], "/items"),
            ("data.rows", &["data", "rows"], "/data/rows"),
            ("/data/rows", &["data", "rows"], "/data/rows"),
            ("a/b.c~d", &["a/b", "c~d"], "/a~1b/c~0d"),
            ("/a.b/~01", &["a.b", "~1"], "/a.b/~01"),
            ("/", &[""], "/"),
            ("/é//x", &["é", "", "x"], "/é//x"),
        ] {
            let path: MemberPath = text.parse().unwrap();
            assert_eq!(path.names(), names, "{text}");
            assert_eq!(path.to_string(), pointer);
            assert_eq!(pointer.parse(), Ok(path));
        }
        for other in ["", ".", "a.", "a..b", "/~", "/a~2"] {
            assert!(other.parse::<MemberPath>().unwrap_err().contains("data.rows"), "{other:?}");
        }
    }
}
