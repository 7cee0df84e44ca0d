//! What to do if a provider grants no token, or one that the API cannot verify. It is restctl's own text: the provider's answer
//! only selects it, and no command has anything of it.

use reqwest::StatusCode;
use restctl_contract::issuer::{Provider, TrustedIssuer};

use crate::failure::shell_argument;
use crate::identity::token_client::{ClientAuthentication, TokenClient};

/// A refusal of a token endpoint (RFC 6749, section 5.2).
pub(super) struct EndpointRefusal {
    pub(super) status: StatusCode,
    /// `None` if the answer has no error.
    pub(super) error: Option<String>,
    pub(super) description: String,
}

impl EndpointRefusal {
    /// Whether the provider refuses the client's id, its secret or key, or how it authenticates.
    pub(super) fn is_about_client(&self) -> bool {
        match self.error.as_deref() {
            Some("invalid_client") => true,
            // Keycloak: "Invalid client or Invalid client credentials".
            Some("unauthorized_client") => self.mentions("client credentials"),
            // Auth0: 401 for a wrong secret, 403 for an API that the client may not use.
            Some("access_denied") | None => self.status == StatusCode::UNAUTHORIZED,
            Some(_) => false,
        }
    }

    pub(super) fn is_temporary(&self) -> bool {
        const ERRORS: [&str; 4] =
            ["temporarily_unavailable", "server_error", "slow_down", "too_many_requests"];
        self.error.as_deref().is_some_and(|error| ERRORS.contains(&error))
            || self.status.is_server_error()
            || self.status == StatusCode::TOO_MANY_REQUESTS
    }

    fn mentions(&self, words: &str) -> bool {
        self.description.to_lowercase().contains(words)
    }

    /// Returns the number of an error of Entra ID ("Microsoft Entra authentication and authorization error codes").
    fn entra_code(&self) -> Option<&str> {
        let (_, rest) = self.description.split_once("AADSTS")?;
        let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
        Some(&rest[..end])
    }
}

/// Returns what to do about a refusal.
pub(super) fn for_refusal(refusal: &EndpointRefusal, client: &TokenClient, issuer: &TrustedIssuer) -> String {
    if refusal.is_temporary() {
        return "wait a few minutes, then run the same command again".to_owned();
    }
    if let Some(advice) = refusal.entra_code().and_then(|code| for_entra_code(code, client, issuer)) {
        return advice;
    }
    if refusal.is_about_client() {
        return for_refused_client(client);
    }
    match refusal.error.as_deref() {
        Some("unauthorized_client" | "unsupported_grant_type") => for_missing_grant_type(issuer),
        Some("invalid_scope") => for_refused_scope(client, issuer),
        Some("access_denied") => for_denied_access(refusal, issuer),
        Some("invalid_target" | "invalid_resource") => for_refused_resource(client, issuer),
        Some("invalid_request") if refusal.mentions("audience") => {
            "name the API as the provider knows it: restctl setup --audience AUDIENCE".to_owned()
        }
        Some("invalid_request") if refusal.mentions("resource") => for_refused_resource(client, issuer),
        Some("invalid_request") if refusal.mentions("scope") => for_refused_scope(client, issuer),
        Some("invalid_request") if refusal.mentions("client") => for_refused_client(client),
        None if matches!(refusal.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => {
            "restctl setup, which reads the address of the token endpoint from the issuer".to_owned()
        }
        _ => {
            let (name, flag) = match client.authentication {
                ClientAuthentication::PrivateKeyJwt => ("key", "--client-key-file"),
                _ => ("secret", "--client-secret-file"),
            };
            format!(
                "check client id, {name}, audience and scope with the provider, then:\n\
                 restctl setup --client-id ID {flag} FILE"
            )
        }
    }
}

fn for_entra_code(code: &str, client: &TokenClient, issuer: &TrustedIssuer) -> Option<String> {
    let advice = match code {
        "7000215" => {
            "give the Value of the client secret, not its Secret ID: restctl setup --client-secret-file FILE"
        }
        "7000222" => {
            "the client secret has expired: create another in the application's registration (Certificates & secrets)\n\
             then: restctl setup --client-secret-file FILE"
        }
        "7000218" => "restctl setup --client-authentication client_secret_post",
        "700016" | "90002" => {
            "check the tenant and the client id:\n\
             restctl setup --issuer https://login.microsoftonline.com/TENANT/v2.0 --client-id ID"
        }
        "700027" => {
            "upload the certificate of the key to the application's registration (Certificates & secrets); if it is there, \
             compare this machine's clock with the time"
        }
        "501051" => {
            "give the client an app role of the API (API permissions > Application permissions), and have an \
             administrator grant consent"
        }
        "53003" => "ask the tenant's administrators: a Conditional Access policy blocks the client",
        // The endpoint takes no resource beside the scope.
        "901002" => "restctl setup --resource ''",
        "70011" | "1002012" | "700022" | "500011" | "90014" | "900144" => {
            return Some(for_refused_entra_scope(client, issuer));
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

fn for_refused_entra_scope(client: &TokenClient, issuer: &TrustedIssuer) -> String {
    let scope = issuer.audiences.first().map(|audience| format!("{audience}/.default"));
    let scope = scope.as_deref().unwrap_or_default();
    if issuer.provider != Provider::Entra {
        return format!(
            "restctl setup --provider entra, which asks for {}",
            shell_argument(scope, "AUDIENCE/.default")
        );
    }
    if client.scope_to_request(issuer).as_deref() == Some(scope) {
        return "ask for the Application ID URI of the API (Expose an API):\n\
                restctl setup --request-scope APPLICATION_ID_URI/.default"
            .to_owned();
    }
    format!("restctl setup --request-scope {}", shell_argument(scope, "APPLICATION_ID_URI/.default"))
}

fn for_refused_client(client: &TokenClient) -> String {
    // The method is left open: to name one would lead from each to the other and back.
    let other_method = format!(
        "if they are right, it may take another method: restctl setup --client-authentication METHOD, of {}",
        ClientAuthentication::ALL.map(ClientAuthentication::name).join(", ")
    );
    match client.authentication {
        ClientAuthentication::PrivateKeyJwt => format!(
            "check at the provider that the public half of the key is registered for the client, with the same algorithm \
             and kid, and compare the clocks\n\
             then: restctl setup --client-key-file FILE --client-key-id KID; an RSA key as a JWK may name its alg\n\
             {other_method}"
        ),
        ClientAuthentication::ClientSecretPost | ClientAuthentication::ClientSecretBasic => format!(
            "check client id and secret with the provider, then: restctl setup --client-id ID --client-secret-file FILE\n\
             {other_method}"
        ),
    }
}

fn for_missing_grant_type(issuer: &TrustedIssuer) -> String {
    let place = match issuer.provider {
        Provider::Auth0 => " in Auth0: Applications > the application > Advanced Settings > Grant Types",
        Provider::Okta => " in Okta: Applications > the application > Grant type",
        Provider::Keycloak => " in Keycloak: Client authentication on, Service account roles on",
        Provider::Cognito => " in Cognito: the app client > OAuth grant types",
        Provider::Entra | Provider::OpenId => " at the provider",
    };
    format!("allow the client the client-credentials grant{place}")
}

fn for_refused_scope(client: &TokenClient, issuer: &TrustedIssuer) -> String {
    if issuer.provider == Provider::Entra {
        return for_refused_entra_scope(client, issuer);
    }
    // Only custom authorization servers have scopes of one's own.
    if issuer.provider == Provider::Okta && !issuer.issuer.contains("/oauth2/") {
        let custom = format!("{}/oauth2/default", issuer.issuer.trim_end_matches('/'));
        return format!(
            "use a custom authorization server: restctl setup --issuer {}",
            shell_argument(&custom, "https://DOMAIN/oauth2/default")
        );
    }
    match client.scope_to_request(issuer) {
        None => "ask for a scope that the provider knows: restctl setup --request-scope SCOPE".to_owned(),
        Some(scope) => format!(
            "allow the client the scope {} at the provider; or ask for another one, or with '' for none:\n\
             restctl setup --request-scope SCOPE",
            shell_argument(&scope, "that is asked for")
        ),
    }
}

fn for_denied_access(refusal: &EndpointRefusal, issuer: &TrustedIssuer) -> String {
    match issuer.provider {
        Provider::Auth0 if refusal.mentions("service not") || refusal.mentions("audience") => {
            "name the Identifier of an API of this tenant: restctl setup --audience IDENTIFIER"
        }
        Provider::Auth0 => {
            "authorize the client for the API in Auth0: Applications > APIs > the API > Application Access"
        }
        Provider::Okta => {
            "allow the client by a rule with the grant type Client Credentials: Security > API > Authorization \
             Servers > Access Policies"
        }
        Provider::Entra | Provider::Keycloak | Provider::Cognito | Provider::OpenId => {
            "allow the client to use the API, at the provider"
        }
    }
    .to_owned()
}

fn for_refused_resource(client: &TokenClient, issuer: &TrustedIssuer) -> String {
    let audience = audience_argument(issuer);
    match client.resource_to_request(issuer) {
        None => format!("name the API as the resource: restctl setup --resource {audience}"),
        Some(resource) => format!(
            "have the provider define the resource {} and allow it to the client; or name one that it knows:\n\
             restctl setup --resource URI",
            shell_argument(&resource, "that is asked for")
        ),
    }
}

/// Returns what to do about a token that is not a JWT.
pub(super) fn for_opaque_token(client: &TokenClient, issuer: &TrustedIssuer) -> String {
    match issuer.provider {
        Provider::Auth0 => {
            "name the Identifier of an API of yours, not that of an API of Auth0: restctl setup --audience IDENTIFIER"
                .to_owned()
        }
        Provider::Okta => for_refused_scope(client, issuer),
        Provider::Entra => for_refused_entra_scope(client, issuer),
        Provider::Keycloak | Provider::Cognito => {
            "have the provider grant this client JWTs as access tokens".to_owned()
        }
        Provider::OpenId => {
            let setting = "have the provider grant this client JWTs as access tokens (Zitadel: Access Token Type JWT; \
                           Ory Hydra: strategies.access_token jwt; Duende: AccessTokenType Jwt; \
                           oidc-provider: accessTokenFormat jwt)";
            match client.resource_to_request(issuer) {
                // Several providers grant JWTs for a named resource only.
                None => format!(
                    "name the API as the resource: restctl setup --resource {}\nor {setting}",
                    audience_argument(issuer)
                ),
                Some(_) => setting.to_owned(),
            }
        }
    }
}

/// Returns what to do about an encrypted token.
pub(super) fn for_encrypted_token(issuer: &TrustedIssuer) -> String {
    let place = match issuer.provider {
        Provider::Auth0 => " in Auth0: Applications > APIs > the API > Token Encryption",
        Provider::Okta => " in Okta: Security > API > Authorization Servers > the server",
        Provider::Entra => " in Entra ID: token encryption of the API's enterprise application",
        Provider::Keycloak | Provider::Cognito | Provider::OpenId => " at the provider",
    };
    format!("switch off the encryption of access tokens for the API{place}")
}

fn audience_argument(issuer: &TrustedIssuer) -> String {
    shell_argument(issuer.audiences.first().map_or("", String::as_str), "URI")
}

#[cfg(test)]
mod tests {
    use super::super::test_client;
    use super::*;

    fn refusal(status: u16, error: &str, description: &str) -> EndpointRefusal {
        EndpointRefusal {
            status: StatusCode::from_u16(status).unwrap(),
            error: Some(error.to_owned()).filter(|error| !error.is_empty()),
            description: description.to_owned(),
        }
    }

    #[track_caller]
    fn assert_advice(provider: Provider, refusal: &EndpointRefusal, expected: &str) {
        let client = test_client::client(ClientAuthentication::ClientSecretPost);
        let advice = for_refusal(refusal, &client, &test_client::issuer(provider));
        assert!(advice.contains(expected), "{provider}, {:?}: {advice}", refusal.error);
    }

    #[test]
    fn each_error_has_advice_of_its_own() {
        for (provider, status, error, description, expected) in [
            (
                Provider::OpenId,
                401,
                "invalid_client",
                "",
                "--client-authentication METHOD, of client_secret_post",
            ),
            (Provider::OpenId, 401, "", "", "--client-secret-file FILE"),
            (Provider::OpenId, 404, "", "", "reads the address of the token endpoint"),
            (Provider::OpenId, 400, "surprise", "", "check client id, secret, audience and scope"),
            (Provider::OpenId, 503, "", "", "wait a few minutes"),
            (Provider::Auth0, 429, "too_many_requests", "", "wait a few minutes"),
            (Provider::Auth0, 401, "access_denied", "Unauthorized", "check client id and secret"),
            (
                Provider::Auth0,
                403,
                "access_denied",
                "Service not enabled within domain: x",
                "--audience IDENTIFIER",
            ),
            (Provider::Auth0, 403, "access_denied", "Client is not authorized", "Application Access"),
            (Provider::Okta, 400, "access_denied", "Policy evaluation failed", "Access Policies"),
            (
                Provider::Keycloak,
                401,
                "unauthorized_client",
                "Invalid client credentials",
                "check client id and secret",
            ),
            (
                Provider::Keycloak,
                401,
                "unauthorized_client",
                "Client not enabled",
                "Service account roles on",
            ),
            (Provider::Cognito, 400, "unauthorized_client", "", "OAuth grant types"),
            (Provider::OpenId, 400, "unsupported_grant_type", "", "the client-credentials grant"),
            (Provider::OpenId, 400, "invalid_scope", "", "the scope read:items at the provider"),
            (Provider::Keycloak, 400, "invalid_scope", "", "a scope that the provider knows"),
            (Provider::Okta, 400, "invalid_scope", "", "--issuer https://idp.example.test/oauth2/default"),
            (Provider::OpenId, 400, "invalid_target", "", "--resource api://items"),
            (Provider::OpenId, 400, "invalid_request", "audience missing", "--audience AUDIENCE"),
            (Provider::OpenId, 400, "invalid_request", "no client authentication", "--client-authentication"),
            (Provider::Entra, 401, "invalid_client", "AADSTS7000215: Invalid", "not its Secret ID"),
            (Provider::Entra, 401, "invalid_client", "AADSTS7000222: expired", "has expired"),
            (Provider::Entra, 401, "invalid_client", "AADSTS700027: x", "upload the certificate"),
            (Provider::Entra, 400, "unauthorized_client", "AADSTS700016: x", "check the tenant"),
            (Provider::Entra, 400, "invalid_scope", "AADSTS1002012: x", "APPLICATION_ID_URI/.default"),
            (
                Provider::OpenId,
                400,
                "invalid_scope",
                "AADSTS70011: x",
                "--provider entra, which asks for api://items/.default",
            ),
        ] {
            assert_advice(provider, &refusal(status, error, description), expected);
        }
    }

    #[test]
    fn advice_is_not_what_is_done_already() {
        let mut client = test_client::client(ClientAuthentication::PrivateKeyJwt);
        let mut entra = test_client::issuer(Provider::Entra);
        let scope = refusal(400, "invalid_scope", "AADSTS70011: x");
        client.request_scope = Some("read:items".to_owned());
        assert!(for_refusal(&scope, &client, &entra).ends_with("--request-scope api://items/.default"));
        entra.audiences = vec!["$(id)".to_owned()];
        assert!(
            for_refusal(&scope, &client, &entra).ends_with("--request-scope APPLICATION_ID_URI/.default")
        );

        let openid = test_client::issuer(Provider::OpenId);
        assert!(for_opaque_token(&client, &openid).contains("--resource api://items\nor have the provider"));
        client.resource = Some("api://items".to_owned());
        assert!(!for_opaque_token(&client, &openid).contains("--resource"));
        let target = refusal(400, "invalid_target", "");
        assert!(for_refusal(&target, &client, &openid).contains("define the resource api://items"));
        let refused = refusal(401, "invalid_client", "");
        assert!(for_refusal(&refused, &client, &openid).contains("--client-key-file FILE"));
        // Neither method leads to the other and back.
        for method in [ClientAuthentication::ClientSecretPost, ClientAuthentication::ClientSecretBasic] {
            client.authentication = method;
            let advice = for_refusal(&refused, &client, &openid);
            assert!(!advice.contains("--client-authentication client_secret"), "{advice}");
        }

        let mut okta = test_client::issuer(Provider::Okta);
        okta.issuer = "https://company.okta.com/oauth2/default".to_owned();
        let scope = refusal(400, "invalid_scope", "");
        assert!(!for_refusal(&scope, &client, &okta).contains("--issuer"));
    }

    #[test]
    fn only_the_credential_is_replaced_if_it_is_refused() {
        for (status, error, description, expected) in [
            (401, "invalid_client", "", true),
            (400, "invalid_client", "", true),
            (401, "access_denied", "", true),
            (403, "access_denied", "", false),
            (401, "unauthorized_client", "Invalid client or Invalid client credentials", true),
            (400, "unauthorized_client", "grant type not allowed", false),
            (401, "", "", true),
            (400, "invalid_scope", "", false),
        ] {
            assert_eq!(refusal(status, error, description).is_about_client(), expected, "{status} {error}");
        }
    }
}
