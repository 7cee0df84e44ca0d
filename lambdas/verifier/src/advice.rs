//! Why a token fails a check, as far as its claims show it, and the setting that would accept it.

mod audience;
mod grant;
mod issuer;

use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_contract::json::Json;

use crate::check::Check;
use crate::claims::UnverifiedClaims;
use crate::profile::{TokenUse, grant_claims, readable_path, token_use};
use crate::refusal::Refusal;
use crate::sanitize::sanitize;
use crate::verification::Verification;

use self::audience::{find_audience_cause, find_client_cause};
use self::grant::find_grant_cause;
use self::issuer::{find_cause_of_unknown_key, find_issuer_cause};

/// What to know about the check that a token fails first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The claims that the check read, as `--grant-claim` would name them.
    pub claims_read: Vec<String>,
    pub cause: Cause,
    /// The setting with which this check would pass. There is none if following the cause is the only good way, or if anyone
    /// may have written the value.
    pub setting: Option<SuggestedSetting>,
}

/// An option of `restctl setup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestedSetting {
    pub option: SettingOption,
    /// All the values to set: an option that takes several replaces those that are set, so they are among these. The token's
    /// own text is as it is there: quote it for the shell, and do not print it otherwise.
    pub values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingOption {
    Issuer,
    Audience,
    Provider,
    Scope,
    GrantClaim,
}

impl SettingOption {
    /// Returns the option as people type it.
    pub fn name(self) -> &'static str {
        match self {
            SettingOption::Issuer => "--issuer",
            SettingOption::Audience => "--audience",
            SettingOption::Provider => "--provider",
            SettingOption::Scope => "--scope",
            SettingOption::GrantClaim => "--grant-claim",
        }
    }
}

/// Why a check fails. The texts are safe to print and short, as those of [`crate::CheckReport`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The token names another issuer, and its signature is not that of the expected one. Anyone may have written it.
    SignedForAnotherIssuer { named: String },
    /// The token is from the Okta org itself, which does not publish the keys of its access tokens. Only custom authorization
    /// servers do: their issuers end with `/oauth2/ID`.
    OktaOrgServer,
    /// Another issuer signs with the same keys. Entra's tenants do.
    AnotherIssuer,
    /// The issuers differ only by a slash at the end.
    IssuerSlash,
    /// The app registration of the API makes Entra issue tokens of the version that is not set up:
    /// `requestedAccessTokenVersion` of its manifest decides.
    EntraTokenVersion { issued: u8 },
    /// The token has no `aud`. Auth0 needs `audience` in the token request, Keycloak an audience mapper, others `resource`.
    NoAudience,
    /// Keycloak adds `account` to `aud` by itself. The API's audience needs a mapper in a client scope.
    KeycloakAudienceMapper,
    /// The audiences differ only by a slash at the end.
    AudienceSlash,
    /// One is the application ID URI (`api://ID`) and the other the ID. Entra's tokens of version 2.0 always have the ID.
    ApplicationIdUri,
    /// Entra's token is for the resource whose scope `RESOURCE/.default` the client requested. Nobody else can verify one for
    /// Microsoft Graph.
    EntraOtherResource,
    /// The token is for others than this API.
    OtherAudiences { found: Vec<String> },
    /// Cognito's client is not one of the accepted ones.
    OtherClient,
    /// An ID token, a refresh token or another one that is not an access token.
    NotAnAccessToken,
    /// Keycloak bound the token to a key of its client, but the API takes bearer tokens.
    BoundToClientKey,
    /// The token lacks a claim that every access token of the provider has.
    NotOfThisProvider,
    /// A claim that does not count has the required grant. The profiles of these providers read it, and the token passes
    /// all their checks. Only a claim that clients cannot write should be made to count.
    GrantElsewhere { claim: String, providers: Vec<Provider> },
    /// A claim that counts does not have the form that the provider documents.
    GrantsInOtherForm { claim: String },
    /// A claim that counts has a grant that differs from the required one by its case or by a resource in front of it.
    GrantWrittenOtherwise { claim: String, value: String },
    /// No claim has the grant. Entra needs an app role that an administrator assigned to the client; Cognito a custom
    /// scope of the app client; Okta a policy; Auth0 a client grant; Keycloak a client scope or a role of the client's
    /// service account.
    NotGranted,
}

/// Returns what to know about a check that has failed, if the claims tell.
pub(crate) fn advise(verification: &Verification<'_>, check: Check, refusal: &Refusal) -> Option<Advice> {
    let claims = verification.claims.as_ref()?;
    let issuer = verification.issuer;
    let (cause, setting) = match check {
        Check::Key | Check::Signature => (find_cause_of_unknown_key(claims, issuer)?, None),
        Check::Issuer => find_issuer_cause(claims, issuer)?,
        Check::Audience => find_audience_cause(claims, issuer)?,
        Check::Client => find_client_cause(claims, issuer)?,
        Check::TokenUse => (find_use_cause(claims, issuer, refusal), None),
        Check::Scope => find_grant_cause(claims, issuer),
        _ => return None,
    };
    let claims_read = match cause {
        Cause::EntraOtherResource => claims_read_by(Check::Audience, issuer),
        _ => claims_read_by(check, issuer),
    };
    Some(Advice { claims_read, cause, setting })
}

/// Returns the claims that a check reads, as readable paths.
pub(crate) fn claims_read_by(check: Check, issuer: &TrustedIssuer) -> Vec<String> {
    let names: &[&str] = match check {
        Check::Key | Check::Signature | Check::Issuer => &["iss"],
        Check::Audience => &["aud"],
        Check::Client => &["client_id"],
        Check::TokenUse => return token_use(issuer.provider).map(claims_of_use).unwrap_or_default(),
        Check::Scope => {
            return grant_claims(issuer).iter().map(|claim| sanitize(&readable_path(&claim.names))).collect();
        }
        _ => &[],
    };
    names.iter().map(ToString::to_string).collect()
}

fn claims_of_use(token_use: TokenUse) -> Vec<String> {
    match token_use {
        TokenUse::Equals { claim, .. } => vec![claim.to_owned()],
        TokenUse::NamesClient { claims } => claims.map(str::to_owned).to_vec(),
    }
}

type CauseAndSetting = (Cause, Option<SuggestedSetting>);

fn suggest(option: SettingOption, value: &str) -> Option<SuggestedSetting> {
    Some(SuggestedSetting { option, values: vec![value.to_owned()] })
}

/// Suggests one more value than those that are set. Without them, the tokens that pass today would fail.
fn suggest_one_more(option: SettingOption, set: Vec<String>, value: &str) -> Option<SuggestedSetting> {
    let values = set.into_iter().chain([value.to_owned()]).collect();
    Some(SuggestedSetting { option, values })
}

fn find_use_cause(claims: &UnverifiedClaims, issuer: &TrustedIssuer, refusal: &Refusal) -> Cause {
    match issuer.provider {
        Provider::Keycloak if claims.get("typ").and_then(Json::as_str) == Some("DPoP") => {
            Cause::BoundToClientKey
        }
        // ID tokens are what lacks the claims here.
        Provider::Entra => Cause::NotAnAccessToken,
        _ if matches!(refusal, Refusal::MissingClaim(_)) => Cause::NotOfThisProvider,
        _ => Cause::NotAnAccessToken,
    }
}
