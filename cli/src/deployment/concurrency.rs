//! How much of the account's concurrency the API function reserves.
//!
//! A reservation is a limit, too. Lambda runs the function for every request, also for those that it refuses. Without a
//! limit, a flood of requests would take all of the account's concurrency, and loads and other functions would get none.

use crate::aws::Aws;
use crate::aws::lambda::concurrency::{self, AccountConcurrency};
use crate::terminal::output;

/// Lambda leaves this much to functions without a reservation ("Configuring reserved concurrency for a function", AWS Lambda
/// Developer Guide).
const ALWAYS_UNRESERVED: u32 = 100;

/// With a lower concurrency, the bulk calls of one client make other clients wait.
pub(crate) const LOW_CONCURRENCY: u32 = 50;

/// Returns how much the account can reserve for one function that has reserved `own` already.
pub(crate) fn reservable_concurrency(account: &AccountConcurrency, own: u32) -> u32 {
    (account.unreserved + own).saturating_sub(ALWAYS_UNRESERVED)
}

/// Returns the reservation of a stack for which the operator has not chosen one, as the value of the template's parameter:
/// half of what the account can reserve, or nothing if that is too little. Tells the operator.
pub(crate) async fn choose_reservation(aws: &Aws) -> String {
    let (chosen, message) = match concurrency::read_account_concurrency(aws).await {
        Ok(account) => match half_of_reservable(&account) {
            Some(half) => (
                half.to_string(),
                format!(
                    "the API function reserves {half} of the account's {} concurrent invocations; to choose another number: \
                     restctl deploy --api-concurrency N (or none)",
                    account.total
                ),
            ),
            None => (
                String::new(),
                format!(
                    "note: the API function reserves no concurrency, because only {} of the account's concurrent invocations \
                     are unreserved, and Lambda leaves {ALWAYS_UNRESERVED} to other functions; a flood of requests can make \
                     loads wait; once the quota is higher: restctl deploy --api-concurrency N",
                    account.unreserved
                ),
            ),
        },
        // A caller that may deploy need not be allowed to read the account's settings.
        Err(failure) => (
            String::new(),
            format!(
                "note: the API function reserves no concurrency ({}); to reserve some: restctl deploy --api-concurrency N",
                failure.to_single_line()
            ),
        ),
    };
    output::print_message(&message);
    chosen
}

/// Returns the reservation of a stack that was deployed before there were reservations, and tells the operator: what other
/// functions of the account need by now, its quotas do not say.
pub(crate) fn leave_unreserved() -> String {
    output::print_message(
        "note: the API function reserves no concurrency, so that this update takes none from other functions; to reserve \
         some: restctl deploy --api-concurrency N",
    );
    String::new()
}

fn half_of_reservable(account: &AccountConcurrency) -> Option<u32> {
    let half = reservable_concurrency(account, 0) / 2;
    (half >= LOW_CONCURRENCY).then_some(half)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;
    use crate::aws::test_server;

    #[test]
    fn the_default_leaves_enough_to_others() {
        let half = |total, unreserved| half_of_reservable(&AccountConcurrency { total, unreserved });
        assert_eq!(half(1000, 1000), Some(450));
        // A second stack.
        assert_eq!(half(1000, 550), Some(225));
        assert_eq!(half(1000, 200), Some(50));
        for too_little in [0, 10, 100, 199] {
            assert_eq!(half(1000, too_little), None, "{too_little}");
        }
    }

    #[test]
    fn a_stacks_own_reservation_counts_as_free() {
        let account = AccountConcurrency { total: 1000, unreserved: 550 };
        assert_eq!(reservable_concurrency(&account, 450), 900);
        assert_eq!(reservable_concurrency(&account, 0), 450);
        assert_eq!(reservable_concurrency(&AccountConcurrency { total: 10, unreserved: 10 }, 0), 0);
    }

    #[tokio::test]
    async fn the_accounts_settings_decide() {
        let settings = |body: &'static str| async move {
            choose_reservation(&test_server::connect(move || async move { (StatusCode::OK, body) }).await)
                .await
        };
        let account =
            r#"{"AccountLimit":{"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":1000}}"#;
        assert_eq!(settings(account).await, "450");
        let new = r#"{"AccountLimit":{"ConcurrentExecutions":10,"UnreservedConcurrentExecutions":10}}"#;
        assert_eq!(settings(new).await, "");
        let denied = || async { (StatusCode::FORBIDDEN, r#"{"__type":"AccessDeniedException"}"#) };
        assert_eq!(choose_reservation(&test_server::connect(denied).await).await, "");
    }
}
