//! The control thread's life: serve, listen to signals, drain, end.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};

use super::connection::Door;
use super::drain::{drain, leave, until};
use super::{Asked, Bound, Control, Reloader, routes};
use crate::cluster::Handle;
use crate::config::certificate::SELF_SIGNED_DAYS;
use crate::config::choice::TlsMode;

/// How the node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Empty.
    Drained,
    /// In a hurry: SIGINT twice.
    Stopped,
}

/// Starts the node's part in a cluster; called once, on the control thread's runtime.
pub type Member = Box<dyn FnOnce() -> Handle>;

/// Listens for HTTP.
///
/// # Errors
/// One line: which address, why not, and how to mend it.
pub fn bind(addresses: &[SocketAddr]) -> Result<Vec<Bound>, String> {
    let bind = |address: &SocketAddr| {
        let listener = TcpListener::bind(address).map_err(|error| {
            let mend = match error.kind() {
                std::io::ErrorKind::AddrInUse => {
                    "another process does; stop it (`ss -ltnp` names it) or give --http another port"
                }
                std::io::ErrorKind::PermissionDenied => {
                    "ports below 1024 need CAP_NET_BIND_SERVICE; choose another with --http"
                }
                _ => "check that the address is this machine's",
            };
            format!("can't listen on {address} for HTTP: {error}; {mend}")
        })?;
        let whole = |error: std::io::Error| format!("can't listen on {address} for HTTP: {error}");
        listener.set_nonblocking(true).map_err(whole)?;
        Ok((listener.local_addr().map_err(whole)?, listener))
    };
    addresses.iter().map(bind).collect()
}

/// Runs until the node has ended. Blocks its thread. `member` starts the driver of the cluster, if there is one.
///
/// # Errors
/// The runtime or a signal handler can't be made.
pub fn run(
    control: Control,
    listeners: Vec<Bound>,
    reloader: Reloader,
    member: Option<Member>,
    ready: impl FnOnce(),
) -> Result<Ending, String> {
    let fail = |error: std::io::Error| format!("the control thread can't start: {error}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(fail)?;
    runtime.block_on(async {
        let signals = Signals::new().map_err(fail)?;
        if let Some(start) = member {
            let _ = control.0.cluster.set(start());
        }
        for (address, listener) in listeners {
            let door = Door::new(tokio::net::TcpListener::from_std(listener).map_err(fail)?);
            let router = routes::router(control.clone());
            tokio::spawn(async move {
                if let Err(error) = axum::serve(door, router).await {
                    error!(%address, %error, "HTTP ended");
                }
            });
        }
        ready();
        tokio::spawn(signals.watch(control.clone(), reloader));
        until(&mut control.0.drain.subscribe(), Asked::Drain).await;
        let ending = if control.asked() == Asked::Stop { Ending::Stopped } else { drain(&control).await };
        if let Some(cluster) = control.cluster() {
            leave(cluster).await;
        }
        control.node().stop();
        info!(?ending, "the end");
        Ok(ending)
    })
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn watch(mut self, control: Control, mut reloader: Reloader) {
        // A day before its end.
        let self_signed = reloader.loaded.config.tls.mode == TlsMode::SelfSigned;
        let mut renewal = tokio::time::interval(Duration::from_secs((SELF_SIGNED_DAYS - 1) * 86_400));
        renewal.tick().await;
        loop {
            tokio::select! {
                _ = self.terminate.recv() => control.ask(Asked::Drain),
                _ = self.interrupt.recv() => match control.asked() {
                    Asked::Nothing => control.ask(Asked::Drain),
                    Asked::Drain | Asked::Stop => control.ask(Asked::Stop),
                },
                _ = self.hang_up.recv() => reloader.reload_and_tell(&control).await,
                _ = renewal.tick(), if self_signed => reloader.renew(&control).await,
            }
        }
    }
}
