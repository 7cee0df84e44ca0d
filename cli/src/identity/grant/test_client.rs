//! A client and an issuer for the tests of this room.

use restctl_contract::issuer::{Algorithm, Provider, TrustedIssuer};

use crate::identity::token_client::{ClientAuthentication, TokenClient};

pub(super) fn client(authentication: ClientAuthentication) -> TokenClient {
    TokenClient {
        issuer: "https://idp.example.test".to_owned(),
        token_endpoint: "https://idp.example.test/token".to_owned(),
        client_id: "client".to_owned(),
        authentication,
        key_id: None,
        request_scope: None,
        resource: None,
    }
}

pub(super) fn issuer(provider: Provider) -> TrustedIssuer {
    TrustedIssuer {
        issuer: "https://idp.example.test".to_owned(),
        provider,
        audiences: vec!["api://items".to_owned()],
        scope: "read:items".to_owned(),
        grant_claims: Vec::new(),
        algorithms: Algorithm::defaults(),
        jwks_uri: "https://idp.example.test/jwks".to_owned(),
        authorities: Vec::new(),
    }
}
