//! Handshakes with each address of the endpoint, until it serves a certificate everywhere.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::api::endpoint::Location;
use crate::api::handshake::Handshake;
use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::output;

/// A load balancer takes a renewed certificate within minutes.
const PATIENCE: Duration = Duration::from_secs(600);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Where the certificate was seen, and how long that took.
pub(super) struct Proof {
    pub(super) addresses: Vec<SocketAddr>,
    after: Duration,
}

impl Proof {
    pub(super) fn milliseconds(&self) -> u64 {
        u64::try_from(self.after.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Looks until each address of the endpoint serves the certificate of `location`, and it is to be trusted.
pub(super) async fn everywhere(location: &Location) -> Result<Proof> {
    let progress = output::spinner("Waiting until the endpoint serves the certificate");
    let proof = look_until_served(location, |missing| progress.set_message(missing)).await;
    progress.finish_and_clear();
    proof
}

async fn look_until_served(location: &Location, report: impl Fn(String)) -> Result<Proof> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        let addresses = location.resolve_addresses().await?;
        let looks = join_all(addresses.iter().map(|address| look(location, *address))).await;
        let missing: Vec<Failure> = looks.into_iter().filter_map(Result::err).collect();
        let Some(first) = missing.first() else {
            return Ok(Proof { addresses, after: began.elapsed() });
        };
        if began.elapsed() >= PATIENCE {
            let what = format!("the certificate is imported, and after {} s not served", PATIENCE.as_secs());
            return Err(Failure::new(what).why(first.to_single_line()).next(
                "restctl cert show, which says what is served; restctl doctor, which says what is wrong",
            ));
        }
        report(first.to_single_line());
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// An error where this address does not serve it.
async fn look(location: &Location, address: SocketAddr) -> Result<()> {
    let mut there = location.clone();
    there.host = address.ip().to_string();
    let handshake = Handshake::perform(&there).await?;
    let served = handshake.fingerprint();
    match served {
        Some(served) if served != location.fingerprint => {
            Err(Failure::new(format!("{address} still serves SHA-256 {served}")))
        }
        _ => handshake.connection.map(drop).context(format!("{address} is not to be trusted")),
    }
}
