//! What to do about a token that the API refuses.

use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_verifier::{Advice, Cause, Check, CheckReport, SettingOption};

use crate::failure::shell_argument;

/// Names the claims that the check read, and what they say.
pub(crate) fn describe_claims(advice: &Advice, report: &CheckReport) -> String {
    match report.check {
        // Their reports name each claim.
        Check::Scope | Check::TokenUse => format!("found {}; expected {}", report.found, report.expected),
        Check::Key | Check::Signature => {
            format!("anyone may have written its {}", advice.claims_read.join(", "))
        }
        _ => {
            format!("found {} {}; expected {}", advice.claims_read.join(", "), report.found, report.expected)
        }
    }
}

/// Returns what to do about a token whose claims show why it is refused, with the command that accepts the token if there is
/// a good one. The rules of the stack's own user pool are the stack's, and no command changes them.
pub(crate) fn describe_remedy(advice: &Advice, trusted: &TrustedIssuer, is_user_pool: bool) -> String {
    let issuer = shell_argument(&trusted.issuer, "the issuer");
    let audience = shell_argument(trusted.audiences.first().map_or("", String::as_str), "the API's audience");
    let scope = shell_argument(&trusted.scope, "the stack's scope");
    let setting = command_for_setting(advice, trusted).filter(|_| !is_user_pool);
    let or_setting = |condition: &str| {
        setting.as_ref().map(|command| format!("; or{condition}: {command}")).unwrap_or_default()
    };
    match &advice.cause {
        Cause::SignedForAnotherIssuer { .. } => format!(
            "get a token from {issuer}; or trust one more issuer: restctl idp add --issuer URL --audience AUDIENCE, then \
             restctl deploy"
        ),
        Cause::OktaOrgServer => {
            "use a custom authorization server, because only Okta can verify the tokens of the org itself: restctl setup \
             --issuer https://ORG.okta.com/oauth2/ID, then restctl deploy"
                .to_owned()
        }
        Cause::AnotherIssuer => format!("get a token from {issuer}{}", or_setting(", if it is the same provider")),
        Cause::IssuerSlash => format!("have the provider use one spelling of its issuer{}", or_setting("")),
        Cause::EntraTokenVersion { issued } => {
            let wanted = if *issued == 2 { 1 } else { 2 };
            format!(
                "set requestedAccessTokenVersion to {wanted} in the manifest of the API's app registration and get a new \
                 token{}",
                or_setting("")
            )
        }
        Cause::NoAudience => match trusted.provider {
            Provider::Keycloak => remedy_for_keycloak_audience(&audience),
            Provider::Auth0 => format!("request a token with audience={audience}"),
            _ => format!("have the provider put {audience} into aud"),
        },
        Cause::KeycloakAudienceMapper => remedy_for_keycloak_audience(&audience),
        Cause::AudienceSlash => format!("request exactly the audience {audience}{}", or_setting("")),
        Cause::ApplicationIdUri => {
            format!("request the audience {audience}{}", or_setting(", to accept both forms of the application's ID"))
        }
        Cause::EntraOtherResource => format!("request a token with scope={audience}/.default"),
        Cause::OtherAudiences { .. } => {
            format!("request the audience {audience} from the provider{}", or_setting(", if the token's is this API"))
        }
        Cause::OtherClient => format!("use a client that is allowed{}", or_setting(", to allow this one, too")),
        Cause::NotAnAccessToken => "send the access token, not the ID token or another one".to_owned(),
        Cause::BoundToClientKey => {
            "turn DPoP off for the client in Keycloak, because the API takes bearer tokens".to_owned()
        }
        Cause::NotOfThisProvider => format!(
            "check the kind of the provider, because each token of {} has the claim{}",
            trusted.provider,
            or_setting(", if it is another kind")
        ),
        Cause::GrantElsewhere { claim, providers } => {
            let claim = shell_argument(claim, "that claim");
            let kinds: Vec<&str> = providers.iter().map(|provider| provider.name()).collect();
            let mut remedy = format!("grant {scope} in a claim that counts");
            if !kinds.is_empty() && !is_user_pool {
                let command = idp_add(trusted, "--provider KIND");
                remedy.push_str(&format!("; or, if the provider is {}: {command}", kinds.join(" or ")));
            }
            remedy + &or_setting(&format!(", if clients cannot choose what {claim} says"))
        }
        Cause::GrantsInOtherForm { claim } => {
            let claim = shell_argument(claim, "the claim");
            format!("have the provider write {claim} as it documents it{}", or_setting(""))
        }
        Cause::GrantWrittenOtherwise { .. } => {
            format!("grant exactly {scope}{}", or_setting(", to require it as the token has it"))
        }
        Cause::NotGranted => format!(
            "{} and get a new token{}",
            remedy_for_grant(trusted.provider, &scope),
            or_idp_add(trusted, "--scope SCOPE", is_user_pool)
        ),
    }
}

/// Returns what to do about a token that fails this check first, and whose claims do not show why.
pub(crate) fn describe_check_remedy(check: Check, trusted: &TrustedIssuer, is_user_pool: bool) -> String {
    let issuer = shell_argument(&trusted.issuer, "the issuer");
    let audience =
        shell_argument(trusted.audiences.first().map_or("", String::as_str), "that the stack expects");
    let scope = shell_argument(&trusted.scope, "the stack's scope");
    let or_idp_add = |arguments| or_idp_add(trusted, arguments, is_user_pool);
    match check {
        Check::Size | Check::Header | Check::Payload => {
            "give the whole access token as the provider sent it, and nothing else".to_owned()
        }
        Check::Shape => "give the whole access token as the provider sent it, and nothing else; if this is all of it, it is \
                         opaque, and restctl token says what to change at the provider"
            .to_owned(),
        Check::Algorithm => format!(
            "have the provider sign access tokens with {}{}",
            trusted.algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(" or "),
            or_idp_add("--algorithms LIST")
        ),
        Check::Type => "send the access token, not another token of the provider".to_owned(),
        Check::CriticalParameters => "have the provider leave out crit".to_owned(),
        Check::Key | Check::Signature => {
            format!(
                "get a token that {issuer} signs with its current keys: restctl token --fresh;\n\
                 if that one is refused, too, the issuer does not publish the key that it signs with: tell its administrator"
            )
        }
        Check::Expiry => "get a new token: restctl token --fresh".to_owned(),
        Check::NotBefore | Check::IssuedAt => "compare this machine's clock with the issuer's".to_owned(),
        Check::Issuer => format!(
            "get a token from {issuer}; or trust another issuer: restctl idp add --issuer URL --audience AUDIENCE, then \
             restctl deploy"
        ),
        Check::Audience => format!(
            "request the audience {audience} from the provider{}",
            or_idp_add("--audience AUDIENCE")
        ),
        Check::Client => format!(
            "use a client that is allowed{}",
            or_idp_add("--audience ID, once for each client that the API shall accept")
        ),
        Check::TokenUse => "send the access token, not the ID token".to_owned(),
        Check::Subject => "have the provider send the subject as a string".to_owned(),
        Check::Scope => format!(
            "grant the client {scope} at the provider and get a new token{}",
            or_idp_add("--scope SCOPE")
        ),
    }
}

fn remedy_for_keycloak_audience(audience: &str) -> String {
    format!(
        "add a mapper of type Audience with {audience} to a client scope of the client in Keycloak and get a new token: \
         account is Keycloak's own audience"
    )
}

fn remedy_for_grant(provider: Provider, scope: &str) -> String {
    match provider {
        Provider::Auth0 => format!("grant the application {scope} of the API in Auth0"),
        Provider::Entra => {
            format!("give the client the app role {scope}, with an administrator's consent, in Entra")
        }
        Provider::Okta => {
            format!("allow the client {scope} in an access policy of the authorization server, request it")
        }
        Provider::Keycloak => {
            format!("give the client a client scope {scope}, or its service account a role of this name,")
        }
        Provider::Cognito => format!("allow the app client the custom scope {scope} (SERVER/SCOPE)"),
        Provider::OpenId => format!("grant the client {scope} at the provider"),
    }
}

/// Returns the command for the suggested setting, unless its values are unsafe in a command.
fn command_for_setting(advice: &Advice, trusted: &TrustedIssuer) -> Option<String> {
    let setting = advice.setting.as_ref()?;
    let arguments = setting.values.iter().map(|value| {
        let argument = shell_argument(value, "");
        (!argument.is_empty()).then(|| format!("{} {argument}", setting.option.name()))
    });
    let arguments: Vec<String> = arguments.collect::<Option<_>>()?;
    Some(match setting.option {
        SettingOption::Issuer => format!("restctl setup {}, then restctl deploy", arguments.join(" ")),
        _ => idp_add(trusted, &arguments.join(" ")),
    })
}

/// Changes the issuer whose rules refused the token, whether or not restctl's own tokens are from it.
fn idp_add(trusted: &TrustedIssuer, arguments: &str) -> String {
    let issuer = shell_argument(&trusted.issuer, "URL");
    format!("restctl idp add --issuer {issuer} {arguments}, then restctl deploy")
}

/// Returns the end of an advice whose alternative is that command. Empty if it would change the stack's own user pool.
fn or_idp_add(trusted: &TrustedIssuer, arguments: &str, is_user_pool: bool) -> String {
    if is_user_pool { String::new() } else { format!("; or {}", idp_add(trusted, arguments)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use restctl_contract::issuer::Algorithm;
    use restctl_verifier::SuggestedSetting;

    fn trusted(provider: Provider) -> TrustedIssuer {
        TrustedIssuer {
            issuer: "https://id.example.com".to_owned(),
            provider,
            audiences: vec!["https://api.example.com".to_owned()],
            scope: "read:items".to_owned(),
            grant_claims: Vec::new(),
            algorithms: Algorithm::defaults(),
            jwks_uri: "https://id.example.com/jwks".to_owned(),
            authorities: Vec::new(),
        }
    }

    fn advice(cause: Cause, setting: Option<(SettingOption, &[&str])>) -> Advice {
        let setting = setting.map(|(option, values)| SuggestedSetting {
            option,
            values: values.iter().map(ToString::to_string).collect(),
        });
        Advice { claims_read: Vec::new(), cause, setting }
    }

    #[test]
    fn a_remedy_has_the_whole_command() {
        for (provider, advice, remedy) in [
            (
                Provider::Auth0,
                advice(
                    Cause::GrantElsewhere {
                        claim: "scp".to_owned(),
                        providers: vec![Provider::Okta, Provider::OpenId],
                    },
                    Some((SettingOption::GrantClaim, &["scp"])),
                ),
                "grant read:items in a claim that counts; or, if the provider is okta or openid: restctl idp add --issuer \
                 https://id.example.com --provider KIND, then restctl deploy; or, if clients cannot choose what scp says: \
                 restctl idp add --issuer https://id.example.com --grant-claim scp, then restctl deploy",
            ),
            (
                Provider::Okta,
                advice(
                    Cause::OtherAudiences { found: vec!["b".to_owned()] },
                    Some((SettingOption::Audience, &["https://api.example.com", "b"])),
                ),
                "request the audience https://api.example.com from the provider; or, if the token's is this API: restctl idp \
                 add --issuer https://id.example.com --audience https://api.example.com --audience b, then restctl deploy",
            ),
            (
                Provider::Entra,
                advice(
                    Cause::EntraTokenVersion { issued: 1 },
                    Some((SettingOption::Issuer, &["https://sts.windows.net/t/"])),
                ),
                "set requestedAccessTokenVersion to 2 in the manifest of the API's app registration and get a new token; or: \
                 restctl setup --issuer https://sts.windows.net/t/, then restctl deploy",
            ),
            (
                Provider::Keycloak,
                advice(Cause::KeycloakAudienceMapper, None),
                "add a mapper of type Audience with https://api.example.com to a client scope of the client in Keycloak and \
                 get a new token: account is Keycloak's own audience",
            ),
        ] {
            assert_eq!(describe_remedy(&advice, &trusted(provider), false), remedy);
        }
    }

    /// The issuer of the token may be another one than that of restctl's own tokens.
    #[test]
    fn a_remedy_changes_the_issuer_of_the_token() {
        let issuer = trusted(Provider::Cognito);
        for (check, start, options) in [
            (
                Check::Algorithm,
                "have the provider sign access tokens with RS256 or PS256 or ES256",
                "--algorithms LIST",
            ),
            (
                Check::Audience,
                "request the audience https://api.example.com from the provider",
                "--audience AUDIENCE",
            ),
            (
                Check::Client,
                "use a client that is allowed",
                "--audience ID, once for each client that the API shall accept",
            ),
            (
                Check::Scope,
                "grant the client read:items at the provider and get a new token",
                "--scope SCOPE",
            ),
        ] {
            let command =
                format!("restctl idp add --issuer https://id.example.com {options}, then restctl deploy");
            assert_eq!(describe_check_remedy(check, &issuer, false), format!("{start}; or {command}"));
            assert_eq!(describe_check_remedy(check, &issuer, true), start);
        }
    }

    #[test]
    fn no_remedy_changes_the_stacks_own_user_pool() {
        let pool = trusted(Provider::Cognito);
        let elsewhere = Cause::GrantElsewhere { claim: "scp".to_owned(), providers: vec![Provider::Okta] };
        for advice in [
            advice(elsewhere, Some((SettingOption::GrantClaim, &["scp"]))),
            advice(Cause::NotGranted, None),
            advice(Cause::OtherClient, Some((SettingOption::Audience, &["a", "b"]))),
            advice(Cause::IssuerSlash, Some((SettingOption::Issuer, &["https://id.example.com/"]))),
        ] {
            let remedy = describe_remedy(&advice, &pool, true);
            assert!(!remedy.contains("restctl") && !remedy.contains("; or"), "{remedy}");
        }
    }

    /// The token's text is part of a command only if it is harmless there.
    #[test]
    fn hostile_values_are_not_part_of_a_command() {
        for hostile in ["x; rm -rf /", "$(id)", "-x", "a\nb", "\u{1b}[2J", ""] {
            let cause = Cause::GrantElsewhere { claim: hostile.to_owned(), providers: Vec::new() };
            let advice = advice(cause, Some((SettingOption::GrantClaim, &["scp", hostile])));
            assert_eq!(
                describe_remedy(&advice, &trusted(Provider::Okta), false),
                "grant read:items in a claim that counts"
            );
        }
    }
}
