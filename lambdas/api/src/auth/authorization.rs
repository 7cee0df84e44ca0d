//! Verification of a request's token.

use std::time::SystemTime;

use futures_util::future::join_all;
use lambda_http::Request;
use restctl_aws::{BoxError, HttpsClient};
use restctl_verifier::{Claims, Refusal, find_issuer};

use super::issuer_verifier::IssuerVerifier;
use crate::http::request::header_lines;
use crate::problem::Failure;
use crate::settings::IssuerSettings;

/// Verifies the tokens of the trusted issuers.
pub(crate) struct Authorizer {
    issuers: Vec<IssuerVerifier>,
}

/// The token of a request. Anyone may have written it.
pub(crate) struct UnverifiedToken<'a> {
    token: &'a str,
    /// The issuer that the token names, or the only one.
    issuer: Option<&'a IssuerVerifier>,
    authorizer: &'a Authorizer,
}

impl Authorizer {
    /// Fetches keys with `https`, except for those of issuers with certificates of their own.
    ///
    /// # Errors
    /// If the client for one of these cannot be set up.
    pub(crate) fn new(issuers: Vec<IssuerSettings>, https: &HttpsClient) -> Result<Self, BoxError> {
        let is_only = issuers.len() == 1;
        let verifier = |issuer| IssuerVerifier::new(issuer, https, is_only, SystemTime::now);
        Ok(Self { issuers: issuers.into_iter().map(verifier).collect::<Result<_, _>>()? })
    }

    /// Returns the scopes of the issuers, each once. A token must have that of its issuer.
    pub(crate) fn scopes(&self) -> Vec<&str> {
        let mut scopes = Vec::new();
        for scope in self.issuers.iter().map(IssuerVerifier::scope) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// Fetches the keys of all issuers at the same time, while the function starts.
    pub(crate) async fn prefetch_keys(&self) {
        join_all(self.issuers.iter().map(|issuer| issuer.keys().prefetch_keys())).await;
    }

    /// Returns how many fetches of keys were attempted since the last call.
    pub(crate) fn take_fetch_count(&self) -> u64 {
        self.issuers.iter().map(|issuer| issuer.keys().take_fetch_count()).sum()
    }

    pub(crate) fn has_several_issuers(&self) -> bool {
        self.issuers.len() > 1
    }

    /// Returns the request's token.
    pub(crate) fn read_token<'a>(&'a self, request: &'a Request) -> Result<UnverifiedToken<'a>, Failure> {
        let token = bearer_token(request)?;
        let index = find_issuer(token, self.issuers.iter().map(IssuerVerifier::name));
        let issuer = index.and_then(|index| self.issuers.get(index));
        Ok(UnverifiedToken { token, issuer, authorizer: self })
    }
}

impl UnverifiedToken<'_> {
    /// Returns the trusted issuer with whose keys and rules the token is verified, unless it names none of several.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.issuer.map(IssuerVerifier::name)
    }

    pub(crate) async fn verify(&self) -> Result<Claims, Failure> {
        match (self.issuer, self.authorizer.issuers.first()) {
            (Some(issuer), _) => issuer.authorize(self.token).await,
            (None, Some(first)) => first.refuse_foreign(self.token).await,
            (None, None) => Err(Failure::RefusedToken(Refusal::WrongIssuer)),
        }
    }
}

/// Returns the token of the only `Authorization` header (RFC 6750, section 2.1). The scheme is case-insensitive
/// (RFC 9110, section 11.1).
fn bearer_token(request: &Request) -> Result<&str, Failure> {
    let mut values = header_lines(request, "authorization");
    let value = values.next().ok_or(Failure::MissingToken)?;
    if values.next().is_some() {
        return Err(Failure::RepeatedAuthorization);
    }
    match value.trim_matches([' ', '\t']).split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim_start_matches(' ')),
        _ => Err(Failure::MissingToken),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use restctl_testkit::identity_provider::IdentityProvider;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    fn settings_of(provider: &IdentityProvider, jwks_uri: &str) -> IssuerSettings {
        let trusted = provider.trusted_issuer();
        IssuerSettings { trusted, jwks_uri: jwks_uri.parse().unwrap(), roots: None }
    }

    /// Accepts a connection and reads the start of its request.
    async fn accept_request(listener: &TcpListener) -> TcpStream {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream
    }

    /// Each server answers only after both have been asked. One after the other, the first fetch would end without keys.
    #[tokio::test]
    async fn the_keys_of_all_issuers_are_fetched_at_the_same_time() {
        let (mut issuers, mut listeners) = (Vec::new(), Vec::new());
        let providers = [IdentityProvider::start().await, IdentityProvider::start().await];
        for provider in &providers {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let jwks_uri = format!("http://{}/jwks.json", listener.local_addr().unwrap());
            issuers.push(settings_of(provider, &jwks_uri));
            listeners.push(listener);
        }
        let authorizer = Authorizer::new(issuers, &restctl_aws::https_client().unwrap()).unwrap();
        let serve = async {
            let mut streams = join_all(listeners.iter().map(accept_request)).await;
            for (stream, provider) in streams.iter_mut().zip(&providers) {
                let jwks = provider.jwks().to_string();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", jwks.len());
                stream.write_all((head + &jwks).as_bytes()).await.unwrap();
            }
            streams
        };
        let (_streams, ()) = tokio::join!(serve, authorizer.prefetch_keys());
        for provider in &providers {
            let token = format!("Bearer {}", provider.token());
            let request = request_with(&[&token]);
            let token = authorizer.read_token(&request).unwrap();
            assert_eq!(token.issuer(), Some(provider.issuer().as_str()));
            assert!(token.verify().await.is_ok());
        }
        assert_eq!(authorizer.take_fetch_count(), 2);
    }

    fn request_with(authorization: &[&str]) -> Request {
        let mut request = Request::default();
        for value in authorization {
            request.headers_mut().append("authorization", HeaderValue::from_str(value).unwrap());
        }
        request
    }

    #[test]
    fn the_bearer_scheme_is_case_insensitive() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c", " Bearer a.b.c "] {
            assert_eq!(bearer_token(&request_with(&[value])).unwrap(), "a.b.c", "{value}");
        }
    }

    #[test]
    fn other_credentials_are_not_a_token() {
        for value in ["", "Bearer", "Bearer ", "Basic dTpw", "Bearera.b.c", "a.b.c", "Token a.b.c"] {
            assert!(matches!(bearer_token(&request_with(&[value])), Err(Failure::MissingToken)), "{value}");
        }
        assert!(matches!(bearer_token(&request_with(&[])), Err(Failure::MissingToken)));
        let twice = request_with(&["Bearer a.b.c", "Bearer a.b.c"]);
        assert!(matches!(bearer_token(&twice), Err(Failure::RepeatedAuthorization)));
    }
}
