//! A value that several checks need, looked up once.

use futures_util::future::LocalBoxFuture;
use tokio::sync::OnceCell;

use super::check_report::CheckError;

pub(super) type Lookup<T> = Result<T, CheckError>;

pub(super) struct Memo<T>(OnceCell<Lookup<T>>);

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(OnceCell::new())
    }
}

impl<T> Memo<T> {
    /// Returns the value, or the error of the first attempt to look it up. `check` fails with that error unless another
    /// check is responsible for it already.
    ///
    /// The future is boxed because look-ups await one another.
    pub(super) async fn get_or_look_up(
        &self,
        check: &'static str,
        look_up: LocalBoxFuture<'_, Lookup<T>>,
    ) -> Lookup<&T> {
        let value =
            self.0.get_or_init(|| async { look_up.await.map_err(|error| error.or_in_check(check)) }).await;
        value.as_ref().map_err(CheckError::clone)
    }
}
