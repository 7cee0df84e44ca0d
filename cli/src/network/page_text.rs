//! The first words of an answer that is not what was asked for, such as the page of a proxy.

use quick_xml::escape::unescape;

/// How much of the answer is read, and how many characters are shown.
const MAX_BYTES: usize = 16 * 1024;
const MAX_CHARACTERS: usize = 120;

/// Parts of a page that hold no words for people.
const HIDDEN: [(&str, &str); 3] = [("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>")];

/// Whether an answer with this content type is a page for people. No API of AWS answers with one.
pub(crate) fn is_page(content_type: &str) -> bool {
    content_type.trim_start().to_ascii_lowercase().starts_with("text/html")
}

/// Returns the title of a page, or else its first line with words; of other texts, the first line. `None` if there is none, or
/// if the answer is not a text.
pub(crate) fn first_line(content_type: &str, body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok().or_else(|| valid_beginning(body))?;
    let text = &text[..text.floor_char_boundary(MAX_BYTES)];
    let is_page = is_page(content_type) || text.trim_start().starts_with("<!") || text.contains("<html");
    let line = if is_page { title(text).or_else(|| first_words(text)) } else { text.lines().find_map(words) };
    line.map(|line| line.chars().take(MAX_CHARACTERS).collect())
}

/// Returns what can be read of a text that was cut within a character.
fn valid_beginning(body: &[u8]) -> Option<&str> {
    let valid = std::str::from_utf8(body).err()?.valid_up_to();
    std::str::from_utf8(&body[..valid]).ok()
}

fn title(page: &str) -> Option<String> {
    let (_, rest) = split_ignoring_case(page, "<title")?;
    let (_, rest) = rest.split_once('>')?;
    words(split_ignoring_case(rest, "</title")?.0)
}

/// Returns the first line that has words once the tags are removed.
fn first_words(page: &str) -> Option<String> {
    let mut visible = page.to_owned();
    for (start, end) in HIDDEN {
        while let Some((before, rest)) = split_ignoring_case(&visible, start) {
            let after = split_ignoring_case(rest, end).map_or("", |(_, after)| after);
            visible = format!("{before} {after}");
        }
    }
    let mut text = String::new();
    for part in visible.split('<') {
        text.push_str(part.split_once('>').map_or("", |(_, text)| text));
        // What follows an element need not follow its words.
        text.push(' ');
    }
    text.lines().find_map(words)
}

/// Splits at a tag in any case. Both have the same length in lower case: only ASCII letters change.
fn split_ignoring_case<'a>(text: &'a str, tag: &str) -> Option<(&'a str, &'a str)> {
    let at = text.to_ascii_lowercase().find(tag)?;
    Some((&text[..at], &text[at + tag.len()..]))
}

/// Returns the words with single spaces between them. `None` if there are none.
fn words(text: &str) -> Option<String> {
    let text = unescape(text).map_or_else(|_| text.to_owned(), |text| text.into_owned());
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_for_people_are_found() {
        for (content_type, body, expected) in [
            ("text/html", "<HTML><TITLE lang=en>Access\n Denied</TITLE><p>No.</p>", Some("Access Denied")),
            (
                "text/html; charset=utf-8",
                "<style>p {}</style>\n<p>Sign in <b>here</b> &amp; now</p>",
                Some("Sign in here & now"),
            ),
            (
                "",
                "<!DOCTYPE html><title> </title><!-- <p>not</p> --><h1>Blocked</h1>\n<p>more</p>",
                Some("Blocked"),
            ),
            ("text/plain", "\n upstream connect error \nmore", Some("upstream connect error")),
            ("text/html", "<script>endless", None),
            ("text/html", "<title>&nbsp;</title>", Some("&nbsp;")),
            ("", "", None),
            ("", "cut \u{e9}", Some("cut é")),
        ] {
            assert_eq!(first_line(content_type, body.as_bytes()).as_deref(), expected, "{body}");
        }
        assert_eq!(first_line("", b"\xff\xfe"), None);
        assert_eq!(first_line("", b"cut \xc3").as_deref(), Some("cut"));
        assert_eq!(first_line("text/html", "x".repeat(40_000).as_bytes()), None);
        assert_eq!(
            first_line("", "x".repeat(40_000).as_bytes()).map(|line| line.len()),
            Some(MAX_CHARACTERS)
        );
    }
}
