//! Ways to send a token. The only good one is a single `Authorization` header (RFC 6750, section 2.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::attempt::{Attempt, ExpectedAnswer};
use crate::token::ForgedToken;

const NO_TOKEN: ExpectedAnswer =
    ExpectedAnswer { status: 401, problem: Some("token-missing"), challenge: Some("") };

const REFUSED: ExpectedAnswer =
    ExpectedAnswer { status: 401, problem: Some("token-refused"), challenge: Some("invalid_token") };

const REPEATED: ExpectedAnswer = ExpectedAnswer {
    status: 400,
    problem: Some("authorization-repeated"),
    challenge: Some("invalid_request"),
};

/// Returns a good request with a bad token.
pub(crate) fn send_forged_token(forged: ForgedToken, path: &str) -> Attempt {
    let authorization = format!("Bearer {}", forged.token);
    get_request(&forged.name, path, &[("authorization", &authorization)], REFUSED)
}

/// Returns bad requests for the item at `path` with a good token, and some without any. They do not depend on who issued it.
pub fn forge_presentations(token: &str, path: &str) -> Vec<Attempt> {
    let mut attempts = without_token(path);
    attempts.extend(in_other_places(token, path));
    attempts.extend(malformed_headers(token, path));
    attempts.extend(repeated_headers(token, path));
    attempts
}

fn without_token(path: &str) -> Vec<Attempt> {
    let with = |name, value| get_request(name, path, &[("authorization", value)], NO_TOKEN);
    vec![
        get_request("no token", path, &[], NO_TOKEN),
        Attempt { method: "POST", ..get_request("no token, POST", path, &[], NO_TOKEN) },
        Attempt { method: "OPTIONS", ..get_request("no token, OPTIONS", path, &[], NO_TOKEN) },
        Attempt {
            method: "HEAD",
            ..get_request("no token, HEAD", path, &[], ExpectedAnswer { problem: None, ..NO_TOKEN })
        },
        with("empty Authorization header", ""),
        with("Bearer without a token", "Bearer"),
        with("Bearer and a space", "Bearer "),
    ]
}

fn in_other_places(token: &str, path: &str) -> Vec<Attempt> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let field = format!("access_token={token}");
    let in_header = |header: &str, value: &str| {
        get_request(&format!("token in the header {header}"), path, &[(header, value)], NO_TOKEN)
    };
    let bearer = format!("Bearer {token}");
    let form = ("content-type", "application/x-www-form-urlencoded");
    vec![
        get_request("token in the query", &format!("{path}{separator}{field}"), &[], NO_TOKEN),
        Attempt {
            method: "POST",
            body: field.clone(),
            ..get_request("token in a form", path, &[form], NO_TOKEN)
        },
        in_header("cookie", &field),
        in_header("x-authorization", &bearer),
        in_header("x-forwarded-authorization", &bearer),
        in_header("x-access-token", token),
        in_header("proxy-authorization", &bearer),
        // A load balancer adds this header if it signs users in itself.
        in_header("x-amzn-oidc-accesstoken", token),
    ]
}

fn malformed_headers(token: &str, path: &str) -> Vec<Attempt> {
    let with =
        |name: &str, value: String, expected| get_request(name, path, &[("authorization", &value)], expected);
    vec![
        with(
            "Basic with the token as user",
            format!("Basic {}", STANDARD.encode(format!("{token}:"))),
            NO_TOKEN,
        ),
        with("scheme DPoP", format!("DPoP {token}"), NO_TOKEN),
        with("scheme Token", format!("Token {token}"), NO_TOKEN),
        with("no scheme", token.to_owned(), NO_TOKEN),
        with("scheme with a colon", format!("Bearer: {token}"), NO_TOKEN),
        with("scheme and token run together", format!("Bearer{token}"), NO_TOKEN),
        with("token in quotes", format!("Bearer \"{token}\""), REFUSED),
        with("token twice with a space", format!("Bearer {token} {token}"), REFUSED),
        with("token twice with a comma", format!("Bearer {token},{token}"), REFUSED),
        with("credentials twice in one header", format!("Bearer {token}, Bearer {token}"), REFUSED),
        with("credentials after a parameter", format!("Bearer realm=\"restctl\", {token}"), REFUSED),
    ]
}

fn repeated_headers(token: &str, path: &str) -> Vec<Attempt> {
    let (good, bad) = (format!("Bearer {token}"), "Bearer a.b.c");
    let twice = |name, first: &str, second: &str| {
        get_request(name, path, &[("authorization", first), ("authorization", second)], REPEATED)
    };
    vec![
        twice("two good Authorization headers", &good, &good),
        twice("a good Authorization header before a bad one", &good, bad),
        twice("a bad Authorization header before a good one", bad, &good),
        twice("Basic before a good Authorization header", "Basic dTpw", &good),
    ]
}

fn get_request(name: &str, path: &str, headers: &[(&str, &str)], expected: ExpectedAnswer) -> Attempt {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Attempt {
        name: name.to_owned(),
        method: "GET",
        path: path.to_owned(),
        headers: headers.iter().map(owned).collect(),
        body: String::new(),
        expected,
    }
}
