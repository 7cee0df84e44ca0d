//! Words of a command line that clap has not parsed: it is wrong, or not complete yet.

use std::env;

/// Returns the words of this process's command line.
pub(crate) fn typed_words() -> Vec<String> {
    env::args_os().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Returns the value of a flag, typed as `--flag value` or `--flag=value`. What follows `--` is no flag.
pub(crate) fn find_value<'a>(words: &'a [String], flag: &str) -> Option<&'a str> {
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let words = &words[..end];
    let joined = words.iter().find_map(|word| word.strip_prefix(flag)?.strip_prefix('='));
    joined.or_else(|| words.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1].as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_found_in_either_form_before_two_hyphens() {
        let find = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            find_value(&words, "--output").map(str::to_owned)
        };
        assert_eq!(find("restctl get --output json").as_deref(), Some("json"));
        assert_eq!(find("restctl --output=json get").as_deref(), Some("json"));
        assert_eq!(find("restctl get --outputs json --output"), None);
        assert_eq!(find("restctl upload -- --output json"), None);
    }
}
