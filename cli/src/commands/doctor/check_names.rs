//! The names of the checks that other checks refer to.

pub(super) const REGION: &str = "region";
pub(super) const CREDENTIALS: &str = "credentials";
pub(super) const SETTINGS: &str = "settings";
pub(super) const CLIENT_SECRET: &str = "client secret";
pub(super) const CERTIFICATE: &str = "certificate";
pub(super) const STACK: &str = "stack";
pub(super) const CONNECTION: &str = "connection";
pub(super) const KEY: &str = "key";
pub(super) const CHAIN: &str = "chain";
pub(super) const NAME: &str = "name";
pub(super) const EXPIRY: &str = "expiry";
pub(super) const KEYS: &str = "keys";
pub(super) const THROTTLES: &str = "throttles";
pub(super) const TOKEN: &str = "token";
