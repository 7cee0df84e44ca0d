//! What the API requires of a token, as deployed or else as set up.

use restctl_contract::issuer::{self, Algorithm, TrustedIssuer};
use restctl_contract::stack::StackName;
use restctl_contract::template::parameter;
use restctl_verifier::{Explanation, KeySet, KeySetError};

use crate::aws::Aws;
use crate::aws::cloudformation::{self, Stack};
use crate::failure::{Exit, Failure, Result, shell_argument};
use crate::identity::http::ALLOW_ADDRESS;
use crate::identity::settings::Settings;
use crate::identity::{cognito, discovery, token_advice};
use crate::network::page_text::first_line;
use crate::timestamp::seconds_now;

/// How many keys a message describes.
pub(crate) const MAX_SHOWN_KEYS: usize = 10;

pub(crate) struct TokenPolicy {
    /// The issuers that the API trusts, in its order. At least one.
    pub(crate) issuers: Vec<TrustedIssuer>,
    /// The settings have changed since the last deployment.
    pub(crate) has_changed: bool,
    /// The issuer of the tokens that restctl requests.
    client_issuer: String,
    /// The issuer that is the stack's own user pool, if it has one.
    user_pool: Option<String>,
}

/// A token with the outcome of the API's checks.
pub(crate) struct ExplainedToken<'a> {
    /// The issuer whose rules apply: the one that the token names, or else the first.
    pub(crate) issuer: &'a TrustedIssuer,
    pub(crate) explanation: Explanation,
    /// The issuer is the stack's own user pool, whose rules no command changes.
    is_user_pool: bool,
}

impl TokenPolicy {
    /// Reads the policy of the deployed stack, or of the settings if there is no stack or CloudFormation hides the values.
    pub(crate) async fn read(aws: &Aws, name: &StackName) -> Result<Self> {
        let (settings, stack) =
            tokio::try_join!(Settings::read(aws, name), cloudformation::find_own(aws, name))?;
        Self::from_settings(&settings, stack.as_ref())
    }

    /// [`TokenPolicy::read`], with settings and a stack that have been read already.
    pub(crate) fn from_settings(settings: &Settings, stack: Option<&Stack>) -> Result<Self> {
        let client_issuer = settings.require_client()?.issuer.clone();
        let set_up = settings.issuers();
        let deployed = stack.and_then(|stack| stack.resolved_parameter(parameter::ISSUERS));
        let deployed = deployed.and_then(|text| issuer::from_json(text).ok());
        let has_changed = deployed.as_deref().is_some_and(|deployed| deployed != set_up);
        let mut issuers = deployed.unwrap_or_else(|| set_up.to_vec());
        let stack_with_pool = stack.filter(|stack| cognito::stack_has_user_pool(stack));
        let user_pool = stack_with_pool.map(cognito::user_pool).transpose()?;
        issuers.extend(user_pool.clone());
        if issuers.is_empty() {
            return Err(Failure::new("the API trusts no issuer").next("restctl setup --issuer URL"));
        }
        let user_pool = user_pool.map(|pool| pool.issuer);
        Ok(Self { issuers, has_changed, client_issuer, user_pool })
    }

    /// Returns the issuer of the tokens that restctl requests.
    pub(crate) fn client_issuer(&self) -> Result<&TrustedIssuer> {
        let found = self.issuers.iter().find(|issuer| issuer.issuer == self.client_issuer);
        found.ok_or_else(|| {
            Failure::new("the API does not trust the issuer that grants restctl its tokens")
                .exit(Exit::Authentication)
                .why(format!("the client of the settings gets its tokens from {}", self.client_issuer))
                .next("restctl deploy, if it was set up since the last deployment; or restctl setup --issuer URL")
        })
    }

    /// Whether restctl gets its tokens from this issuer.
    pub(crate) fn is_client_issuer(&self, issuer: &TrustedIssuer) -> bool {
        issuer.issuer == self.client_issuer
    }

    /// Checks a token as the API does, with the current keys of the issuer that it names.
    pub(crate) async fn explain_token(&self, token: &str) -> Result<ExplainedToken<'_>> {
        let issuer = &self.issuers[restctl_verifier::select_issuer(token.trim(), &self.issuers)];
        Ok(self.explain_with_keys(token, issuer, &fetch_keys(issuer).await?))
    }

    /// Checks a token as the API does with these keys of the issuer.
    pub(crate) fn explain_with_keys<'a>(
        &self,
        token: &str,
        issuer: &'a TrustedIssuer,
        keys: &KeySet,
    ) -> ExplainedToken<'a> {
        let explanation = restctl_verifier::explain(token.trim(), keys, issuer, seconds_now());
        let is_user_pool = self.user_pool.as_ref() == Some(&issuer.issuer);
        ExplainedToken { issuer, explanation, is_user_pool }
    }
}

/// Fetches the issuer's current keys. Fails if none of them can verify a token.
pub(crate) async fn fetch_keys(issuer: &TrustedIssuer) -> Result<KeySet> {
    let command = format!("restctl idp add --issuer {}", shell_argument(&issuer.issuer, "URL"));
    parse_keys(&discovery::fetch_keys(issuer).await?, issuer, &command)
}

/// Reads the keys in a document of the issuer. Fails if none of them can verify a token. `command` is the one that can allow
/// other algorithms.
pub(crate) fn parse_keys(document: &[u8], issuer: &TrustedIssuer, command: &str) -> Result<KeySet> {
    let error = match KeySet::parse(document, &issuer.algorithms) {
        Ok(keys) => return Ok(keys),
        Err(error) => error,
    };
    if document.trim_ascii_start().starts_with(b"<") {
        let words = first_line("text/html", document).unwrap_or_default();
        return Err(Failure::new(format!("{} has a page instead of keys", issuer.jwks_uri))
            .why(format!("it has the text \"{words}\""))
            .next(ALLOW_ADDRESS));
    }
    let failure = Failure::new(format!("the API could verify no token with the keys at {}", issuer.jwks_uri));
    let failure = match &error {
        KeySetError::NoUsableKey { reports } if !reports.is_empty() => {
            failure.why_lines(reports.iter().take(MAX_SHOWN_KEYS).map(ToString::to_string))
        }
        error => failure.because(error),
    };
    Err(match KeySet::parse(document, &Algorithm::ALL) {
        Ok(keys) => {
            let needed = keys.reports().iter().flat_map(|report| &report.algorithms);
            let mut names: Vec<&str> = Vec::new();
            for name in needed.map(|algorithm| algorithm.name()) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            failure.next(format!(
                "{command} --algorithms {}, with the algorithm that signs its tokens among them",
                names.join(",")
            ))
        }
        Err(_) => failure.next("have the provider publish a key that can verify its tokens"),
    })
}

impl ExplainedToken<'_> {
    /// Fails if the API refuses the token.
    pub(crate) fn require_accepted(&self) -> Result<()> {
        let Some((report, refusal)) = self.explanation.first_failure() else { return Ok(()) };
        let failure = Failure::new(format!("the API refuses the token because of its {}", report.check))
            .exit(Exit::Authentication);
        Err(match &self.explanation.advice {
            Some(advice) => failure
                .why_lines([format!("{refusal}:"), token_advice::describe_claims(advice, report)])
                .next(token_advice::describe_remedy(advice, self.issuer, self.is_user_pool)),
            None => failure.why(refusal.to_string()).next(token_advice::describe_check_remedy(
                report.check,
                self.issuer,
                self.is_user_pool,
            )),
        })
    }
}
