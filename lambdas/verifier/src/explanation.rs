//! What became of each check of a token, for whoever wants to know why it is refused.

use serde_json::Value;

use crate::check::Check;
use crate::claims::{LEEWAY_SECONDS, Policy, Unjudged, seconds};
use crate::key_set::KeySet;
use crate::provider::Provider;
use crate::refusal::Refusal;
use crate::sanitize::shown;
use crate::verification::{Judgement, MAX_TOKEN_BYTES};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// In the order in which [`crate::verify`] makes the checks.
    pub findings: Vec<Finding>,
}

/// Its texts hold no control characters and at most [`MAX_SHOWN_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub check: Check,
    pub verdict: Verdict,
    /// What the token says; empty where that cannot be read. Only as true as the signature.
    pub found: String,
    /// What the policy asks for.
    pub expected: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed(Refusal),
    /// What it looks at could not be read, because an earlier check failed.
    NotReached,
}

impl Explanation {
    /// The check for which [`crate::verify`] refuses the token.
    pub fn first_failure(&self) -> Option<(&Finding, &Refusal)> {
        self.findings.iter().find_map(|finding| match &finding.verdict {
            Verdict::Failed(refusal) => Some((finding, refusal)),
            Verdict::Passed | Verdict::NotReached => None,
        })
    }
}

/// Makes the checks of [`crate::verify`], and goes on after one has failed.
pub fn explain(token: &str, keys: &KeySet, policy: &Policy, now: u64) -> Explanation {
    let mut judgement = Judgement::new(token, keys, policy, now);
    let findings = Check::asked_of(policy.provider).map(|check| {
        let verdict = match judgement.make(check) {
            Some(Ok(())) => Verdict::Passed,
            Some(Err(refusal)) => Verdict::Failed(refusal),
            None => Verdict::NotReached,
        };
        let found = found(&judgement, check).unwrap_or_default();
        Finding { check, verdict, found: shown(&found), expected: shown(&expected(&judgement, check)) }
    });
    Explanation { findings: findings.collect() }
}

fn expected(judgement: &Judgement<'_>, check: Check) -> String {
    let policy = judgement.policy;
    match check {
        Check::Size => format!("{MAX_TOKEN_BYTES} bytes or fewer"),
        Check::Shape => "3 parts in base64url".to_owned(),
        Check::Header => "a JSON object with alg, each parameter once".to_owned(),
        Check::Algorithm => "RS256, PS256 or ES256".to_owned(),
        Check::Type => "JWT, at+jwt or none".to_owned(),
        Check::CriticalParameters => "none".to_owned(),
        Check::Key => judgement.keys.names(),
        Check::Signature => "one that the key verifies".to_owned(),
        Check::Payload => "a JSON object, each claim once".to_owned(),
        Check::Expiry => "later than now".to_owned(),
        Check::NotBefore | Check::IssuedAt => {
            format!("not later than {LEEWAY_SECONDS} s from now, or none")
        }
        Check::Issuer => policy.issuer.clone(),
        Check::Audience | Check::Client => policy.audience.clone(),
        Check::TokenUse => "access".to_owned(),
        Check::Subject => "a text, or none".to_owned(),
        Check::Scope => policy.scope.clone(),
    }
}

fn found(judgement: &Judgement<'_>, check: Check) -> Option<String> {
    let header = judgement.header.as_ref();
    let claims = judgement.claims.as_ref();
    let text = |text: Option<&String>| text.map_or("none".to_owned(), String::clone);
    Some(match check {
        Check::Size => format!("{} bytes", judgement.token.len()),
        Check::Shape => format!("{} parts", judgement.token.split('.').count()),
        Check::Header => String::from_utf8_lossy(&judgement.parts.as_ref()?.header).into_owned(),
        Check::Algorithm => header?.alg.clone(),
        Check::Type => text(header?.typ.as_ref()),
        Check::CriticalParameters => value(header?.crit.as_ref()),
        Check::Key => format!("{} ({})", text(header?.kid.as_ref()), header?.alg),
        Check::Signature => format!("{} characters", judgement.parts.as_ref()?.signature.len()),
        Check::Payload => format!("{} bytes", judgement.parts.as_ref()?.payload.len()),
        Check::Expiry => moment("exp", claims?.exp.as_ref(), judgement.now),
        Check::NotBefore => moment("nbf", claims?.nbf.as_ref(), judgement.now),
        Check::IssuedAt => moment("iat", claims?.iat.as_ref(), judgement.now),
        Check::Issuer => value(claims?.iss.as_ref()),
        Check::Audience => value(claims?.aud.as_ref()),
        Check::Client => value(claims?.client_id.as_ref()),
        Check::TokenUse => value(claims?.token_use.as_ref()),
        Check::Subject => value(claims?.sub.as_ref()),
        Check::Scope => scope(claims?, judgement.policy.provider),
    })
}

fn scope(claims: &Unjudged, provider: Provider) -> String {
    let scope = value(claims.scope.as_ref());
    match &claims.permissions {
        Some(permissions) if provider == Provider::Auth0 => format!("{scope}; permissions {permissions}"),
        _ => scope,
    }
}

/// A text as it is, all else as JSON.
fn value(claim: Option<&Value>) -> String {
    match claim {
        None => "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A NumericDate and how far off it is.
fn moment(name: &'static str, claim: Option<&Value>, now: u64) -> String {
    let date = value(claim);
    match claim.and_then(|claim| seconds(name, claim).ok()) {
        Some(then) if then > now => format!("{date}, in {} s", then - now),
        Some(then) => format!("{date}, {} s ago", now - then),
        None => date,
    }
}
