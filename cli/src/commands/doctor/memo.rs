//! Something that several checks need to know, and the check in charge of it.

use futures_util::future::LocalBoxFuture;
use tokio::sync::OnceCell;

use super::check_report::Trouble;

/// The checks in charge of something.
pub(super) const REGION: &str = "region";
pub(super) const CREDENTIALS: &str = "credentials";
pub(super) const SETTINGS: &str = "settings";
pub(super) const CLIENT_SECRET: &str = "client secret";
pub(super) const CERTIFICATE: &str = "certificate";
pub(super) const STACK: &str = "stack";
pub(super) const CONNECTION: &str = "connection";
pub(super) const KEYS: &str = "keys";
pub(super) const TOKEN: &str = "token";

pub(super) type Known<T> = Result<T, Trouble>;

pub(super) struct Fact<T>(OnceCell<Known<T>>);

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Self(OnceCell::new())
    }
}

impl<T> Fact<T> {
    /// `check` is in charge of it. What looks it up is in a box, for one look-up is inside another.
    pub(super) async fn known(&self, check: &'static str, look: LocalBoxFuture<'_, Known<T>>) -> Known<&T> {
        let known = self.0.get_or_init(|| async { look.await.map_err(|trouble| trouble.or_with(check)) });
        known.await.as_ref().map_err(Trouble::clone)
    }
}
