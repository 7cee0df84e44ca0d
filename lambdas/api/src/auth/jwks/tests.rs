//! The age of keys, and what several requests share.

use futures_util::future::join_all;
use restctl_testkit::identity_provider::{IdentityProvider, JwksAnswer};

use super::*;
use crate::auth::test_clock::{advance_clock, test_time};

/// Returns the cache of the only issuer, or of one of several.
fn cache_of(provider: &IdentityProvider, is_only_issuer: bool) -> KeyCache {
    let (https, uri) = (restctl_aws::https_client().unwrap(), provider.jwks_uri().parse().unwrap());
    KeyCache::new(https, uri, Algorithm::defaults(), is_only_issuer, test_time)
}

fn empty_cache(provider: &IdentityProvider) -> KeyCache {
    cache_of(provider, true)
}

async fn prefetched_cache(provider: &IdentityProvider) -> KeyCache {
    let cache = empty_cache(provider);
    cache.prefetch_keys().await;
    cache
}

#[tokio::test]
async fn a_withdrawn_key_is_trusted_for_five_minutes_at_most() {
    let provider = IdentityProvider::start().await;
    let cache = prefetched_cache(&provider).await;
    let first = cache.current_keys().await.unwrap();
    provider.rotate_key("key-2");
    advance_clock(MAX_AGE - Duration::from_secs(1));
    assert!(Arc::ptr_eq(&first, &cache.current_keys().await.unwrap()));
    advance_clock(Duration::from_secs(1));
    let second = cache.current_keys().await.unwrap();
    assert!(!Arc::ptr_eq(&first, &second) && second.document != first.document);
    assert_eq!(provider.count_fetches(), 2);
}

#[tokio::test]
async fn verified_tokens_stay_verified_while_the_keys_are_the_same() {
    let provider = IdentityProvider::start().await;
    let cache = prefetched_cache(&provider).await;
    let first = cache.current_keys().await.unwrap();
    advance_clock(MAX_AGE);
    assert!(Arc::ptr_eq(&first, &cache.current_keys().await.unwrap()));
    assert_eq!(provider.count_fetches(), 2);
    // The fetch renewed them.
    cache.current_keys().await.unwrap();
    assert_eq!(provider.count_fetches(), 2);
}

#[tokio::test]
async fn old_keys_stay_in_use_while_the_provider_fails_and_it_is_asked_once_a_minute() {
    let provider = IdentityProvider::start().await;
    let cache = prefetched_cache(&provider).await;
    let first = cache.current_keys().await.unwrap();
    provider.answer_with(JwksAnswer::Status(500));
    advance_clock(MAX_AGE);
    for _ in 0..3 {
        assert!(Arc::ptr_eq(&first, &cache.current_keys().await.unwrap()));
        // Nobody knows whether there are newer ones.
        assert!(cache.keys_newer_than(&first).await.is_err());
    }
    assert_eq!(provider.count_fetches(), 2);
    advance_clock(REFETCH_PAUSE);
    assert!(Arc::ptr_eq(&first, &cache.current_keys().await.unwrap()));
    assert_eq!(provider.count_fetches(), 3);
    provider.answer_with(JwksAnswer::Keys);
    provider.rotate_key("key-2");
    advance_clock(REFETCH_PAUSE);
    assert!(!Arc::ptr_eq(&first, &cache.current_keys().await.unwrap()));
    assert_eq!(provider.count_fetches(), 4);
}

#[tokio::test]
async fn one_fetch_serves_every_waiting_request() {
    let provider = IdentityProvider::start().await;
    let cache = empty_cache(&provider);
    let all = join_all((0..20).map(|_| cache.current_keys())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(provider.count_fetches(), 1);
    let known = all[0].as_ref().unwrap();
    provider.rotate_key("key-2");
    let newer = join_all((0..20).map(|_| cache.keys_newer_than(known))).await;
    assert!(newer.iter().all(|keys| !Arc::ptr_eq(keys.as_ref().unwrap(), known)));
    assert_eq!(provider.count_fetches(), 2);
    assert_eq!((cache.take_fetch_count(), cache.take_fetch_count()), (2, 0));
}

#[tokio::test]
async fn without_keys_the_provider_is_asked_once_a_second() {
    let provider = IdentityProvider::start().await;
    provider.answer_with(JwksAnswer::Status(500));
    let cache = prefetched_cache(&provider).await;
    for _ in 0..3 {
        assert!(cache.current_keys().await.is_err());
    }
    assert_eq!(provider.count_fetches(), 1);
    for fetches in 2..10 {
        advance_clock(REFETCH_PAUSE_WITHOUT_KEYS);
        assert!(cache.current_keys().await.is_err());
        assert_eq!(provider.count_fetches(), fetches);
    }
    provider.answer_with(JwksAnswer::Keys);
    advance_clock(REFETCH_PAUSE_WITHOUT_KEYS);
    assert!(cache.current_keys().await.is_ok());
}

/// Returns how long a client is told to wait.
async fn retry_after(cache: &KeyCache) -> u64 {
    match cache.current_keys().await {
        Err(Failure::KeysUnavailable { retry_after, .. }) => retry_after.as_secs(),
        Err(other) => panic!("another failure: {other:?}"),
        Ok(_) => panic!("there are keys"),
    }
}

#[tokio::test]
async fn without_keys_one_of_several_issuers_is_asked_ever_more_seldom() {
    let provider = IdentityProvider::start().await;
    provider.answer_with(JwksAnswer::Status(500));
    let cache = cache_of(&provider, false);
    for (fetches, pause) in (1..).zip([1, 2, 4, 8, 16, 32, 60, 60]) {
        assert_eq!(retry_after(&cache).await, pause);
        advance_clock(Duration::from_secs(pause - 1));
        assert_eq!(retry_after(&cache).await, 1);
        assert_eq!(provider.count_fetches(), fetches);
        advance_clock(Duration::from_secs(1));
    }
    provider.answer_with(JwksAnswer::Keys);
    let keys = cache.current_keys().await.unwrap();
    assert_eq!(cache.state.lock().await.failures, 0);
    // The keys are there, so a new one is found at once.
    provider.rotate_key("key-2");
    assert!(!Arc::ptr_eq(&keys, &cache.keys_newer_than(&keys).await.unwrap()));
}

/// A request that runs out of time may end before the fetch does.
#[tokio::test]
async fn a_fetch_that_is_given_up_counts_as_a_failure() {
    let provider = IdentityProvider::start().await;
    provider.answer_with(JwksAnswer::Never);
    let cache = cache_of(&provider, false);
    for pause in [1, 2, 4] {
        assert!(timeout(Duration::from_millis(100), cache.current_keys()).await.is_err());
        assert_eq!(retry_after(&cache).await, pause);
        advance_clock(Duration::from_secs(pause));
    }
}
