//! The outcome of each check of a token, for users who want to know why it is refused.

use restctl_contract::issuer::TrustedIssuer;
use restctl_contract::json::Json;

use crate::advice::{Advice, advise, claims_read_by};
use crate::check::Check;
use crate::claims::{LEEWAY_SECONDS, UnverifiedClaims, numeric_date};
use crate::key_set::KeySet;
use crate::limits::MAX_TOKEN_BYTES;
use crate::profile::{TokenUse, grant_claims, readable_path, token_use};
use crate::refusal::Refusal;
use crate::sanitize::sanitize;
use crate::verification::Verification;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// In the order in which [`crate::verify`] runs the checks.
    pub checks: Vec<CheckReport>,
    /// What to know about the check that fails first, if the token's claims tell more than its report.
    pub advice: Option<Advice>,
}

/// One check, its outcome, and the values that it compared.
///
/// The texts have no control characters and at most [`crate::MAX_SHOWN_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    pub check: Check,
    pub outcome: CheckOutcome,
    /// What the token says; empty if it cannot be read. Without a good signature, anyone may have written it.
    pub found: String,
    /// What the API requires.
    pub expected: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    Passed,
    Failed(Refusal),
    /// The check did not run, because an earlier failure left nothing to check.
    NotReached,
}

impl Explanation {
    /// Returns the failed check for which [`crate::verify`] refuses the token.
    pub fn first_failure(&self) -> Option<(&CheckReport, &Refusal)> {
        self.checks.iter().find_map(|report| match &report.outcome {
            CheckOutcome::Failed(refusal) => Some((report, refusal)),
            CheckOutcome::Passed | CheckOutcome::NotReached => None,
        })
    }
}

/// Runs the checks of [`crate::verify`], and continues after a failure.
pub fn explain(token: &str, keys: &KeySet, issuer: &TrustedIssuer, now: u64) -> Explanation {
    let mut verification = Verification::new(token, keys, issuer, now);
    let checks = Check::for_provider(issuer.provider).map(|check| {
        let outcome = match verification.run_check(check) {
            Some(Ok(())) => CheckOutcome::Passed,
            Some(Err(refusal)) => CheckOutcome::Failed(refusal),
            None => CheckOutcome::NotReached,
        };
        let found = describe_found(&verification, check).unwrap_or_default();
        let expected = describe_expected(&verification, check);
        CheckReport { check, outcome, found: sanitize(&found), expected: sanitize(&expected) }
    });
    let mut explanation = Explanation { checks: checks.collect(), advice: None };
    let first_failure = explanation.first_failure().map(|(report, refusal)| (report.check, refusal.clone()));
    explanation.advice = first_failure.and_then(|(check, refusal)| advise(&verification, check, &refusal));
    explanation
}

fn describe_expected(verification: &Verification<'_>, check: Check) -> String {
    let issuer = verification.issuer;
    match check {
        Check::Size => format!("{MAX_TOKEN_BYTES} bytes or fewer"),
        Check::Shape => "3 parts in base64url".to_owned(),
        Check::Header => "a JSON object with alg, each parameter once".to_owned(),
        Check::Algorithm => issuer.algorithms.iter().map(|name| name.name()).collect::<Vec<_>>().join(", "),
        Check::Type => "JWT, at+jwt, Bearer or none".to_owned(),
        Check::CriticalParameters => "none".to_owned(),
        Check::Key => verification.keys.summary(),
        Check::Signature => "one that the key verifies".to_owned(),
        Check::Payload => "a JSON object, each claim once".to_owned(),
        Check::Expiry => "later than now".to_owned(),
        Check::NotBefore | Check::IssuedAt => {
            format!("not later than {LEEWAY_SECONDS} s from now, or none")
        }
        Check::Issuer => issuer.issuer.clone(),
        Check::Audience | Check::Client => issuer.audiences.join(" or "),
        Check::TokenUse => token_use(issuer.provider).map(describe_use).unwrap_or_default(),
        Check::Subject => "a string, or none".to_owned(),
        Check::Scope => {
            format!("{} in {}", issuer.scope, claims_read_by(check, issuer).join(" or "))
        }
    }
}

fn describe_found(verification: &Verification<'_>, check: Check) -> Option<String> {
    let header = verification.header.as_ref();
    let claims = verification.claims.as_ref();
    let or_none = |text: Option<&String>| text.map_or("none".to_owned(), String::clone);
    Some(match check {
        Check::Size => format!("{} bytes", verification.token.len()),
        Check::Shape => format!("{} parts", verification.token.split('.').count()),
        Check::Header => String::from_utf8_lossy(&verification.parts.as_ref()?.header).into_owned(),
        Check::Algorithm => header?.alg.clone(),
        Check::Type => or_none(header?.typ.as_ref()),
        Check::CriticalParameters => describe_value(header?.crit.as_ref()),
        Check::Key => format!("{} ({})", or_none(header?.kid.as_ref()), header?.alg),
        Check::Signature => format!("{} bytes", verification.parts.as_ref()?.signature.len()),
        Check::Payload => format!("{} bytes", verification.parts.as_ref()?.payload.len()),
        Check::Expiry => describe_date("exp", claims?.get("exp"), verification.now),
        Check::NotBefore => describe_date("nbf", claims?.get("nbf"), verification.now),
        Check::IssuedAt => describe_date("iat", claims?.get("iat"), verification.now),
        Check::Issuer => describe_value(claims?.get("iss")),
        Check::Audience => describe_value(claims?.get("aud")),
        Check::Client => describe_value(claims?.get("client_id")),
        Check::TokenUse => describe_claims(claims?, &claims_read_by(check, verification.issuer)),
        Check::Subject => describe_value(claims?.get("sub")),
        Check::Scope => describe_grants(claims?, verification.issuer),
    })
}

fn describe_use(token_use: TokenUse) -> String {
    match token_use {
        TokenUse::Equals { claim, value } => format!("{claim} {value}"),
        TokenUse::NamesClient { claims } => claims.join(" or "),
    }
}

fn describe_claims(claims: &UnverifiedClaims, names: &[String]) -> String {
    let described = names.iter().map(|name| format!("{name} {}", describe_value(claims.get(name))));
    described.collect::<Vec<_>>().join("; ")
}

/// Returns each claim that grants, with its value.
fn describe_grants(claims: &UnverifiedClaims, issuer: &TrustedIssuer) -> String {
    let described = grant_claims(issuer).into_iter().map(|claim| {
        let value = claims.find(&claim.names).map_or_else(|_| "unreadable".to_owned(), describe_value);
        format!("{} {value}", readable_path(&claim.names))
    });
    described.collect::<Vec<_>>().join("; ")
}

/// Returns a string as it is and any other value as JSON.
fn describe_value(claim: Option<&Json>) -> String {
    match claim {
        None => "none".to_owned(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Returns a NumericDate with its distance from `now`.
fn describe_date(name: &'static str, claim: Option<&Json>, now: u64) -> String {
    let date = describe_value(claim);
    match claim.and_then(|claim| numeric_date(name, claim).ok()) {
        Some(then) if then > now => format!("{date}, in {} s", then - now),
        Some(then) => format!("{date}, {} s ago", now - then),
        None => date,
    }
}
