//! The load balancer's check of tokens, which has limits of its own ("Verify JWTs using an Application Load Balancer", Elastic Load
//! Balancing).

use restctl_contract::issuer::{Algorithm, TrustedIssuer};
use restctl_contract::template::parameter;

use crate::failure::{Failure, Result};
use crate::identity::cognito::COGNITO;
use crate::identity::policy;
use crate::identity::settings::Settings;
use crate::terminal::output;

/// The most characters of the issuer and of the address of its keys ("JwtValidationActionConfig").
const MAX_CHARACTERS: usize = 256;

/// With more keys, it forwards no request. Nor does it with a key set of more than 150 KB, but restctl and the API read no set
/// as large as that.
const MAX_KEYS: usize = 10;

const OFF: &str = "restctl deploy --edge-jwt off, and the API alone verifies tokens";

/// Returns the parameters that name the issuer whose tokens the load balancer lets pass. They are empty if it checks none, or
/// those of the stack's own user pool.
pub(super) async fn read_parameters(
    is_on: bool,
    idp: &str,
    settings: &Settings,
) -> Result<[(&'static str, String); 2]> {
    let issuer = if is_on { find_issuer(idp == COGNITO, settings.issuers())? } else { None };
    if let Some(issuer) = issuer {
        match policy::fetch_keys(issuer).await {
            Ok(keys) => check_key_count(issuer, keys.reports().len())?,
            // This machine need not reach the provider.
            Err(failure) => output::print_message(format!(
                "note: it is unknown whether the issuer's keys are within the load balancer's limits, {MAX_KEYS} keys and 150 KB: {}",
                failure.to_single_line()
            )),
        }
    }
    let text = |text: fn(&TrustedIssuer) -> &String| issuer.map(text).cloned().unwrap_or_default();
    Ok([
        (parameter::EDGE_JWT_ISSUER, text(|issuer| &issuer.issuer)),
        (parameter::EDGE_JWT_JWKS_URI, text(|issuer| &issuer.jwks_uri)),
    ])
}

/// Returns the trusted issuer, or `None` if it is the stack's own user pool. It must be one that the load balancer can check.
fn find_issuer(has_own: bool, issuers: &[TrustedIssuer]) -> Result<Option<&TrustedIssuer>> {
    match (has_own, issuers) {
        (true, []) => Ok(None),
        (false, [issuer]) => check_issuer(issuer).map(|()| Some(issuer)),
        (has_own, issuers) => {
            let own = has_own.then_some("the stack's own user pool");
            let trusted: Vec<&str> = issuers.iter().map(|issuer| issuer.issuer.as_str()).chain(own).collect();
            Err(Failure::usage("--edge-jwt on works with one trusted issuer only")
                .why(format!(
                    "the load balancer would refuse the tokens of all but one of {}",
                    trusted.join(", ")
                ))
                .next(format!(
                    "{OFF};\nor trust one issuer only: restctl idp remove URL for each of the others"
                )))
        }
    }
}

fn check_issuer(issuer: &TrustedIssuer) -> Result<()> {
    let name = &issuer.issuer;
    if !issuer.algorithms.contains(&Algorithm::Rs256) {
        return Err(Failure::usage("--edge-jwt on works with RS256 only")
            .why(format!("the tokens of {name} have other algorithms"))
            .next(OFF));
    }
    if [name, &issuer.jwks_uri].iter().any(|text| text.chars().count() > MAX_CHARACTERS) {
        return Err(Failure::usage("--edge-jwt on does not work with this issuer")
            .why(format!(
                "its name or the address of its keys has more than {MAX_CHARACTERS} characters: {name}"
            ))
            .next(OFF));
    }
    Ok(())
}

fn check_key_count(issuer: &TrustedIssuer, keys: usize) -> Result<()> {
    if keys <= MAX_KEYS {
        return Ok(());
    }
    Err(Failure::usage("--edge-jwt on does not work with this issuer")
        .why(format!(
            "the load balancer reads at most {MAX_KEYS} keys, and {} has {keys} of {}",
            issuer.jwks_uri, issuer.issuer
        ))
        .next(OFF))
}

#[cfg(test)]
mod tests {
    use restctl_contract::issuer;
    use serde_json::json;

    use super::*;

    fn issuer(name: &str, algorithm: &str) -> TrustedIssuer {
        let issuer = json!([{
            "issuer": name, "provider": "openid", "audiences": ["x"], "scope": "x",
            "jwks_uri": "https://idp.example.com/keys", "algorithms": [algorithm],
        }]);
        issuer::from_json(&issuer.to_string()).unwrap().remove(0)
    }

    #[test]
    fn the_load_balancer_checks_one_issuer_within_its_limits() {
        let (one, other) = (issuer("https://a/", "RS256"), issuer("https://b/", "RS256"));
        let found = |has_own, issuers: &[TrustedIssuer]| {
            find_issuer(has_own, issuers).map(|found| found.map(|found| found.issuer.clone()))
        };
        assert_eq!(found(true, &[]).unwrap(), None);
        assert_eq!(found(false, std::slice::from_ref(&one)).unwrap().as_deref(), Some("https://a/"));
        let long = issuer(&format!("https://a/{}", "x".repeat(MAX_CHARACTERS)), "RS256");
        for (has_own, issuers, words) in [
            (false, &[one.clone(), other][..], "one trusted issuer only"),
            (true, std::slice::from_ref(&one), "one trusted issuer only"),
            (false, &[issuer("https://a/", "ES256")], "RS256 only"),
            (false, &[long], "more than 256 characters"),
        ] {
            let refused = found(has_own, issuers).unwrap_err().to_string();
            assert!(refused.contains(words) && refused.contains("--edge-jwt off"), "{refused}");
        }
        assert!(check_key_count(&one, MAX_KEYS).is_ok());
        let refused = check_key_count(&one, MAX_KEYS + 1).unwrap_err().to_string();
        assert!(refused.contains("at most 10 keys"), "{refused}");
    }
}
