//! Waits until TLS handshakes prove that every address of the endpoint serves a certificate.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::api::endpoint::Location;
use crate::api::handshake::Handshake;
use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::progress;

/// A load balancer takes a renewed certificate within minutes.
const TIMEOUT: Duration = Duration::from_secs(600);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The addresses that serve the certificate, and how long the wait took.
pub(super) struct ServedProof {
    pub(super) addresses: Vec<String>,
    elapsed: Duration,
}

impl ServedProof {
    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Waits until every address of the endpoint serves the certificate of `location` and is trusted. Behind a proxy, which
/// resolves the name, that is the one that it connects to.
pub(super) async fn wait_until_served_everywhere(location: &Location) -> Result<ServedProof> {
    let progress = progress::new_spinner("Waiting until the endpoint serves the certificate");
    let proof = poll_until_served(location, |missing| progress.set_message(&missing)).await;
    progress.finish_and_clear();
    proof
}

async fn poll_until_served(location: &Location, report: impl Fn(String)) -> Result<ServedProof> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        let checks = check_everywhere(location).await?;
        let first = match checks.into_iter().collect::<Result<Vec<_>>>() {
            Ok(addresses) => return Ok(ServedProof { addresses, elapsed: began.elapsed() }),
            Err(first) => first,
        };
        if began.elapsed() >= TIMEOUT {
            let what =
                format!("the certificate is imported, but still not served after {} s", TIMEOUT.as_secs());
            return Err(Failure::new(what).why(first.to_single_line()).next(
                "restctl cert show, which shows what is served; or restctl doctor, which finds what is wrong",
            ));
        }
        report(first.to_single_line());
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Checks every address of the endpoint, or the one that a proxy connects to.
async fn check_everywhere(location: &Location) -> Result<Vec<Result<String>>> {
    if location.proxy()?.is_some() {
        return Ok(vec![check(location, Handshake::perform(location)).await]);
    }
    let addresses = location.resolve_addresses().await?;
    let checks = addresses.iter().map(|it| check(location, Handshake::perform_at(*it, location)));
    Ok(join_all(checks).await)
}

/// Returns the address. Fails if it does not serve the certificate.
async fn check(location: &Location, handshake: impl Future<Output = Result<Handshake>>) -> Result<String> {
    let handshake = handshake.await?;
    let (served, address) = (handshake.certificate_fingerprint(), handshake.address);
    match served {
        Some(served) if served != location.fingerprint => {
            Err(Failure::new(format!("{address} still serves SHA-256 {served}")))
        }
        _ => handshake.connection.map(drop).context(format!("{address} is not trusted")).map(|()| address),
    }
}
