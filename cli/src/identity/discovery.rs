//! What an identity provider publishes about itself (OpenID Connect Discovery 1.0).

use reqwest::{StatusCode, Url};
use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_verifier::MAX_KEY_SET_BYTES;
use serde::Deserialize;

use crate::failure::{Exit, Failure, FailureContext, Result, shell_argument};
use crate::identity::http::{
    ALLOW_ADDRESS, build_client, describe_no_answer, describe_status, is_loopback, read_bounded_body,
};
use crate::identity::token_client::ClientAuthentication;
use crate::network::certificate_refusal::TRUST_THE_PROXY;
use crate::network::page_text::first_line;
use crate::network::proxy::Proxy;

/// A discovery document has a few kilobytes. No more than this is read.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// The most redirects that are followed to what a provider publishes. A request with a secret follows none.
const MAX_REDIRECTS: usize = 3;

/// The hosts of Microsoft Entra ID's issuers, of both versions of its tokens ("National clouds", Microsoft identity platform).
const ENTRA_HOSTS: [&str; 5] = [
    "login.microsoftonline.com",
    "sts.windows.net",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "sts.chinacloudapi.cn",
];

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct DiscoveryDocument {
    pub(crate) issuer: String,
    pub(crate) jwks_uri: String,
    pub(crate) token_endpoint: String,
    /// Absent means `client_secret_basic` alone (section 3).
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The address that the issuer redirects to, if it does.
    #[serde(skip)]
    pub(crate) read_from: Option<String>,
}

impl DiscoveryDocument {
    /// Returns the methods by which a client may authenticate that restctl knows, the simplest first.
    pub(crate) fn client_authentications(&self) -> Vec<ClientAuthentication> {
        let Some(supported) = &self.token_endpoint_auth_methods_supported else {
            return vec![ClientAuthentication::ClientSecretBasic];
        };
        let known = ClientAuthentication::ALL.into_iter();
        known.filter(|method| supported.iter().any(|name| name == method.name())).collect()
    }
}

/// Returns the kind of provider if the host of its issuer leaves no doubt.
pub(crate) fn provider_of_issuer(issuer: &str) -> Option<Provider> {
    let url = Url::parse(issuer).ok()?;
    let host = url.host_str()?;
    let is_within = |domains: &[&str]| domains.iter().any(|domain| host.ends_with(domain));
    let is_cognito = host.starts_with("cognito-idp.") || host.starts_with("issuer-cognito-idp.");
    if is_cognito && is_within(&[".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"]) {
        Some(Provider::Cognito)
    } else if ENTRA_HOSTS.contains(&host) {
        Some(Provider::Entra)
    } else if is_within(&[".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com", ".okta.mil"]) {
        Some(Provider::Okta)
    } else if is_within(&[".auth0.com"]) {
        Some(Provider::Auth0)
    } else {
        None
    }
}

const CHECK_ISSUER: &str =
    "check the issuer, which is spelled as in the provider's tokens: --issuer https://TENANT.eu.auth0.com/";

/// Fetches the discovery document of `issuer`, and checks that it names exactly that issuer. `authorities` are those of
/// [`TrustedIssuer`].
pub(crate) async fn fetch_document(issuer: &str, authorities: &[String]) -> Result<DiscoveryDocument> {
    check_secure(issuer, "the issuer")?;
    check_one_tenant(issuer)?;
    check_okta_server(issuer)?;
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let with_advice = |failure: Failure| match failure.next_step() {
        Some(next) => {
            let next = format!("{next};\n{CHECK_ISSUER}");
            failure.next(next)
        }
        None => failure.next(CHECK_ISSUER),
    };
    let doing = format!("the issuer does not answer at {address}");
    let answer = send_get(&address, authorities, Redirects::WithinHost, &doing).await.map_err(with_advice)?;
    if !answer.status().is_success() {
        let why = "an issuer publishes its OpenID configuration there".to_owned();
        return Err(describe_status(answer, why, CHECK_ISSUER).await);
    }
    let read_from = answer.url().to_string();
    let body = read_bounded_body(answer, MAX_DOCUMENT_BYTES).await?;
    let mut document: DiscoveryDocument = serde_json::from_slice(&body)
        .context(format!("{read_from} is not an OpenID configuration"))
        .map_err(|failure| match first_line("", &body) {
            Some(words) => failure
                .why(format!("it has the text \"{words}\""))
                .next(format!("{CHECK_ISSUER};\n{ALLOW_ADDRESS}")),
            None => failure.next(CHECK_ISSUER),
        })?;
    if document.issuer.contains("{tenantid}") {
        return Err(any_tenant_failure(issuer));
    }
    if document.issuer != issuer {
        return Err(Failure::new(format!("the issuer's name is {:?}, not {issuer:?}", document.issuer))
            .exit(Exit::Usage)
            .why("tokens have its own spelling as iss, and the API compares that exactly")
            .next(format!("the same command with --issuer {}", shell_argument(&document.issuer, "URL"))));
    }
    check_secure_for(issuer, &document.jwks_uri, "the issuer's jwks_uri")?;
    check_secure_for(issuer, &document.token_endpoint, "the issuer's token_endpoint")?;
    document.read_from = Some(read_from).filter(|read_from| !is_same_address(read_from, &address));
    Ok(document)
}

/// A key set, and the address that it has after all redirects.
pub(crate) struct LocatedKeys {
    /// As `Url` writes it, which the API can parse.
    pub(crate) address: String,
    pub(crate) document: Vec<u8>,
    /// Whether `address` is another one than was asked for.
    pub(crate) is_redirected: bool,
}

/// Fetches published keys without parsing them. Follows redirects, unlike the API: it must be given the last address.
pub(crate) async fn locate_keys(jwks_uri: &str, authorities: &[String]) -> Result<LocatedKeys> {
    let doing = format!("cannot fetch the issuer's keys from {jwks_uri}");
    check_parsed_by_api(jwks_uri)?;
    let answer = send_get(jwks_uri, authorities, Redirects::ToOtherHostsForGood, &doing).await?;
    if !answer.status().is_success() {
        let why = "the issuer's OpenID configuration says that its keys are there".to_owned();
        return Err(describe_status(answer, why, "have the provider publish its keys there").await);
    }
    let address = answer.url().to_string();
    let is_redirected = !is_same_address(&address, jwks_uri);
    check_parsed_by_api(&address)?;
    let document = read_bounded_body(answer, MAX_KEY_SET_BYTES).await?;
    Ok(LocatedKeys { address, document, is_redirected })
}

/// Fetches the issuer's published keys as the API does, without parsing them.
pub(crate) async fn fetch_keys(issuer: &TrustedIssuer) -> Result<Vec<u8>> {
    let jwks_uri = &issuer.jwks_uri;
    check_secure(jwks_uri, "the issuer's jwks_uri")?;
    let doing = format!("cannot fetch the issuer's keys from {jwks_uri}");
    let answer = send_get(jwks_uri, &issuer.authorities, Redirects::NotFollowed, &doing).await?;
    if !answer.status().is_success() {
        let why = format!("according to the settings, {} publishes its keys there", issuer.issuer);
        let next = format!(
            "restctl idp add --issuer {}, which reads the address of the keys again; then restctl deploy",
            shell_argument(&issuer.issuer, "URL")
        );
        return Err(describe_status(answer, why, &next).await);
    }
    read_bounded_body(answer, MAX_KEY_SET_BYTES).await
}

/// Which redirects are followed. None of them leads from HTTPS to plain HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Redirects {
    /// None: the answer can be a redirect.
    NotFollowed,
    /// What an issuer publishes about itself comes from its own host.
    WithinHost,
    /// Within the host all, and to another one only those that are for good: the last address is stored, and the API
    /// trusts its owner from then on.
    ToOtherHostsForGood,
}

impl Redirects {
    /// Fails with the reason if this redirect is not followed.
    fn check(self, status: StatusCode, from: &Url, to: &Url) -> Result<(), &'static str> {
        let is_downgrade = from.scheme() == "https" && to.scheme() != "https";
        if is_downgrade || check_secure(to.as_str(), "the address").is_err() {
            return Err("keys are read over HTTPS only, or within this machine");
        }
        let is_for_good = matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
        match self {
            _ if from.host() == to.host() => Ok(()),
            Self::ToOtherHostsForGood if is_for_good => Ok(()),
            Self::ToOtherHostsForGood => {
                Err("keys are read from another host only if they have moved there for good (301 or 308)")
            }
            Self::WithinHost | Self::NotFollowed => {
                Err("an issuer's configuration is read from its own host only")
            }
        }
    }
}

/// Sends GET and follows up to [`MAX_REDIRECTS`] of these redirects.
async fn send_get(
    address: &str,
    authorities: &[String],
    redirects: Redirects,
    doing: &str,
) -> Result<reqwest::Response> {
    let mut url = address.to_owned();
    for followed in 0..=MAX_REDIRECTS {
        let answer = match build_client(&url, authorities)?.get(&url).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let failure = describe_no_answer(doing, &error).await;
                return Err(with_certificate_advice(failure, &url, authorities));
            }
        };
        let target = redirect_target(&answer).filter(|_| redirects != Redirects::NotFollowed);
        let Some(target) = target else { return Ok(answer) };
        redirects.check(answer.status(), answer.url(), &target).map_err(|why| {
            Failure::new(format!("{url} redirects to {target}"))
                .why(why)
                .next("have the provider publish it at its own address, without a redirect")
        })?;
        if followed == MAX_REDIRECTS {
            break;
        }
        url = target.into();
    }
    Err(Failure::new(format!("{address} redirects more than {MAX_REDIRECTS} times")))
}

fn redirect_target(answer: &reqwest::Response) -> Option<Url> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.headers().get(reqwest::header::LOCATION)?.to_str().ok()?;
    answer.url().join(location).ok()
}

/// Fails if the API, which does not start then, cannot parse the address of the keys: it takes fewer than `Url` does.
fn check_parsed_by_api(jwks_uri: &str) -> Result<()> {
    let written = Url::parse(jwks_uri).map_or_else(|_| jwks_uri.to_owned(), |url| url.to_string());
    match written.parse::<http::Uri>() {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(format!("the issuer's jwks_uri is {jwks_uri:?}"))
            .exit(Exit::Usage)
            .why(format!("the API cannot fetch keys from there ({error})"))
            .next("have the provider publish its keys at another address")),
    }
}

/// Compares what two texts mean as URLs.
fn is_same_address(one: &str, other: &str) -> bool {
    matches!((Url::parse(one), Url::parse(other)), (Ok(one), Ok(other)) if one == other)
}

/// Says what to do about a certificate of an authority that the connection to `url` does not trust.
fn with_certificate_advice(failure: Failure, url: &str, authorities: &[String]) -> Failure {
    let why = failure.to_single_line();
    // The other one is that of an authority which has the name of a trusted one, and another key.
    if !["UnknownIssuer", "BadSignature"]
        .iter()
        .any(|fault| why.contains(&format!("invalid peer certificate: {fault}")))
    {
        return failure;
    }
    let advice = if authorities.is_empty() {
        "if the provider's certificate is from a private authority, add --provider-ca FILE with the authority's certificate"
    } else {
        "give the certificate of the authority that issued the provider's: --provider-ca FILE; only the authorities in \
         that file are trusted, or with --provider-ca \"\" the system's"
    };
    match Url::parse(url).map(|url| Proxy::for_url(&url)) {
        Ok(Ok(Some(_))) => failure.next(format!("{TRUST_THE_PROXY};\n{advice}")),
        _ => failure.next(advice),
    }
}

/// Fails for the issuers of Entra ID that stand for several tenants.
fn check_one_tenant(issuer: &str) -> Result<()> {
    let Ok(url) = Url::parse(issuer) else { return Ok(()) };
    let tenant = url.path_segments().and_then(|mut segments| segments.next().map(str::to_owned));
    let is_any = tenant.is_some_and(|tenant| {
        ["common", "organizations", "consumers", "{tenantid}", "%7Btenantid%7D"].contains(&tenant.as_str())
    });
    let is_entra = url.host_str().is_some_and(|host| ENTRA_HOSTS.contains(&host));
    if is_any && is_entra { Err(any_tenant_failure(issuer)) } else { Ok(()) }
}

/// Fails for Okta's org authorization server: its tokens are for Okta itself, and the keys of its access tokens are not
/// published ("Authorization servers" and "Key rotation", Okta developer docs).
fn check_okta_server(issuer: &str) -> Result<()> {
    let path = Url::parse(issuer).map(|url| url.path().to_owned());
    if provider_of_issuer(issuer) != Some(Provider::Okta) || path.is_ok_and(|path| path != "/") {
        return Ok(());
    }
    let custom = format!("{}/oauth2/default", issuer.trim_end_matches('/'));
    Err(Failure::usage(format!("{issuer} is Okta's org authorization server"))
        .why("its access tokens are for Okta itself, and no other API can verify them")
        .next(format!(
            "the same command with the issuer of a custom authorization server, such as --issuer {}",
            shell_argument(&custom, "URL")
        )))
}

fn any_tenant_failure(issuer: &str) -> Failure {
    Failure::new(format!("{issuer} stands for the tenants of all organizations"))
        .exit(Exit::Usage)
        .why("a token names its own tenant as iss, and the API accepts the tokens of tenants that are named")
        .next(
            "the same command with --issuer https://login.microsoftonline.com/TENANT/v2.0, where TENANT is the Directory (tenant) ID of the app \
             registration's overview",
        )
}

/// [`check_secure`] for an address that the issuer names. Only an issuer at a plain HTTP address within this machine may name
/// another one there.
fn check_secure_for(issuer: &str, address: &str, what: &str) -> Result<()> {
    check_secure(address, what)?;
    let is_https = |address| Url::parse(address).is_ok_and(|url| url.scheme() == "https");
    if is_https(address) || !is_https(issuer) {
        return Ok(());
    }
    Err(Failure::new(format!("{what} is {address:?}"))
        .exit(Exit::Usage)
        .why(format!("the issuer {issuer} is at an HTTPS address, and what it names has to be, too"))
        .next("have the provider publish HTTPS addresses"))
}

/// Accepts HTTPS, and plain HTTP to this machine.
pub(super) fn check_secure(address: &str, what: &str) -> Result<()> {
    let insecure = |why: &str| {
        Failure::new(format!("{what} is {address:?}"))
            .exit(Exit::Usage)
            .why(why)
            .next("the same command with --issuer https://HOST/PATH")
    };
    let url = Url::parse(address).map_err(|_| insecure("that is not a URL"))?;
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        _ => Err(insecure("keys and secrets are sent over HTTPS only")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_the_issuer_identifies_the_provider() {
        for (issuer, provider) in [
            ("https://tenant.eu.auth0.com/", Some(Provider::Auth0)),
            ("https://login.microsoftonline.com/4a1e/v2.0", Some(Provider::Entra)),
            ("https://sts.windows.net/4a1e/", Some(Provider::Entra)),
            ("https://login.microsoftonline.us/4a1e/v2.0", Some(Provider::Entra)),
            ("https://sts.chinacloudapi.cn/4a1e/", Some(Provider::Entra)),
            ("https://company.okta.com/oauth2/default", Some(Provider::Okta)),
            ("https://dev-1.oktapreview.com", Some(Provider::Okta)),
            ("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC", Some(Provider::Cognito)),
            ("https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC", Some(Provider::Cognito)),
            ("https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_AbC", Some(Provider::Cognito)),
            ("https://cognito-idp.eusc-de-east-1.amazonaws.eu/eusc-de-east-1_AbC", Some(Provider::Cognito)),
            ("https://auth0.com.example.com/", None),
            ("https://notauth0.com/", None),
            ("https://okta.com.example.com/", None),
            ("https://login.microsoftonline.com.example.com/", None),
            ("https://login.microsoftonline.com@example.com/", None),
            ("https://cognito-idp.example.com/eu-west-1_AbC", None),
            ("https://my-issuer-cognito-idp.eu-west-1.amazonaws.com/", None),
            ("https://cognito-identity.amazonaws.com", None),
            ("https://keycloak.example.com/realms/items", None),
            ("http://127.0.0.1:8080/", None),
        ] {
            assert_eq!(provider_of_issuer(issuer), provider, "{issuer}");
        }
    }

    #[test]
    fn an_issuer_of_several_tenants_is_refused() {
        for several in [
            "https://login.microsoftonline.com/common/v2.0",
            "https://login.microsoftonline.com/organizations/v2.0",
            "https://login.microsoftonline.com/{tenantid}/v2.0",
            "https://sts.windows.net/common/",
        ] {
            let refusal = check_one_tenant(several).unwrap_err();
            assert!(refusal.exit == Exit::Usage && refusal.to_string().contains("/TENANT/v2.0"), "{refusal}");
        }
        for one in ["https://login.microsoftonline.com/4a1e/v2.0", "https://id.example.com/common/v2.0"] {
            assert!(check_one_tenant(one).is_ok(), "{one}");
        }
    }

    #[test]
    fn the_org_server_of_okta_is_refused() {
        for org in ["https://company.okta.com", "https://company.okta.com/"] {
            let refusal = check_okta_server(org).unwrap_err().to_string();
            assert!(refusal.contains("--issuer https://company.okta.com/oauth2/default"), "{refusal}");
        }
        for other in ["https://company.okta.com/oauth2/default", "https://id.example.com"] {
            assert!(check_okta_server(other).is_ok(), "{other}");
        }
    }

    #[test]
    fn an_issuer_declares_how_clients_authenticate() {
        let authentications = |methods: serde_json::Value| {
            let mut document = serde_json::json!({ "issuer": "i", "jwks_uri": "j", "token_endpoint": "t" });
            document["token_endpoint_auth_methods_supported"] = methods;
            serde_json::from_value::<DiscoveryDocument>(document).unwrap().client_authentications()
        };
        let (basic, post, key) = (
            ClientAuthentication::ClientSecretBasic,
            ClientAuthentication::ClientSecretPost,
            ClientAuthentication::PrivateKeyJwt,
        );
        assert_eq!(
            authentications(serde_json::json!(["client_secret_basic", "client_secret_post"])),
            [post, basic]
        );
        assert_eq!(authentications(serde_json::json!(["private_key_jwt", "tls_client_auth"])), [key]);
        assert_eq!(authentications(serde_json::json!(["none"])), []);
        assert_eq!(authentications(serde_json::Value::Null), [basic]);
    }

    #[test]
    fn plain_http_is_accepted_for_this_machine_only() {
        for good in [
            "https://tenant.eu.auth0.com/",
            "http://127.0.0.1:8080/",
            "http://[::1]:80/",
            "http://localhost/",
        ] {
            assert!(check_secure(good, "the issuer").is_ok(), "{good}");
        }
        for bad in
            ["http://tenant.eu.auth0.com/", "http://127.0.0.1.example.com/", "ftp://127.0.0.1/", "tenant"]
        {
            assert!(check_secure(bad, "the issuer").is_err(), "{bad}");
        }
    }

    #[test]
    fn an_issuer_over_https_names_https_addresses() {
        let (https, loopback) = ("https://id.example.com/", "http://127.0.0.1:8080/");
        for (issuer, address, is_accepted) in [
            (https, "https://keys.example.net/keys", true),
            (https, "http://127.0.0.1:8080/keys", false),
            (https, "http://localhost/keys", false),
            (loopback, "http://localhost/keys", true),
            (loopback, "https://keys.example.net/keys", true),
            (loopback, "http://keys.example.net/keys", false),
        ] {
            let checked = check_secure_for(issuer, address, "the issuer's jwks_uri");
            assert_eq!(checked.is_ok(), is_accepted, "{issuer} {address}");
        }
    }

    #[test]
    fn another_host_is_followed_for_keys_that_have_moved_for_good() {
        let url = |text| Url::parse(text).unwrap();
        let (host, same, other) = (
            url("https://id.example.com/a"),
            url("https://id.example.com:8443/b"),
            url("https://example.net/"),
        );
        for code in [301, 302, 303, 307, 308] {
            let status = StatusCode::from_u16(code).unwrap();
            for redirects in [Redirects::WithinHost, Redirects::ToOtherHostsForGood] {
                assert!(redirects.check(status, &host, &same).is_ok(), "{code}");
                assert!(redirects.check(status, &host, &url("http://id.example.com/a")).is_err(), "{code}");
                assert!(redirects.check(status, &host, &url("http://127.0.0.1/")).is_err(), "{code}");
            }
            assert!(Redirects::WithinHost.check(status, &host, &other).is_err(), "{code}");
            let is_followed = Redirects::ToOtherHostsForGood.check(status, &host, &other).is_ok();
            assert_eq!(is_followed, [301, 308].contains(&code), "{code}");
        }
    }

    #[test]
    fn the_api_can_parse_the_address_of_the_keys() {
        // As `Url` writes it, a space is encoded.
        for good in ["https://id.example.com/keys", "https://id.example.com/a b", "https://[::1]/keys"] {
            assert!(check_parsed_by_api(good).is_ok(), "{good}");
        }
        let refusal = check_parsed_by_api("https://id{1}.example.com/keys").unwrap_err();
        assert!(refusal.exit == Exit::Usage && refusal.to_string().contains("the API cannot"), "{refusal}");
    }
}
