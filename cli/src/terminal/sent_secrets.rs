//! Secrets that this process sent to others. An answer may repeat one in any text, so they are removed from
//! everything that is printed.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A shorter form is too likely to be part of other words. The sender of such a secret removes it from the answer itself.
const MIN_LENGTH: usize = 8;

/// It grows with each secret that is sent, which are a few in each process.
static SENT: Mutex<Vec<SentSecret>> = Mutex::new(Vec::new());

/// A secret in the forms in which others may repeat it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SentSecret {
    /// The longest first.
    forms: Vec<String>,
    name: &'static str,
}

impl SentSecret {
    /// The secret of the client `id`: as it is, encoded for forms, URLs and JSON, and in HTTP's basic authentication
    /// (RFC 6749, section 2.3.1).
    pub(crate) fn of_client(id: &str, secret: &str) -> Self {
        let form = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pairs = [format!("{id}:{secret}"), format!("{}:{}", form(id), form(secret)), secret.to_owned()];
        let mut forms = text_forms(secret);
        forms.extend(pairs.iter().flat_map(|pair| base64_forms(pair)));
        Self::new(forms, "[client secret]")
    }

    /// An access token: whole, or only its signature, without which the rest is worth nothing.
    pub(crate) fn of_token(token: &str) -> Self {
        let mut forms = vec![token.to_owned()];
        forms.extend(token.rsplit_once('.').map(|(_, signature)| signature.to_owned()));
        forms.extend(base64_forms(token));
        Self::new(forms, "[access token]")
    }

    fn new(mut forms: Vec<String>, name: &'static str) -> Self {
        forms.retain(|form| !form.is_empty());
        forms.sort_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        forms.dedup();
        Self { forms, name }
    }

    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form))
    }

    /// Returns `text` without the secret, however short it is.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.redact_forms(text, 1)
    }

    fn redact_forms(&self, text: &str, min_length: usize) -> String {
        let forms = self.forms.iter().filter(|form| form.len() >= min_length);
        forms.fold(text.to_owned(), |text, form| text.replace(form, self.name))
    }

    /// Removes the secret from everything that is printed from now on.
    pub(crate) fn remember(self) {
        let mut sent = SENT.lock().unwrap_or_else(PoisonError::into_inner);
        if !sent.contains(&self) {
            sent.push(self);
        }
    }
}

/// Returns `text` without the secrets that were sent.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let sent = SENT.lock().unwrap_or_else(PoisonError::into_inner);
    let found = sent.iter().filter(|secret| secret.is_in(text));
    found.fold(Cow::Borrowed(text), |text, secret| Cow::Owned(secret.redact_forms(&text, MIN_LENGTH)))
}

fn text_forms(secret: &str) -> Vec<String> {
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    // Unreserved characters may stay as they are (RFC 3986, section 2.3).
    let path = form.replace('+', "%20");
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_matches('"').to_owned();
    let slashes = json.replace('/', "\\/");
    let lower_case = |text: &String| lower_case_escapes(text);
    let mut forms = vec![form, percent, path];
    forms.extend(forms.iter().map(lower_case).collect::<Vec<_>>());
    forms.extend([secret.to_owned(), json, slashes]);
    forms
}

/// Writes `%2F` as `%2f`.
fn lower_case_escapes(text: &str) -> String {
    let mut parts = text.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        lower.push_str(&format!("%{}{rest}", digits.to_lowercase()));
    }
    lower
}

fn base64_forms(text: &str) -> Vec<String> {
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].map(|engine| engine.encode(text)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_secret_is_removed_in_each_form() {
        let (id, secret) = ("my client", "s:e c+r/t\"~é");
        let sent = SentSecret::of_client(id, secret);
        for form in [
            secret,
            "s%3Ae+c%2Br%2Ft%22%7E%C3%A9",
            "s%3ae%20c%2br%2ft%22%7e%c3%a9",
            r#"s:e c+r/t\"~é"#,
            r#"s:e c+r\/t\"~é"#,
            &STANDARD.encode("my client:s:e c+r/t\"~é"),
            &URL_SAFE_NO_PAD.encode("my+client:s%3Ae+c%2Br%2Ft%22%7E%C3%A9"),
            &STANDARD.encode(secret),
        ] {
            assert_eq!(
                sent.redact(&format!("a {form} b {form}")),
                "a [client secret] b [client secret]",
                "{form}"
            );
        }
        assert_eq!(SentSecret::of_client("id", "abc").redact("abc"), "[client secret]");
        assert_eq!(SentSecret::of_client("id", "").redact("nothing"), "nothing");
    }

    #[test]
    fn a_token_is_removed_whole_or_by_its_signature() {
        let sent = SentSecret::of_token("head.claims.signature");
        assert_eq!(sent.redact("Bearer head.claims.signature!"), "Bearer [access token]!");
        assert_eq!(sent.redact("head.claims has signature"), "head.claims has [access token]");
    }

    #[test]
    fn a_remembered_secret_is_in_nothing_that_is_printed() {
        SentSecret::of_client("id", "remembered secret").remember();
        SentSecret::of_client("id", "word").remember();
        assert_eq!(redact("the remembered secret, a word"), "the [client secret], a word");
    }
}
