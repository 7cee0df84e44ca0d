//! Media types and encodings that a client accepts (RFC 9110, section 12.5).

/// Returns whether `Accept` allows JSON. Without the header, a client accepts anything.
pub(crate) fn accepts_json(accept: Option<&str>) -> bool {
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return true };
    // The most specific range decides, regardless of order.
    ["application/json", "application/*", "*/*"].into_iter().find_map(|range| quality_value(accept, range))
        > Some(0.0)
}

/// Returns whether `Accept-Encoding` allows gzip. Without the header, the answer is not compressed.
pub(crate) fn accepts_gzip(accept_encoding: Option<&str>) -> bool {
    let accept_encoding = accept_encoding.unwrap_or_default();
    ["gzip", "x-gzip", "*"].into_iter().find_map(|coding| quality_value(accept_encoding, coding)) > Some(0.0)
}

/// Returns the weight of `name` in a list, from 0 to 1, or `None` if the list does not have it.
fn quality_value(list: &str, name: &str) -> Option<f32> {
    list.split(',').find_map(|element| {
        let mut parts = element.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case(name) {
            return None;
        }
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some(weight.and_then(|weight| weight.trim().parse().ok()).unwrap_or(1.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_accepted_unless_it_is_ruled_out() {
        for accept in [
            None,
            Some(""),
            Some("*/*"),
            Some("application/json"),
            Some("Application/JSON; charset=utf-8"),
            Some("text/html, application/*;q=0.8"),
            Some("text/html,application/xhtml+xml,*/*;q=0.1"),
            Some("application/json;q=0.001"),
            Some("*/*;q=0, application/json"),
            Some("application/json;q=high"),
        ] {
            assert!(accepts_json(accept), "{accept:?}");
        }
        for accept in [
            "text/html",
            "application/xml, text/*",
            "application/json;q=0",
            "application/json; Q=0.0, */*",
            "application/*;q=0, */*;q=1",
            "*/*;q=0",
            "application/jsonp",
            "json",
        ] {
            assert!(!accepts_json(Some(accept)), "{accept}");
        }
    }

    #[test]
    fn gzip_is_accepted_if_it_is_asked_for() {
        for accepted in
            ["gzip", "deflate, GZIP", "br;q=1, gzip;q=0.2", "*", "x-gzip", "identity;q=0, *;q=0.5"]
        {
            assert!(accepts_gzip(Some(accepted)), "{accepted}");
        }
        for other in [None, Some(""), Some("br"), Some("gzip;q=0, *"), Some("*;q=0"), Some("identity")] {
            assert!(!accepts_gzip(other), "{other:?}");
        }
    }
}
