use std::fmt;
use std::str::FromStr;

/// The way from the top of a JSON file to the array that holds its rows: the name of a member of the outermost object,
/// of a member of that, and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordsPath {
    names: Vec<String>,
}

impl RecordsPath {
    /// Returns `None` if there are no names.
    pub(crate) fn from_names(names: Vec<String>) -> Option<Self> {
        (!names.is_empty()).then_some(Self { names })
    }

    /// Returns at least one name.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }
}

/// Reads what people type: names with dots between them, or a JSON Pointer (RFC 6901), which begins with a slash.
impl FromStr for RecordsPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = match text.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(unescape).collect::<Option<Vec<_>>>(),
            None if text.split('.').any(str::is_empty) => None,
            None => Some(text.split('.').map(str::to_owned).collect()),
        };
        names
            .and_then(Self::from_names)
            .ok_or_else(|| format!("a path to the rows is like items, data.rows or /data/rows, not {text:?}"))
    }
}

/// Writes a JSON Pointer.
impl fmt::Display for RecordsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.names.iter().try_for_each(|name| write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")))
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
            let path: RecordsPath = text.parse().unwrap();
            assert_eq!(path.names(), names, "{text}");
            assert_eq!(path.to_string(), pointer);
            assert_eq!(pointer.parse(), Ok(path));
        }
        for other in ["", ".", "a.", "a..b", "/~", "/a~2"] {
            assert!(other.parse::<RecordsPath>().unwrap_err().contains("data.rows"), "{other:?}");
        }
    }
}
