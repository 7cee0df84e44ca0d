//! Arguments of the commands that restctl advises to type.

use restctl_contract::escape::is_unsafe;

/// Returns `text` quoted for a shell, or `placeholder` if it has characters that are special or invisible, looks like an option,
/// is empty, or is too long to check by eye.
pub(crate) fn shell_argument(text: &str, placeholder: &'static str) -> String {
    const MAX_LENGTH: usize = 256;
    let is_harmless = |character: char| character.is_alphanumeric() || " !+,-./:=@_%~".contains(character);
    let is_clear = text.chars().all(|character| is_harmless(character) && !is_unsafe(character));
    if text.is_empty() || text.starts_with(['-', ' ', '~']) || text.len() > MAX_LENGTH || !is_clear {
        return placeholder.to_owned();
    }
    shell_words::quote(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_text_is_part_of_a_command() {
        for (text, argument) in [
            ("https://tenant.eu.auth0.com/", "https://tenant.eu.auth0.com/"),
            ("my orders.csv", "'my orders.csv'"),
            ("café", "café"),
            ("x; rm -rf /", "NAME"),
            ("$(id)", "NAME"),
            ("`id`", "NAME"),
            ("it's", "NAME"),
            ("a\nb", "NAME"),
            ("a\u{202e}b", "NAME"),
            ("\u{3164}", "NAME"),
            ("--delete-data", "NAME"),
            ("~root", "NAME"),
            ("", "NAME"),
            (&"x".repeat(257), "NAME"),
        ] {
            assert_eq!(shell_argument(text, "NAME"), argument);
        }
    }
}
