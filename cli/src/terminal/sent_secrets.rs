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
        forms.extend(base64_forms_within_others(secret));
        Self::new(forms, "[client secret]")
    }

    /// An access token: whole, or only its signature, without which the rest is worth nothing.
    pub(crate) fn of_token(token: &str) -> Self {
        Self::of_jwt(token, "[access token]")
    }

    /// The assertion with which a client authenticates (RFC 7523): whole, or only its signature.
    pub(crate) fn of_assertion(assertion: &str) -> Self {
        Self::of_jwt(assertion, "[client assertion]")
    }

    fn of_jwt(token: &str, name: &'static str) -> Self {
        let mut forms = vec![token.to_owned()];
        if let Some((_, signature)) = token.rsplit_once('.').filter(|(_, signature)| !signature.is_empty()) {
            forms.extend(text_forms(signature));
            forms.extend(base64_forms_within_others(signature));
        }
        forms.extend(base64_forms(token));
        Self::new(forms, name)
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
    let mut forms = vec![form, percent, path];
    forms.extend(forms.iter().map(|text| lower_case_escapes(text)).collect::<Vec<_>>());
    // What is encoded may be encoded again, as part of a URL.
    forms.extend(forms.iter().map(|text| text.replace('%', "%25")).collect::<Vec<_>>());
    let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    // A shorter one would be found in many tokens.
    if hexadecimal.len() >= MIN_LENGTH {
        forms.extend([hexadecimal.to_uppercase(), hexadecimal]);
    }
    forms.extend(html_forms(secret));
    forms.extend([secret.to_owned(), json, slashes]);
    forms
}

/// Returns the text as HTML has it, whose quotes have several names.
fn html_forms(text: &str) -> Vec<String> {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let quotes = [("&quot;", "&#39;"), ("&#34;", "&#39;"), ("&quot;", "&#x27;"), ("\"", "'")];
    quotes.map(|(double, single)| text.replace('"', double).replace('\'', single)).into()
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

/// Returns what base64 shows of `text` if it is within a longer text, such as the form that was sent: that depends only on the
/// place of its first byte among three.
fn base64_forms_within_others(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for place in 0..3 {
        let before = vec![0; place];
        let encoded = STANDARD_NO_PAD.encode([&before, text.as_bytes()].concat());
        // The characters at both ends share bits with what is around the text.
        let (start, end) = ((place * 8).div_ceil(6), (place + text.len()) * 8 / 6);
        let form = encoded.get(start..end).unwrap_or_default().to_owned();
        // A form so short would be found anywhere.
        if form.len() >= MIN_LENGTH {
            forms.extend([form.replace('+', "-").replace('/', "_"), form]);
        }
    }
    forms
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
            "s%253Ae+c%252Br%252Ft%2522%257E%25C3%25A9",
            "s%253ae%2520c%252br%252ft%2522%257e%25c3%25a9",
            "733a6520632b722f74227ec3a9",
            "733A6520632B722F74227EC3A9",
            "s:e c+r/t&quot;~é",
            "s:e c+r/t&#34;~é",
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
    fn a_secret_is_removed_from_an_encoded_request() {
        let secret = "correct horse battery staple?";
        let sent = SentSecret::of_client("id", secret);
        for before in ["", "a", "ab", "grant_type=client_credentials&client_secret="] {
            let encoded = STANDARD.encode(format!("{before}{secret}&scope=x"));
            let redacted = sent.redact(&encoded);
            assert!(redacted.contains("[client secret]"), "{redacted}");
            let rest = redacted.replace("[client secret]", "");
            assert!(rest.len() <= encoded.len() - secret.len() * 4 / 3 + 3, "{encoded}: {redacted}");
        }
        assert_eq!(
            SentSecret::of_client("id", "a").redact("Bad request"),
            "Bad request".replace('a', "[client secret]")
        );
    }

    #[test]
    fn an_assertion_is_removed_whole_or_by_its_signature() {
        let sent = SentSecret::of_assertion("head.claims.signature-_0123456789");
        assert_eq!(sent.redact("bad head.claims.signature-_0123456789!"), "bad [client assertion]!");
        assert_eq!(sent.redact("head.claims, signature%2D%5F0123456789"), "head.claims, [client assertion]");
        let encoded = STANDARD.encode("client_assertion=head.claims.signature-_0123456789");
        assert!(sent.redact(&encoded).contains("[client assertion]"), "{}", sent.redact(&encoded));
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
