//! What ages, and what several requests share.

use restctl_testkit::identity_provider::{IdentityProvider, JwksAnswer};

use super::*;

async fn keys(provider: &IdentityProvider) -> Keys {
    let keys = Keys::new(restctl_aws::https_client().unwrap(), provider.jwks_uri().parse().unwrap());
    keys.prefetch().await;
    keys
}

/// As if the keys had been fetched, and fetching had been tried, so long ago.
async fn age_by(keys: &Keys, age: Duration) {
    let mut state = keys.state.lock().await;
    if let Some((_, since)) = &mut state.held {
        *since -= age;
    }
    if let Some((last, _)) = &mut state.attempt {
        *last -= age;
    }
}

fn just_over(age: Duration) -> Duration {
    age + Duration::from_secs(1)
}

#[tokio::test]
async fn a_withdrawn_key_is_trusted_for_five_minutes_at_most() {
    let provider = IdentityProvider::start().await;
    let keys = keys(&provider).await;
    let first = keys.held().await.unwrap();
    provider.rotate("key-2");
    age_by(&keys, MOST_AGE - Duration::from_secs(10)).await;
    assert!(Arc::ptr_eq(&first, &keys.held().await.unwrap()));
    age_by(&keys, Duration::from_secs(10)).await;
    let second = keys.held().await.unwrap();
    assert!(!Arc::ptr_eq(&first, &second) && second.document != first.document);
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test]
async fn what_is_verified_stays_so_while_the_keys_are_the_same() {
    let provider = IdentityProvider::start().await;
    let keys = keys(&provider).await;
    let first = keys.held().await.unwrap();
    age_by(&keys, just_over(MOST_AGE)).await;
    assert!(Arc::ptr_eq(&first, &keys.held().await.unwrap()));
    assert_eq!(provider.fetches(), 2);
    // They are young again.
    keys.held().await.unwrap();
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test]
async fn old_keys_go_on_while_the_provider_fails_and_it_is_asked_once_a_minute() {
    let provider = IdentityProvider::start().await;
    let keys = keys(&provider).await;
    let first = keys.held().await.unwrap();
    provider.answer_with(JwksAnswer::Status(500));
    age_by(&keys, just_over(MOST_AGE)).await;
    for _ in 0..3 {
        assert!(Arc::ptr_eq(&first, &keys.held().await.unwrap()));
        // Whether there are others cannot be told.
        assert!(keys.other_than(&first).await.is_err());
    }
    assert_eq!(provider.fetches(), 2);
    age_by(&keys, just_over(PAUSE)).await;
    assert!(Arc::ptr_eq(&first, &keys.held().await.unwrap()));
    assert_eq!(provider.fetches(), 3);
    provider.answer_with(JwksAnswer::Keys);
    provider.rotate("key-2");
    age_by(&keys, just_over(PAUSE)).await;
    assert!(!Arc::ptr_eq(&first, &keys.held().await.unwrap()));
    assert_eq!(provider.fetches(), 4);
}

#[tokio::test]
async fn one_fetch_serves_all_who_wait() {
    let provider = IdentityProvider::start().await;
    let keys = Keys::new(restctl_aws::https_client().unwrap(), provider.jwks_uri().parse().unwrap());
    let all = futures_util::future::join_all((0..20).map(|_| keys.held())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(provider.fetches(), 1);
    let held = all[0].as_ref().unwrap();
    provider.rotate("key-2");
    let others = futures_util::future::join_all((0..20).map(|_| keys.other_than(held))).await;
    assert!(others.iter().all(|other| !Arc::ptr_eq(other.as_ref().unwrap(), held)));
    assert_eq!(provider.fetches(), 2);
    assert_eq!((keys.take_fetches(), keys.take_fetches()), (2, 0));
}

#[tokio::test]
async fn without_keys_the_provider_is_asked_once_a_second() {
    let provider = IdentityProvider::start().await;
    provider.answer_with(JwksAnswer::Status(500));
    let keys = keys(&provider).await;
    for _ in 0..3 {
        assert!(keys.held().await.is_err());
    }
    assert_eq!(provider.fetches(), 1);
    provider.answer_with(JwksAnswer::Keys);
    age_by(&keys, just_over(PAUSE_WITHOUT_KEYS)).await;
    assert!(keys.held().await.is_ok());
}
