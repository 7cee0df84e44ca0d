//! What the API requires of a token, as deployed or else as set up.

use restctl_contract::stack::{Setting, StackName};
use restctl_contract::template::parameter;
use restctl_verifier::{Check, Explanation, KeySet, Policy};

use crate::aws::Aws;
use crate::aws::cloudformation::{self, Stack};
use crate::failure::{Exit, Failure, FailureContext, Result, shell_argument};
use crate::identity::settings::Settings;
use crate::identity::{cognito, discovery};
use crate::timestamp::seconds_now;

pub(crate) struct TokenPolicy {
    pub(crate) rules: Policy,
    /// Where the issuer publishes the keys that sign its tokens.
    pub(crate) jwks_uri: String,
    /// The settings have changed since the last deployment.
    pub(crate) has_changed: bool,
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
        let mut has_changed = false;
        let mut value = |setting, parameter| {
            let set_up = settings.require(setting)?;
            // The API takes these from the user pool itself.
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
                Failure::new("the stack has an unknown provider")
                    .why(why)
                    .next("restctl setup --provider KIND")
            })?,
            issuer: value(Setting::Issuer, parameter::ISSUER)?,
            audience: value(Setting::Audience, parameter::AUDIENCE)?,
            scope: value(Setting::Scope, parameter::SCOPE)?,
        };
        let jwks_uri = value(Setting::JwksUri, parameter::JWKS_URI)?;
        Ok(Self { rules, jwks_uri, has_changed })
    }

    /// Fetches the issuer's current keys.
    pub(crate) async fn fetch_keys(&self) -> Result<KeySet> {
        let keys = KeySet::from_json(&discovery::fetch_keys(&self.jwks_uri).await?);
        keys.context(format!("cannot use the keys at {}", self.jwks_uri)).map_err(|failure| {
            failure.next(
                "have the provider publish keys for RS256, PS256 or ES256 there; or restctl setup, which reads the \
                 address of the keys from it",
            )
        })
    }

    /// Checks a token as the API does, and returns the result of each check.
    pub(crate) fn explain_token(&self, token: &str, keys: &KeySet) -> Explanation {
        restctl_verifier::explain(token.trim(), keys, &self.rules, seconds_now())
    }

    /// Fails if the API refuses the token.
    pub(crate) fn require_accepted(&self, explanation: &Explanation) -> Result<()> {
        let Some((report, refusal)) = explanation.first_failure() else { return Ok(()) };
        Err(Failure::new(format!("the API refuses the token because of its {}", report.check))
            .why(refusal.to_string())
            .next(advice_for_check(report.check, &self.rules))
            .exit(Exit::Authentication))
    }
}

/// Returns what to do about a token that fails this check first.
fn advice_for_check(check: Check, rules: &Policy) -> String {
    let issuer = shell_argument(&rules.issuer, "the issuer");
    let audience = shell_argument(&rules.audience, "that the stack expects");
    let scope = shell_argument(&rules.scope, "the stack's scope");
    match check {
        Check::Size | Check::Shape | Check::Header | Check::Payload => {
            "give the whole access token as the provider sent it, and nothing else".to_owned()
        }
        Check::Algorithm => "have the provider sign access tokens with RS256, PS256 or ES256".to_owned(),
        Check::Type => "send the access token, not another token of the provider".to_owned(),
        Check::CriticalParameters => "have the provider leave out crit".to_owned(),
        Check::Key | Check::Signature => {
            format!("get a token that {issuer} signs with its current keys: restctl token")
        }
        Check::Expiry => "get a new token: restctl token".to_owned(),
        Check::NotBefore | Check::IssuedAt => "compare this machine's clock with the issuer's".to_owned(),
        Check::Issuer => {
            format!("get a token from {issuer}; or restctl setup --issuer URL, then restctl deploy")
        }
        Check::Audience => format!(
            "request the audience {audience} from the provider; or restctl setup --audience AUDIENCE, then restctl deploy"
        ),
        Check::Client => {
            "allow the client: restctl setup --audience ID,ID with the id of each client, then restctl deploy"
                .to_owned()
        }
        Check::TokenUse => "send the access token, not the ID token".to_owned(),
        Check::Subject => "have the provider send the subject as a string".to_owned(),
        Check::Scope => format!(
            "grant the client {scope} at the provider and get a new token; or restctl setup --scope SCOPE, then \
             restctl deploy"
        ),
    }
}
