//! The arguments that describe an issuer, and the issuer that they and what it publishes result in.

use std::ffi::OsString;
use std::path::Path;

use clap::Args;
use restctl_contract::issuer::{Algorithm, Provider, TrustedIssuer, is_scope_token};
use restctl_contract::json::MemberPath;
use restctl_verifier::{KeyReport, KeySet};

use crate::failure::{Failure, Result};
use crate::identity::authorities::read_authorities;
use crate::identity::discovery::{self, DiscoveryDocument};
use crate::identity::policy;
use crate::terminal::{output, prompt};

/// The scope of an issuer for which none is given.
const DEFAULT_SCOPE: &str = "read:items";

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Identity provider")]
pub(in crate::commands) struct IssuerArgs {
    /// Kind of provider, which decides in which claims the scope is looked for: auth0, entra, okta, keycloak, cognito or
    /// openid [default: shown by the issuer's host; otherwise asked for, or openid without a terminal]
    #[arg(long, value_name = "KIND")]
    pub(in crate::commands) provider: Option<Provider>,

    /// Issuer, spelled exactly as in its tokens (Auth0's ends with a slash)
    #[arg(long, value_name = "URL")]
    pub(in crate::commands) issuer: Option<String>,

    /// Audience that a token must have, or one of several if the flag is repeated (Auth0: the API's identifier; Entra: the
    /// application's id; Cognito: the ids of the allowed clients [default: the client's id])
    #[arg(long, value_name = "AUDIENCE")]
    pub(in crate::commands) audience: Vec<String>,

    /// Scope, permission or role that a token must have [default: read:items]
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,

    /// Claim in which to look for the scope, instead of the provider's usual ones: names with dots, such as
    /// realm_access.roles, or a JSON Pointer; may be repeated; empty: the usual ones. Never name a claim whose values
    /// clients choose.
    #[arg(long, value_name = "PATH", value_parser = parse_or_empty::<MemberPath>)]
    grant_claim: Vec<OrEmpty<MemberPath>>,

    /// Signature algorithms that its tokens may have, separated by commas: RS256, RS384, RS512, PS256, PS384, PS512, ES256,
    /// ES384, ES512, EdDSA [default: RS256,PS256,ES256]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    algorithms: Vec<Algorithm>,

    /// File with certificates (PEM) of authorities. Connections to this provider, and no others, trust these instead of the
    /// system's; empty: the system's
    #[arg(long, value_name = "FILE")]
    provider_ca: Option<OsString>,
}

/// The value of a flag that an empty value resets.
type OrEmpty<T> = Option<T>;

fn parse_or_empty<T: std::str::FromStr<Err = String>>(text: &str) -> Result<OrEmpty<T>, String> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// What applies if a flag is not given.
#[derive(Default)]
pub(in crate::commands) struct IssuerDefaults<'a> {
    /// The issuer of the same URL, as it is trusted already.
    pub(in crate::commands) same: Option<&'a TrustedIssuer>,
    /// The issuer that this one replaces.
    pub(in crate::commands) replaced: Option<&'a TrustedIssuer>,
    pub(in crate::commands) provider: Option<Provider>,
    pub(in crate::commands) audience: Option<&'a str>,
    pub(in crate::commands) scope: Option<&'a str>,
    pub(in crate::commands) client_id: Option<&'a str>,
    pub(in crate::commands) previous_client_id: Option<&'a str>,
}

/// A checked issuer, and what it publishes.
pub(in crate::commands) struct DescribedIssuer {
    pub(in crate::commands) issuer: TrustedIssuer,
    pub(in crate::commands) discovery: DiscoveryDocument,
    pub(in crate::commands) keys: KeySet,
    /// Whether the address of the keys redirects to the one of the settings.
    are_keys_redirected: bool,
}

impl DescribedIssuer {
    /// Prints what the issuer publishes: its keys, and where they are if that is not where they should be.
    pub(in crate::commands) fn print_published(&self) {
        if let Some(address) = &self.discovery.read_from {
            output::print_message(format!(
                "configuration      read from {address}, to which the issuer redirects"
            ));
        }
        if self.are_keys_redirected {
            output::print_message(format!(
                "address of keys    {}, to which {} redirects; the API follows no redirects",
                self.issuer.jwks_uri, self.discovery.jwks_uri
            ));
        }
        output::print_message(format!("keys               {}", self.keys.summary()));
        let has_problem = |report: &&KeyReport| report.problem.is_some();
        for report in self.keys.reports().iter().filter(has_problem).take(policy::MAX_SHOWN_KEYS) {
            output::print_message(format!("unusable key       {report}"));
        }
        for report in self.keys.reports().iter().filter(|report| report.is_exposed) {
            let kid = report.kid.as_deref().unwrap_or("without id");
            output::print_message(format!(
                "warning: the provider publishes the private part of its key {kid}, so anyone can sign with it"
            ));
        }
    }
}

impl IssuerArgs {
    pub(in crate::commands) fn is_empty(&self) -> bool {
        self.provider.is_none()
            && self.issuer.is_none()
            && self.audience.is_empty()
            && self.scope.is_none()
            && self.grant_claim.is_empty()
            && self.algorithms.is_empty()
            && self.provider_ca.is_none()
    }

    /// Describes the issuer at `url` by the flags, by what it publishes and by the defaults.
    pub(in crate::commands) async fn describe_issuer(
        &self,
        url: &str,
        defaults: &IssuerDefaults<'_>,
    ) -> Result<DescribedIssuer> {
        let IssuerDefaults { same, replaced, .. } = *defaults;
        let authorities = match (&self.provider_ca, same) {
            (Some(file), _) if file.is_empty() => Vec::new(),
            (Some(file), _) => read_authorities(Path::new(file))?,
            (None, Some(same)) => same.authorities.clone(),
            (None, None) => Vec::new(),
        };
        let discovery = discovery::fetch_document(url, &authorities).await?;
        let provider = self.choose_provider(url, defaults)?;
        let audiences = self.choose_audiences(provider, defaults)?;
        let keys = discovery::locate_keys(&discovery.jwks_uri, &authorities).await?;
        let known_scope = same.or(replaced).map(|known| known.scope.clone());
        let scope = self.scope.clone().or(known_scope).or(defaults.scope.map(str::to_owned));
        let issuer = TrustedIssuer {
            issuer: discovery.issuer.clone(),
            provider,
            audiences,
            scope: check_scope(scope.unwrap_or_else(|| DEFAULT_SCOPE.to_owned()))?,
            grant_claims: match (self.grant_claim.as_slice(), same) {
                ([], Some(same)) => same.grant_claims.clone(),
                (given, _) => given.iter().flatten().cloned().collect(),
            },
            algorithms: match (self.algorithms.as_slice(), same) {
                ([], Some(same)) => same.algorithms.clone(),
                ([], None) => Algorithm::defaults(),
                (given, _) => without_repetition(given),
            },
            jwks_uri: keys.address,
            authorities,
        };
        Ok(DescribedIssuer {
            keys: policy::parse_keys(&keys.document, &issuer, "the same command with")?,
            are_keys_redirected: keys.is_redirected,
            issuer,
            discovery,
        })
    }

    fn choose_provider(&self, url: &str, defaults: &IssuerDefaults<'_>) -> Result<Provider> {
        let known = self
            .provider
            .or(defaults.same.map(|same| same.provider))
            .or(defaults.provider)
            .or_else(|| discovery::provider_of_issuer(url));
        if let Some(provider) = known {
            return Ok(provider);
        }
        if !output::is_interactive() {
            output::print_message(format!(
                "provider           {}, because the issuer's host shows no other; to choose: --provider KIND",
                Provider::OpenId
            ));
            return Ok(Provider::OpenId);
        }
        let kinds = [Provider::Keycloak, Provider::Auth0, Provider::Okta, Provider::Entra, Provider::OpenId];
        let answers = ["Keycloak", "Auth0", "Okta", "Microsoft Entra ID", "another OpenID Connect issuer"];
        Ok(kinds[prompt::ask_choice("Kind of identity provider", &answers)?])
    }

    /// Chooses the audiences. For Cognito they are ids of clients, so those of another kind of provider do not apply, and a
    /// list with only the previous client follows the client.
    fn choose_audiences(&self, provider: Provider, defaults: &IssuerDefaults<'_>) -> Result<Vec<String>> {
        let is_cognito = provider == Provider::Cognito;
        let means_the_same = |known: &&TrustedIssuer| {
            let follows_client = known.audiences.iter().map(String::as_str).eq(defaults.previous_client_id);
            (known.provider == Provider::Cognito) == is_cognito && !(is_cognito && follows_client)
        };
        let audiences = if !self.audience.is_empty() {
            let separator = if is_cognito { "," } else { "\n" };
            let given = self.audience.iter().flat_map(|given| given.split(separator));
            given.map(|audience| audience.trim().to_owned()).collect()
        } else if let Some(same) = defaults.same.filter(means_the_same) {
            same.audiences.clone()
        } else if let (true, Some(client_id)) = (is_cognito, defaults.client_id) {
            vec![client_id.to_owned()]
        } else if let Some(replaced) = defaults.replaced.filter(means_the_same).filter(|_| !is_cognito) {
            replaced.audiences.clone()
        } else if let Some(audience) = defaults.audience.filter(|_| !is_cognito) {
            vec![audience.to_owned()]
        } else {
            vec![prompt::ask_text("Audience of the API", "--audience AUDIENCE")?]
        };
        match audiences.iter().any(String::is_empty) {
            true => Err(Failure::usage("--audience is empty")),
            false => Ok(without_repetition(&audiences)),
        }
    }
}

fn without_repetition<T: Clone + PartialEq>(given: &[T]) -> Vec<T> {
    let mut kept = Vec::new();
    for value in given {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
    kept
}

/// Checks that the scope is a scope-token (RFC 6749, section 3.3), which the API's challenges can quote.
fn check_scope(scope: String) -> Result<String> {
    if is_scope_token(&scope) {
        return Ok(scope);
    }
    let what = if scope.trim().is_empty() { "--scope is empty" } else { "--scope is not one scope" };
    Err(Failure::usage(what)
        .why("the API requires one scope, permission or role, without spaces, quotes and backslashes")
        .next("--scope SCOPE with one of them; restctl setup --request-scope may ask for more"))
}
