//! A tag that an argument gives.

/// Parses a tag, `KEY=VALUE`. The limits are those of "Tag" in the CloudFormation API Reference.
pub(crate) fn parse_tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a tag is KEY=VALUE")?;
    if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
        return Err("a tag's key has 1 to 128 characters and its value at most 256".to_owned());
    }
    if key.to_ascii_lowercase().starts_with("aws:") || key.starts_with("restctl:") {
        return Err("keys that start with aws: or restctl: are reserved".to_owned());
    }
    let allowed = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    match text.chars().find(|c| !allowed(*c)) {
        Some(other) => {
            Err(format!("a tag can contain letters, digits, spaces and _ . : / = + - @, but not {other:?}"))
        }
        None => Ok((key.to_owned(), value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_and_malformed_tags_are_refused() {
        assert_eq!(parse_tag("team=data=1"), Ok(("team".to_owned(), "data=1".to_owned())));
        assert_eq!(parse_tag("empty="), Ok(("empty".to_owned(), String::new())));
        for bad in ["", "team", "=x", "aws:x=1", "AWS:x=1", "restctl:stack=x", "a=<b>"] {
            assert!(parse_tag(bad).is_err(), "{bad:?}");
        }
    }
}
