use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use restctl_contract::issuer::Algorithm;

use super::super::test_client;
use super::*;
use crate::identity::token_client::ClientAuthentication;

fn decode(assertion: &str, part: usize) -> Value {
    let part = assertion.split('.').nth(part).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn client() -> TokenClient {
    test_client::client(ClientAuthentication::PrivateKeyJwt)
}

/// Signs with the key and returns header and claims, after verifying the signature.
fn sign(pair: &KeyPair, pem: &str, client: &TokenClient, provider: Provider) -> (Value, Value) {
    let key = ClientKey::parse(pem).unwrap();
    let assertion = sign_assertion(&key, client, provider, "https://idp.example.test", 1_000).unwrap();
    let (header, claims) = (decode(&assertion, 0), decode(&assertion, 1));
    let public = pair.public_key_pem();
    let (algorithm, public) = match key.algorithm(provider) {
        Algorithm::Es256 => {
            (jsonwebtoken::Algorithm::ES256, jsonwebtoken::DecodingKey::from_ec_pem(public.as_bytes()))
        }
        Algorithm::Rs256 => {
            (jsonwebtoken::Algorithm::RS256, jsonwebtoken::DecodingKey::from_rsa_pem(public.as_bytes()))
        }
        Algorithm::Ps256 => {
            (jsonwebtoken::Algorithm::PS256, jsonwebtoken::DecodingKey::from_rsa_pem(public.as_bytes()))
        }
        other => panic!("{other}"),
    };
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let verified = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &public.unwrap(), algorithm);
    assert!(verified.unwrap(), "{header}");
    (header, claims)
}

#[test]
fn an_assertion_names_the_client_and_one_audience_for_a_minute() {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let (header, claims) = sign(&pair, &pair.serialize_pem(), &client(), Provider::OpenId);
    assert_eq!(header, json!({ "alg": "ES256" }));
    let jti = claims["jti"].as_str().unwrap().to_owned();
    let expected = json!({
        "iss": "client", "sub": "client", "aud": "https://idp.example.test", "jti": jti, "iat": 1_000, "exp": 1_060,
    });
    assert_eq!(claims, expected);
    let (_, again) = sign(&pair, &pair.serialize_pem(), &client(), Provider::OpenId);
    assert!(jti.len() == 32 && again["jti"] != claims["jti"], "{jti}");
}

#[test]
fn the_header_names_the_key_as_the_provider_knows_it() {
    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&pair).unwrap();
    let pem = format!("{}{}", pair.serialize_pem(), certificate.pem());
    let (header, _) = sign(&pair, &pem, &client(), Provider::Entra);
    let digest = sha2::Digest::finalize(<sha2::Sha256 as sha2::Digest>::new_with_prefix(certificate.der()));
    assert_eq!(header, json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(digest) }));

    let mut client = client();
    client.key_id = Some("key-1".to_owned());
    let (header, _) = sign(&pair, &pem, &client, Provider::Keycloak);
    assert_eq!(header, json!({ "alg": "RS256", "kid": "key-1" }));
}

#[test]
fn each_provider_is_the_audience_as_it_documents() {
    let client = client();
    let audiences = |provider| {
        let issuer = test_client::issuer(provider);
        let AssertionAudiences { first, second } = audiences_of_assertion(&client, &issuer);
        (first.to_owned(), second.map(str::to_owned))
    };
    let (issuer, endpoint) =
        ("https://idp.example.test".to_owned(), "https://idp.example.test/token".to_owned());
    for provider in [Provider::Entra, Provider::Okta] {
        assert_eq!(audiences(provider), (endpoint.clone(), None));
    }
    for provider in [Provider::Auth0, Provider::Keycloak] {
        assert_eq!(audiences(provider), (issuer.clone(), None));
    }
    assert_eq!(audiences(Provider::OpenId), (issuer, Some(endpoint)));
}
