//! Deletes a certificate that ACM still counts as used by a load balancer that is gone.

use std::time::Duration;

use crate::aws::{Aws, acm, elasticloadbalancing};
use crate::failure::{Exit, Failure, Result, shell_argument};
use crate::terminal::output;

/// After the deletion of what used it, ACM may take more than a quarter of an hour to release a certificate. The Terraform provider for
/// AWS waits as long.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

const PAUSE: Duration = Duration::from_secs(10);

/// A certificate, and the load balancer of the stack that uses it.
pub(super) struct UsedCertificate<'a> {
    pub(super) arn: &'a str,
    /// `None` if the stack was deleted before.
    pub(super) load_balancer: Option<&'a str>,
}

impl UsedCertificate<'_> {
    /// Deletes the certificate as soon as ACM has released it. Fails at once if something else than the stack uses it.
    pub(super) async fn delete_when_released(&self, aws: &Aws) -> Result<()> {
        let mut waited = Duration::ZERO;
        while !acm::delete_certificate(aws, self.arn).await? {
            let users = self.list_users(aws).await?;
            self.check_no_other_user(aws, &users).await?;
            if waited >= PATIENCE {
                return Err(self.in_use_failure(users.join(", ")));
            }
            if waited.is_zero() {
                output::print_message(format!(
                    "waiting for up to {} minutes, because ACM releases the certificate some time after its load balancer is \
                     gone; Ctrl-C ends it, and destroy --no-wait leaves the certificate",
                    PATIENCE.as_secs() / 60
                ));
            }
            aws.clock.sleep(PAUSE).await;
            waited += PAUSE;
        }
        Ok(())
    }

    async fn list_users(&self, aws: &Aws) -> Result<Vec<String>> {
        let described = acm::describe_certificate(aws, self.arn).await?;
        Ok(described.map(|certificate| certificate.in_use_by).unwrap_or_default())
    }

    async fn check_no_other_user(&self, aws: &Aws, users: &[String]) -> Result<()> {
        for user in users {
            if Some(user.as_str()) != self.load_balancer && self.is_another_user(aws, user).await? {
                return Err(self.in_use_failure(user.clone()));
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
            Err(denied) if denied.exit == Exit::Authentication => Ok(false),
            exists => exists,
        }
    }

    fn in_use_failure(&self, users: String) -> Failure {
        let arn = shell_argument(self.arn, "ARN");
        Failure::new(format!("cannot delete the certificate {} from ACM", self.arn))
            .why(format!("it is in use by {users}"))
            .next(format!(
                "give what uses it another certificate; to see what that is:\n\
                 aws acm describe-certificate --certificate-arn {arn} --query Certificate.InUseBy\n\
                 then: restctl destroy, or without this certificate: restctl destroy --no-wait"
            ))
    }
}

#[cfg(test)]
mod tests;
