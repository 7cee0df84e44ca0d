//! What the API asks of a token: as it was deployed, or else as it is set up.

use restctl_contract::stack::{Setting, StackName};
use restctl_contract::template::parameter;
use restctl_verifier::{Check, Explanation, KeySet, Policy};

use crate::aws::Aws;
use crate::aws::cloudformation::{self, Stack};
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::identity::settings::Settings;
use crate::identity::{cognito, discovery};
use crate::timestamp::seconds_now;

pub(crate) struct TokenPolicy {
    pub(crate) rules: Policy,
    /// Where the keys are that sign the tokens.
    pub(crate) jwks_uri: String,
    /// The settings are others than those of the last deployment.
    pub(crate) has_changed: bool,
}

impl TokenPolicy {
    /// Reads the policy of the deployed stack; that of the settings if there is no stack, or if CloudFormation does
    /// not tell.
    pub(crate) async fn read(aws: &Aws, name: &StackName) -> Result<Self> {
        let (settings, stack) =
            tokio::try_join!(Settings::read(aws, name), cloudformation::find_own(aws, name))?;
        Self::from_settings(&settings, stack.as_ref())
    }

    /// [`TokenPolicy::read`], of settings and a stack that have been read already.
    pub(crate) fn from_settings(settings: &Settings, stack: Option<&Stack>) -> Result<Self> {
        let mut has_changed = false;
        let mut value = |setting, parameter| {
            let set_up = settings.require(setting)?;
            // The API has these from the pool itself.
            if let Some(stack) = stack.filter(|stack| cognito::stack_has_user_pool(stack)) {
                let own = cognito::setting_value(stack, setting)?;
                has_changed |= own != set_up;
                return Ok(own.to_owned());
            }
            let deployed = stack.and_then(|stack| stack.resolved_parameter(parameter)).unwrap_or(set_up);
            has_changed |= deployed != set_up;
            Ok::<String, Failure>(deployed.to_owned())
        };
        let provider = value(Setting::Provider, parameter::PROVIDER)?;
        let rules = Policy {
            provider: provider.parse().map_err(|why: String| {
                Failure::new("the stack's provider is unknown").why(why).next("restctl setup --provider KIND")
            })?,
            issuer: value(Setting::Issuer, parameter::ISSUER)?,
            audience: value(Setting::Audience, parameter::AUDIENCE)?,
            scope: value(Setting::Scope, parameter::SCOPE)?,
        };
        let jwks_uri = value(Setting::JwksUri, parameter::JWKS_URI)?;
        Ok(Self { rules, jwks_uri, has_changed })
    }

    /// The issuer's keys as they are now.
    pub(crate) async fn fetch_keys(&self) -> Result<KeySet> {
        let keys = KeySet::from_json(&discovery::fetch_keys(&self.jwks_uri).await?);
        keys.context(format!("the keys at {} cannot be used", self.jwks_uri)).map_err(|failure| {
            failure.next(
                "have the provider publish keys for RS256, PS256 or ES256 there; or restctl setup, which asks it where \
                 its keys are",
            )
        })
    }

    /// Makes the API's checks of a token.
    pub(crate) fn explain_token(&self, token: &str, keys: &KeySet) -> Explanation {
        restctl_verifier::explain(token.trim(), keys, &self.rules, seconds_now())
    }

    /// An error where the API refuses the token.
    pub(crate) fn require_accepted(&self, explanation: &Explanation) -> Result<()> {
        let Some((report, refusal)) = explanation.first_failure() else { return Ok(()) };
        Err(Failure::new(format!("the API refuses the token by its {}", report.check))
            .why(refusal.to_string())
            .next(advice(report.check, &self.rules))
            .exit(Exit::Authentication))
    }
}

/// What to do about a token that fails this check first.
fn advice(check: Check, rules: &Policy) -> String {
    let Policy { issuer, audience, scope, .. } = rules;
    match check {
        Check::Size | Check::Shape | Check::Header | Check::Payload => {
            "give the access token whole, as the provider sent it, and nothing else".to_owned()
        }
        Check::Algorithm => "have the provider sign access tokens with RS256, PS256 or ES256".to_owned(),
        Check::Type => "send the access token, and no other token of the provider's".to_owned(),
        Check::CriticalParameters => "have the provider leave out crit".to_owned(),
        Check::Key | Check::Signature => {
            format!("take a token that {issuer} signs now: restctl token")
        }
        Check::Expiry => "get a new token: restctl token".to_owned(),
        Check::NotBefore | Check::IssuedAt => "compare this machine's clock with the issuer's".to_owned(),
        Check::Issuer => {
            format!("take a token from {issuer}; or restctl setup --issuer URL, then restctl deploy")
        }
        Check::Audience => format!(
            "ask the provider for the audience {audience}; or restctl setup --audience AUDIENCE, then restctl deploy"
        ),
        Check::Client => {
            "let the client in: restctl setup --audience ID,ID with each client's id, then restctl deploy"
                .to_owned()
        }
        Check::TokenUse => "send the access token, and not the ID token".to_owned(),
        Check::Subject => "have the provider give the subject as a text".to_owned(),
        Check::Scope => format!(
            "grant the client {scope} at the provider and get a new token; or restctl setup --scope SCOPE, then \
             restctl deploy"
        ),
    }
}
