//! The background process of the local cloud: it keeps the emulator and serves the rest itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::cloud::LocalCloud;
use super::emulator::Emulator;
use super::folder::Folder;
use super::front::Front;
use super::identity_provider::Server;
use super::ports::Ports;
use super::stacks::Stacks;
use crate::directories;
use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::output;

#[derive(Debug, Args)]
pub(crate) struct Supervise {
    /// Python of the environment that ministack is installed in
    #[arg(long)]
    pub(crate) python: PathBuf,

    #[command(flatten)]
    pub(crate) ports: Ports,
}

/// Runs until it is told to end by SIGTERM, or the emulator ends.
pub(crate) async fn supervise(options: Supervise) -> Result<()> {
    // A session of its own: the terminal's Ctrl-C and its closing do not reach it. This fails only for a process
    // that leads a group already, and then it has none to leave.
    let _ = rustix::process::setsid();
    let mut told_to_end = signal(SignalKind::terminate()).context("signals cannot be awaited")?;
    let folder = Folder::standard()?;
    let _life = folder.become_supervisor().await?;
    let mut emulator = None;
    let ended = tokio::select! {
        _ = told_to_end.recv() => Ok(()),
        ended = run(&folder, &options, &mut emulator) => ended,
    };
    if let Some(emulator) = emulator {
        emulator.stop().await?;
    }
    ended
}

async fn run(folder: &Folder, options: &Supervise, emulator: &mut Option<Emulator>) -> Result<()> {
    let provider_listener = listen(options.ports.identity_provider_port).await?;
    let front_listener = listen(options.ports.https_port).await?;
    let issuer = format!("http://{}/", address(&provider_listener)?);
    let provider = Server::new(issuer, folder.record())?;
    let emulator = start_emulator(folder, options, emulator).await?;
    let cloud = LocalCloud {
        endpoint_url: emulator.endpoint_url(),
        front: address(&front_listener)?,
        identity_provider: provider.identity_provider().clone(),
        supervisor: std::process::id(),
        emulator: emulator.pid(),
    };
    let front = Front::new(Stacks::of(folder), emulator.address())?;
    tokio::spawn(front.serve(front_listener));
    tokio::spawn(provider.serve(provider_listener));

    let record = serde_json::to_vec_pretty(&cloud).context("the local cloud cannot be written down")?;
    directories::write_private_file(&folder.record(), &record)?;
    let status = emulator.ended().await?;
    Err(Failure::new("ministack ended").why(status.to_string()))
}

async fn listen(port: Option<u16>) -> Result<TcpListener> {
    let port = port.unwrap_or(0);
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.context(format!("port {port} cannot be listened at"))
}

fn address(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().context("a listener has no address")
}

/// ministack takes a number, not a socket: another process may take a free port before it does.
async fn start_emulator<'a>(
    folder: &Folder,
    options: &Supervise,
    emulator: &'a mut Option<Emulator>,
) -> Result<&'a mut Emulator> {
    let mut tries = if options.ports.port.is_some() { 1 } else { 3 };
    loop {
        let port = match options.ports.port {
            Some(port) => port,
            None => address(&listen(None).await?)?.port(),
        };
        // Kept by the caller from here on, who ends it.
        let spawned = emulator.insert(Emulator::spawn(folder, &options.python, port)?);
        tries -= 1;
        match spawned.answers().await {
            Ok(()) => break,
            Err(failure) if tries > 0 => output::print_failure(&failure),
            Err(failure) => return Err(failure),
        }
    }
    emulator.as_mut().ok_or_else(|| Failure::new("ministack does not start"))
}
