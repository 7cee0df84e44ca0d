//! Deletes a certificate that ACM still counts as used by a load balancer that is gone.

use std::time::Duration;

use crate::aws::{Aws, acm, elasticloadbalancing};
use crate::failure::{AwsCause, Failure, Result};
use crate::terminal::{output, progress};

/// ACM may take more than a quarter of an hour to release the certificate of something that was deleted. The Terraform provider
/// for AWS waits as long.
const MINUTES: u64 = 20;

const PATIENCE: Duration = Duration::from_secs(MINUTES * 60);

const PAUSE: Duration = Duration::from_secs(10);

/// A certificate, and the load balancer of the stack that uses it.
pub(super) struct UsedCertificate<'a> {
    pub(super) arn: &'a str,
    /// `None` if the stack was deleted before.
    pub(super) load_balancer: Option<&'a str>,
}

impl UsedCertificate<'_> {
    /// Deletes the certificate as soon as ACM has released it. Fails at once if anything but the stack uses it.
    pub(super) async fn delete_when_released(&self, aws: &Aws) -> Result<()> {
        let waiting = progress::new_spinner("waiting for ACM");
        let mut waited = Duration::ZERO;
        while !acm::delete_certificate(aws, self.arn).await? {
            let users = self.list_users(aws).await?;
            self.check_no_other_user(aws, &users).await?;
            let users = users.join(", ");
            if waited >= PATIENCE {
                return Err(self.unreleased_failure(&users));
            }
            if waited.is_zero() {
                let announcement = format!(
                    "waiting for up to {MINUTES} minutes: ACM counts the certificate as used by {users} for some time after that is \
                     gone; Ctrl-C ends the wait, and destroy --no-wait leaves the certificate"
                );
                waiting.suspend(|| output::print_message(announcement));
            }
            aws.clock.sleep(PAUSE).await;
            waited += PAUSE;
        }
        waiting.finish_and_clear();
        Ok(())
    }

    async fn list_users(&self, aws: &Aws) -> Result<Vec<String>> {
        let described = acm::describe_certificate(aws, self.arn).await?;
        Ok(described.map(|certificate| certificate.in_use_by).unwrap_or_default())
    }

    async fn check_no_other_user(&self, aws: &Aws, users: &[String]) -> Result<()> {
        for user in users {
            if Some(user.as_str()) != self.load_balancer && self.is_another_user(aws, user).await? {
                return Err(Failure::new(format!("cannot delete the certificate {} from ACM", self.arn))
                    .why(format!("{user} uses it, too"))
                    .next(
                        "give that another certificate, then: restctl destroy;\n\
                         or leave this certificate in ACM: restctl destroy --no-wait",
                    ));
            }
        }
        Ok(())
    }

    /// Whether the user will not go away by itself: it is no load balancer of this account, or it is one that exists.
    async fn is_another_user(&self, aws: &Aws, user: &str) -> Result<bool> {
        let account = |arn: &str| arn.split(':').nth(4).map(str::to_owned);
        if !user.contains(":loadbalancer/") || account(user) != account(self.arn) {
            return Ok(true);
        }
        match elasticloadbalancing::load_balancer_exists(aws, user).await {
            // Without the permission to see it, it is taken for the stack's.
            Err(denied) if denied.aws_cause == Some(AwsCause::Denied) => Ok(false),
            exists => exists,
        }
    }

    fn unreleased_failure(&self, users: &str) -> Failure {
        Failure::new(format!("cannot delete the certificate {} from ACM yet", self.arn))
            .why(format!("after {MINUTES} minutes, ACM still counts it as used by {users}"))
            .next("restctl destroy in an hour, which removes the rest")
    }
}

#[cfg(test)]
mod tests;
