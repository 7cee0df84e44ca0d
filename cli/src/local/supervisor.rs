//! The background process of the local cloud: it runs the emulator and serves the other parts itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::cloud::LocalCloud;
use super::emulator::Emulator;
use super::folder::CloudFolder;
use super::front::TlsFront;
use super::identity_provider::IdentityProviderServer;
use super::ports::LocalPorts;
use super::stacks::ServedStacks;
use crate::directories;
use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::output;

#[derive(Debug, Args)]
pub(crate) struct SuperviseArgs {
    /// Python of the virtual environment with ministack
    #[arg(long)]
    pub(crate) python: PathBuf,

    #[command(flatten)]
    pub(crate) ports: LocalPorts,
}

/// Runs until SIGTERM arrives or the emulator ends.
pub(crate) async fn run_supervisor(options: SuperviseArgs) -> Result<()> {
    // In its own session, the process gets neither the terminal's Ctrl-C nor its hang-up. This fails only for a process
    // that leads a group, which has no group to leave.
    let _ = rustix::process::setsid();
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let folder = CloudFolder::in_state_folder()?;
    let _lock = folder.become_supervisor().await?;
    let mut emulator = None;
    let ended = tokio::select! {
        _ = terminate.recv() => Ok(()),
        ended = run_parts(&folder, &options, &mut emulator) => ended,
    };
    if let Some(emulator) = emulator {
        emulator.stop().await?;
    }
    ended
}

async fn run_parts(
    folder: &CloudFolder,
    options: &SuperviseArgs,
    emulator: &mut Option<Emulator>,
) -> Result<()> {
    let provider_listener = listen_on(options.ports.identity_provider_port).await?;
    let front_listener = listen_on(options.ports.https_port).await?;
    let issuer = format!("http://{}/", local_address(&provider_listener)?);
    let provider = IdentityProviderServer::new(issuer, folder.record_file())?;
    let emulator = start_emulator(folder, options, emulator).await?;
    let cloud = LocalCloud {
        endpoint_url: emulator.endpoint_url(),
        access_key: emulator.upstream().access_key.clone(),
        front: local_address(&front_listener)?,
        identity_provider: provider.identity_provider().clone(),
        supervisor: std::process::id(),
        emulator: emulator.pid(),
    };
    let front = TlsFront::new(ServedStacks::in_folder(folder), emulator.upstream().clone());
    tokio::spawn(provider.serve(provider_listener));

    let record = serde_json::to_vec_pretty(&cloud).context("cannot record the local cloud")?;
    directories::write_private_file(&folder.record_file(), &record)?;
    tokio::select! {
        status = emulator.wait_for_exit() => Err(Failure::new("ministack ended").why(status?.to_string())),
        Err(failure) = front.serve(front_listener) => Err(failure),
    }
}

async fn listen_on(port: Option<u16>) -> Result<TcpListener> {
    let port = port.unwrap_or(0);
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.context(format!("cannot open port {port}"))
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().context("a listener has no address")
}

/// Starts the emulator and waits until it answers. ministack takes a port number, not a socket, so another process may take a
/// free port first: the start is retried with another port.
async fn start_emulator<'a>(
    folder: &CloudFolder,
    options: &SuperviseArgs,
    emulator: &'a mut Option<Emulator>,
) -> Result<&'a mut Emulator> {
    let mut tries = if options.ports.port.is_some() { 1 } else { 3 };
    loop {
        let port = match options.ports.port {
            Some(port) => port,
            None => local_address(&listen_on(None).await?)?.port(),
        };
        // From here on the caller owns it and stops it.
        let spawned = emulator.insert(Emulator::spawn(folder, &options.python, port)?);
        tries -= 1;
        match spawned.wait_until_ready().await {
            Ok(()) => break,
            Err(failure) if tries > 0 => output::print_failure(&failure),
            Err(failure) => return Err(failure),
        }
    }
    emulator.as_mut().ok_or_else(|| Failure::new("ministack did not start"))
}
