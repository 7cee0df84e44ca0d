//! Deletes a certificate of which ACM still lists a deleted load balancer as a user.

use std::time::Duration;

use crate::aws::{Aws, acm, elasticloadbalancing};
use crate::failure::{Failure, Result};
use crate::terminal::{output, progress};

/// ACM may take more than a quarter of an hour to release the certificate of something that was deleted. The Terraform provider
/// for AWS waits as long.
const MINUTES: u64 = 20;

const PATIENCE: Duration = Duration::from_secs(MINUTES * 60);

const PAUSE: Duration = Duration::from_secs(10);

/// What came of an attempt to delete a certificate.
pub(super) enum CertificateDeletion {
    Deleted,
    /// ACM will release it.
    Unreleased {
        users: Vec<String>,
    },
    /// Something other than the stack uses it.
    UsedElsewhere {
        user: String,
    },
}

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
        loop {
            let users = match self.delete_if_released(aws).await? {
                CertificateDeletion::Deleted => break,
                CertificateDeletion::UsedElsewhere { user } => return Err(self.used_elsewhere_failure(&user)),
                CertificateDeletion::Unreleased { users } => users.join(", "),
            };
            if waited >= PATIENCE {
                return Err(self.unreleased_failure(&users));
            }
            if waited.is_zero() {
                let announcement = format!(
                    "waiting for up to {MINUTES} minutes: ACM still lists {users} as a user of the certificate, and removes such an \
                     entry some time after the resource is gone; press Ctrl-C to stop waiting, or run destroy --no-wait to leave the \
                     certificate"
                );
                waiting.suspend(|| output::print_message(announcement));
            }
            aws.clock.sleep(PAUSE).await;
            waited += PAUSE;
        }
        waiting.finish_and_clear();
        Ok(())
    }

    /// Deletes the certificate unless something still uses it.
    pub(super) async fn delete_if_released(&self, aws: &Aws) -> Result<CertificateDeletion> {
        if acm::delete_certificate(aws, self.arn).await? {
            return Ok(CertificateDeletion::Deleted);
        }
        let users = self.list_users(aws).await?;
        Ok(match self.find_other_user(aws, &users).await? {
            Some(user) => CertificateDeletion::UsedElsewhere { user: user.to_owned() },
            None => CertificateDeletion::Unreleased { users },
        })
    }

    async fn list_users(&self, aws: &Aws) -> Result<Vec<String>> {
        let described = acm::describe_certificate(aws, self.arn).await?;
        Ok(described.map(|certificate| certificate.in_use_by).unwrap_or_default())
    }

    async fn find_other_user<'a>(&self, aws: &Aws, users: &'a [String]) -> Result<Option<&'a str>> {
        for user in users {
            if Some(user.as_str()) != self.load_balancer && self.is_another_user(aws, user).await? {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    /// Whether the user is something other than a deleted load balancer of this account.
    async fn is_another_user(&self, aws: &Aws, user: &str) -> Result<bool> {
        let account = |arn: &str| arn.split(':').nth(4).map(str::to_owned);
        if !user.contains(":loadbalancer/") || account(user) != account(self.arn) {
            return Ok(true);
        }
        match elasticloadbalancing::load_balancer_exists(aws, user).await {
            // Without the permission to see it, it is taken for the stack's.
            Err(denied) if denied.is_denied() => Ok(false),
            exists => exists,
        }
    }

    fn used_elsewhere_failure(&self, user: &str) -> Failure {
        Failure::new(format!("cannot delete the certificate {} from ACM", self.arn))
            .why(format!("{user} also uses it"))
            .next(
                "use another certificate there, then: restctl destroy;\n\
                 or let it keep this certificate: restctl destroy --no-wait",
            )
    }

    fn unreleased_failure(&self, users: &str) -> Failure {
        Failure::new(format!("cannot delete the certificate {} from ACM yet", self.arn))
            .why(format!("after {MINUTES} minutes, ACM still lists {users} as a user of it"))
            .next("restctl destroy in an hour, which removes the rest")
    }
}

#[cfg(test)]
mod tests;
