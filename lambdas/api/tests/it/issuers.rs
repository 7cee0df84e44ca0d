//! Several issuers at once, each with keys, certificates and rules of its own.

use std::time::Duration;

use restctl_contract::issuer::{Provider, TrustedIssuer};
use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::{IdentityProvider, JwksAnswer};
use restctl_testkit::signing_key::SigningKey;
use restctl_testkit::tls::Authority;
use serde_json::{Value, json};

use crate::stage::{PATIENCE, Stage, TABLE, assert_metrics_are_accepted, assert_problem};

/// The function with two issuers, between which a provider migrates. The first is the stage's own.
struct Migration {
    stage: Stage,
    second: IdentityProvider,
}

impl Migration {
    async fn start() -> Self {
        let (first, second) = (IdentityProvider::start().await, IdentityProvider::start().await);
        let issuers = [first.trusted_issuer(), cognito_issuer(&second)];
        Self { stage: start_stage(first, &issuers).await, second }
    }

    /// Returns a token of the second issuer.
    fn second_token(&self) -> String {
        self.second.signing_key().token(&cognito_claims(&self.second))
    }
}

async fn start_stage(first: IdentityProvider, issuers: &[TrustedIssuer]) -> Stage {
    let dynamo = Dynamo::start().await;
    dynamo.create_table(TABLE, "id");
    let stage = Stage::start_with_issuers(first, dynamo, issuers).await;
    stage.put_item("42", json!({}));
    stage
}

/// Returns an issuer that differs from [`IdentityProvider::trusted_issuer`] in all that an issuer may require.
fn cognito_issuer(provider: &IdentityProvider) -> TrustedIssuer {
    TrustedIssuer {
        provider: Provider::Cognito,
        audiences: vec!["client-1".to_owned()],
        scope: "items/read".to_owned(),
        ..provider.trusted_issuer()
    }
}

fn cognito_claims(provider: &IdentityProvider) -> Value {
    let mut claims = provider.claims();
    claims["client_id"] = json!("client-1");
    claims["token_use"] = json!("access");
    claims["scope"] = json!("items/read");
    claims
}

async fn get_with(stage: &Stage, token: &str) -> AlbAnswer {
    stage.send(&AlbRequest::get("/v1/items/42").bearer(token)).await
}

async fn assert_refused(stage: &Stage, token: &str, reason: &str) {
    assert_eq!(assert_problem(&get_with(stage, token).await, 401, "token-refused")["detail"], reason);
}

/// Returns the lines of requests, once there are this many.
async fn request_lines(stage: &Stage, count: usize) -> Vec<Value> {
    let parse = |output: &str| -> Vec<Value> {
        let lines = output.lines().filter(|line| line.contains(r#""message":"request""#));
        lines.map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    };
    let is_complete =
        |output: &str| output.ends_with('\n') && output.matches(r#""message":"request""#).count() >= count;
    parse(&stage.wait_for_output(is_complete).await)
}

#[tokio::test]
async fn each_issuer_has_keys_and_rules_of_its_own() {
    let Migration { stage, second } = &Migration::start().await;
    let first = &stage.provider;
    let cognito = second.signing_key();
    assert_eq!(get_with(stage, &first.token()).await.status, 200);
    assert_eq!(get_with(stage, &cognito.token(&cognito_claims(second))).await.status, 200);

    // Both keys are called key-1.
    assert_refused(stage, &cognito.token(&first.claims()), "the token's signature is wrong").await;
    let second_by_first = first.signing_key().token(&cognito_claims(second));
    assert_refused(stage, &second_by_first, "the token's signature is wrong").await;

    // Claims that the other issuer's tokens need do not help.
    assert_refused(stage, &second.token(), "the token has no claim client_id").await;
    let mut claims = cognito_claims(first);
    claims["aud"] = json!("client-1");
    assert_refused(stage, &first.signing_key().token(&claims), "the token is for another audience").await;

    // Nor does its scope, and the challenge names the one that is needed.
    let mut claims = cognito_claims(second);
    claims["scope"] = json!("read:items");
    for (token, scope) in [
        (first.token_with_claim("scope", json!("items/read")), "read:items"),
        (cognito.token(&claims), "items/read"),
    ] {
        let answer = get_with(stage, &token).await;
        assert_problem(&answer, 403, "scope-missing");
        let challenge = format!(r#"Bearer realm="restctl", error="insufficient_scope", scope="{scope}""#);
        assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
    }
}

#[tokio::test]
async fn the_user_pool_of_the_stack_is_one_more_issuer() {
    let (first, pool) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let user_pool = json!(cognito_issuer(&pool)).to_string();
    let listed = json!([first.trusted_issuer()]).to_string();
    for (issuers, status) in [(listed.as_str(), 200), ("[]", 401)] {
        let provider = IdentityProvider::start().await;
        let dynamo = Dynamo::start().await;
        dynamo.create_table(TABLE, "id");
        let variables = [("ISSUERS", issuers), ("USER_POOL", &user_pool)];
        let stage = Stage::start_with_variables(provider, dynamo, "S", &variables).await;
        stage.put_item("42", json!({}));
        let token = pool.signing_key().token(&cognito_claims(&pool));
        assert_eq!(get_with(&stage, &token).await.status, 200);
        assert_eq!(get_with(&stage, &first.token()).await.status, status);
    }
}

#[tokio::test]
async fn a_token_of_an_unknown_issuer_is_refused_without_a_fetch() {
    let Migration { stage, second } = &Migration::start().await;
    assert_eq!(get_with(stage, &stage.provider.token()).await.status, 200);
    for number in 0..20 {
        let mut claims = stage.provider.claims();
        claims["iss"] = json!(format!("https://attacker.invalid/{number}"));
        let unknown = SigningKey::generate_ec(&format!("guess-{number}"));
        assert_refused(stage, &unknown.token(&claims), "the token is signed with an unknown key").await;
        let known = stage.provider.signing_key();
        assert_refused(stage, &known.token(&claims), "the token is from another issuer").await;
        assert_refused(stage, "a.b.c", "the token is not a signed JWT in compact form").await;
    }
    assert_eq!((stage.provider.count_fetches(), second.count_fetches()), (1, 1));
    let lines = request_lines(stage, 61).await;
    assert!(lines[1..].iter().all(|line| line.get("issuer").is_none()), "{lines:?}");
    assert!(!stage.runtime.output().contains("attacker.invalid"));
}

#[tokio::test]
async fn a_removed_issuer_is_no_longer_trusted() {
    let (old, new) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let token = old.token();
    let both = [old.trusted_issuer(), new.trusted_issuer()];
    let stage = start_stage(new, &both).await;
    assert_eq!(get_with(&stage, &token).await.status, 200);
    let stage = start_stage(stage.provider, &both[1..]).await;
    assert_refused(&stage, &token, "the token's signature is wrong").await;
    assert_eq!(stage.get("/v1/items/42").await.status, 200);
    assert_eq!(old.count_fetches(), 1);
}

/// While the first issuer fails, the tokens of the second pass, and none of them causes a request to the first.
#[tokio::test]
async fn an_issuer_that_is_down_does_not_affect_the_others() {
    for answer in [JwksAnswer::Never, JwksAnswer::Status(500), JwksAnswer::Body("<html>".to_owned())] {
        let (first, second) = (IdentityProvider::start().await, IdentityProvider::start().await);
        first.answer_with(answer);
        let issuers = [first.trusted_issuer(), cognito_issuer(&second)];
        let migration = Migration { stage: start_stage(first, &issuers).await, second };
        let Migration { stage, second } = &migration;
        for _ in 0..3 {
            assert_eq!(get_with(stage, &migration.second_token()).await.status, 200);
            let foreign = second.token_with_claim("iss", json!("https://other.example.test/"));
            assert_refused(stage, &foreign, "the token is from another issuer").await;
        }
        assert_eq!((stage.provider.count_fetches(), second.count_fetches()), (1, 1));
        assert_problem(&get_with(stage, &stage.provider.token()).await, 503, "keys-unavailable");
        assert_eq!(get_with(stage, &migration.second_token()).await.status, 200);
        // A key of the second is found, although the first has just failed.
        second.rotate_key("key-2");
        assert_eq!(get_with(stage, &migration.second_token()).await.status, 200);
        assert_eq!(second.count_fetches(), 2);
    }
}

/// Each fetch for the one that is down takes time from the clients of the other.
#[tokio::test]
async fn one_of_several_issuers_that_stays_down_is_asked_ever_more_seldom() {
    let (first, second) = (IdentityProvider::start().await, IdentityProvider::start().await);
    first.answer_with(JwksAnswer::Status(500));
    let issuers = [first.trusted_issuer(), second.trusted_issuer()];
    let stage = start_stage(first, &issuers).await;
    let two_seconds = async {
        loop {
            let answer = get_with(&stage, &stage.provider.token()).await;
            assert_problem(&answer, 503, "keys-unavailable");
            if answer.header("retry-after") == Some("2") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, two_seconds).await.expect("the pause doubles");
    assert!(stage.provider.count_fetches() >= 2);
}

#[tokio::test]
async fn the_log_and_the_metrics_name_the_issuer() {
    let migration = Migration::start().await;
    let Migration { stage, second } = &migration;
    let first = &stage.provider;
    get_with(stage, &first.token()).await;
    get_with(stage, &migration.second_token()).await;
    get_with(stage, &second.token_with_claim("exp", json!(1))).await;
    stage.send(&AlbRequest::get("/v1/items/none").bearer(&migration.second_token())).await;
    stage.send(&AlbRequest::get("/v1/items/42")).await;
    stage.send(&AlbRequest::get("/health")).await;
    let (first, second) = (json!(first.issuer()), json!(second.issuer()));
    let lines = request_lines(stage, 6).await;
    for (line, (issuer, refusals)) in lines.iter().zip([
        (Some(&first), Some(0)),
        (Some(&second), Some(0)),
        (Some(&second), Some(1)),
        // The token was good, although the request failed.
        (Some(&second), Some(0)),
        (None, None),
        (None, None),
    ]) {
        assert_eq!(line.get("issuer"), issuer, "{line}");
        assert_eq!(line.get("refusals").and_then(Value::as_u64), refusals, "{line}");
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let by_issuer = |directive: &&Value| directive["Dimensions"] == json!([["stack", "issuer"]]);
        let names = directives.iter().find(by_issuer).map(|directive| &directive["Metrics"]);
        let expected = json!([{"Name": "requests", "Unit": "Count"}, {"Name": "refusals", "Unit": "Count"}]);
        assert_eq!(names, issuer.map(|_| &expected), "{line}");
        assert_metrics_are_accepted(line);
    }
}

#[tokio::test]
async fn an_issuer_that_no_dimension_can_name_is_only_logged() {
    let first = IdentityProvider::start().await;
    for end in ["é".to_owned(), "a".repeat(1024)] {
        let name = format!("{}{end}", first.issuer());
        let second = IdentityProvider::start().await;
        let issuers =
            [second.trusted_issuer(), TrustedIssuer { issuer: name.clone(), ..first.trusted_issuer() }];
        let stage = start_stage(second, &issuers).await;
        let token = first.token_with_claim("iss", json!(name));
        assert_eq!(get_with(&stage, &token).await.status, 200);
        let line = &request_lines(&stage, 1).await[0];
        assert_eq!(line["issuer"], name);
        assert_metrics_are_accepted(line);
    }
}

#[tokio::test]
async fn the_openapi_document_names_the_scope_of_each_issuer() {
    let Migration { stage, .. } = &Migration::start().await;
    let document = stage.get("/v1/openapi.json").await.json();
    assert_eq!(document["security"], json!([{"bearer": ["read:items"]}, {"bearer": ["items/read"]}]));
}

/// Returns the certificate as the settings have it.
fn base64_of(authority: &Authority) -> String {
    authority.root_pem().lines().filter(|line| !line.starts_with("-----")).collect()
}

#[tokio::test]
async fn a_private_authority_is_trusted_for_its_issuer_alone() {
    let (private, other) = (Authority::generate(), Authority::generate());
    let first = IdentityProvider::start_with_tls(&private).await;
    let second = IdentityProvider::start_with_tls(&private).await;
    let trusting = TrustedIssuer { authorities: vec![base64_of(&private)], ..first.trusted_issuer() };
    let mistaken = TrustedIssuer { authorities: vec![base64_of(&other)], ..first.trusted_issuer() };
    let both =
        TrustedIssuer { authorities: vec![base64_of(&other), base64_of(&private)], ..mistaken.clone() };
    for (issuer, status) in [(&trusting, 200), (&both, 200), (&mistaken, 503), (&first.trusted_issuer(), 503)]
    {
        let stage =
            start_stage(IdentityProvider::start().await, &[issuer.clone(), second.trusted_issuer()]).await;
        assert_eq!(get_with(&stage, &first.token()).await.status, status, "{}", stage.runtime.output());
        assert_problem(&get_with(&stage, &second.token()).await, 503, "keys-unavailable");
    }
    assert_eq!(second.count_fetches(), 0);
}

#[tokio::test]
async fn a_private_authority_is_not_trusted_for_calls_to_aws() {
    let authority = Authority::generate();
    let provider = IdentityProvider::start_with_tls(&authority).await;
    let issuer = TrustedIssuer { authorities: vec![base64_of(&authority)], ..provider.trusted_issuer() };
    let dynamo = Dynamo::start_with_tls(&authority).await;
    dynamo.create_table(TABLE, "id");
    let stage = Stage::start_with_issuers(provider, dynamo, &[issuer]).await;
    stage.put_item("42", json!({}));
    assert_problem(&stage.get("/v1/items/42").await, 503, "table-busy");
    assert_eq!(stage.dynamo.count_calls("GetItem"), 0);
}

/// The issuer's authority replaces the system's, so that none of these can pretend to be the issuer.
#[tokio::test]
async fn an_issuer_with_a_private_authority_trusts_no_public_one() {
    let (public, private) = (Authority::generate(), Authority::generate());
    let roots = format!("{}/roots-of-issuers.pem", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&roots, public.root_pem()).expect("the target directory is writable");
    let provider = IdentityProvider::start_with_tls(&public).await;
    let issuer = TrustedIssuer { authorities: vec![base64_of(&private)], ..provider.trusted_issuer() };
    for (issuer, status) in [(provider.trusted_issuer(), 200), (issuer, 503)] {
        let dynamo = Dynamo::start().await;
        dynamo.create_table(TABLE, "id");
        let issuers = json!([issuer]).to_string();
        let variables = [("SSL_CERT_FILE", roots.as_str()), ("ISSUERS", &issuers)];
        let stage =
            Stage::start_with_variables(IdentityProvider::start().await, dynamo, "S", &variables).await;
        stage.put_item("42", json!({}));
        assert_eq!(get_with(&stage, &provider.token()).await.status, status, "{}", stage.runtime.output());
    }
}
