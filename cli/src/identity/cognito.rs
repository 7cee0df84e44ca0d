//! The identity provider that a deployment can create: a Cognito user pool in the stack.

use restctl_contract::issuer::{Algorithm, Provider, TrustedIssuer};
use restctl_contract::stack::{StackName, Tags};
use restctl_contract::template::{output as stack_output, parameter};

use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, secretsmanager};
use crate::failure::{Failure, Result};
use crate::identity::settings::{self, Settings};
use crate::identity::token_client::{ClientAuthentication, TokenClient};

/// The value of the parameter `Idp` with which the template creates the user pool.
pub(crate) const COGNITO: &str = "cognito";

/// The partitions without user pools ("Amazon Cognito", Getting Started with Amazon Web Services in China; botocore's list
/// of endpoints has none for the isolated ones).
const PARTITIONS_WITHOUT_POOLS: [&str; 5] = ["aws-cn", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"];

/// Fails if AWS has no user pools in this partition. One that is not known yet is left to AWS.
pub(crate) fn check_partition(partition: &str) -> Result<()> {
    if !PARTITIONS_WITHOUT_POOLS.contains(&partition) {
        return Ok(());
    }
    Err(Failure::usage("the stack cannot have its own user pool here")
        .why(format!("Amazon Cognito has no user pools in the partition {partition}"))
        .next("use another identity provider: restctl setup --issuer URL --client-id ID …, then: restctl deploy --idp external"))
}

pub(crate) fn stack_has_user_pool(stack: &Stack) -> bool {
    stack.parameter(parameter::IDP) == Some(COGNITO)
}

/// Whether the client of the settings gets its tokens from the stack's own user pool.
pub(crate) fn settings_name_user_pool(settings: &Settings, stack: &Stack) -> bool {
    let own = stack.output(stack_output::COGNITO_ISSUER).ok();
    own.is_some() && settings.client().map(|client| client.issuer.as_str()) == own
}

/// Returns the stack's user pool as an issuer, as the template passes it to the API.
pub(crate) fn user_pool(stack: &Stack) -> Result<TrustedIssuer> {
    let output = |name| stack.output(name).map(str::to_owned);
    Ok(TrustedIssuer {
        issuer: output(stack_output::COGNITO_ISSUER)?,
        provider: Provider::Cognito,
        audiences: vec![output(stack_output::COGNITO_CLIENT_ID)?],
        scope: output(stack_output::COGNITO_SCOPE)?,
        grant_claims: Vec::new(),
        algorithms: Algorithm::defaults(),
        jwks_uri: output(stack_output::COGNITO_JWKS_URI)?,
        authorities: Vec::new(),
    })
}

/// Fails if the issuer is the stack's own user pool: the API would trust it twice, and would not start.
pub(crate) fn check_not_user_pool(issuer: &str, stack: Option<&Stack>) -> Result<()> {
    let pool = stack.filter(|stack| stack_has_user_pool(stack));
    let pool = pool.and_then(|stack| stack.output(stack_output::COGNITO_ISSUER).ok());
    if pool != Some(issuer) {
        return Ok(());
    }
    Err(Failure::usage(format!("{issuer} is the stack's own user pool"))
        .why("the stack trusts it as long as it has it")
        .next("restctl deploy --idp cognito keeps it; its client and scope are set by the stack"))
}

/// Makes the user pool's client the one that restctl acts as, and returns whether anything has changed. The parameter and the
/// secret get these tags if they do not exist yet.
pub(crate) async fn save_client(aws: &Aws, name: &StackName, stack: &Stack, tags: &Tags) -> Result<bool> {
    let settings = Settings::read(aws, name).await?;
    let client = TokenClient {
        issuer: stack.output(stack_output::COGNITO_ISSUER)?.to_owned(),
        token_endpoint: stack.output(stack_output::COGNITO_TOKEN_ENDPOINT)?.to_owned(),
        client_id: stack.output(stack_output::COGNITO_CLIENT_ID)?.to_owned(),
        authentication: ClientAuthentication::ClientSecretPost,
        key_id: None,
        request_scope: None,
        resource: None,
    };
    let made = stack.output(stack_output::COGNITO_CLIENT_SECRET)?;
    let (secret, known) = tokio::try_join!(async { secretsmanager::read_secret(aws, made).await }, async {
        secretsmanager::read_secret(aws, &name.client_secret()).await
    },)?;
    let secret = secret.ok_or_else(|| {
        Failure::new(format!("the stack's secret {made} no longer exists"))
            .why("it holds the client secret of the stack's user pool")
            .next("restctl destroy, then setup and deploy")
    })?;
    let has_changed = settings.client() != Some(&client) || known.as_deref() != Some(&secret);
    if has_changed {
        settings::replace_client(aws, name, settings.client(), &client, Some(&secret), tags).await?;
    }
    Ok(has_changed)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_partition_without_user_pools_is_refused() {
        let partitions = include_str!("../../../fixtures/partitions.json");
        let partitions: Vec<Value> = serde_json::from_str(partitions).unwrap();
        for partition in &partitions {
            let name = partition["name"].as_str().unwrap();
            assert_eq!(check_partition(name).is_ok(), partition["user_pools"] == true, "{name}");
        }
        assert!(check_partition("aws-new").is_ok());
    }
}
