//! The age of keys, and what several requests share.

use futures_util::future::join_all;
use restctl_testkit::identity_provider::{IdentityProvider, JwksAnswer};

use super::*;
use crate::auth::test_clock::{advance_clock, test_time};

fn empty_cache(provider: &IdentityProvider) -> KeyCache {
    let https = restctl_aws::https_client().unwrap();
    KeyCache::new(https, provider.jwks_uri().parse().unwrap(), Algorithm::defaults(), test_time)
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
    provider.answer_with(JwksAnswer::Keys);
    advance_clock(REFETCH_PAUSE_WITHOUT_KEYS);
    assert!(cache.current_keys().await.is_ok());
}
