//! The control thread: the only place with tokio and with things that may wait.
//!
//! It serves the operator's HTTP door (health, metrics, API, pages), takes the process's signals, reloads the
//! configuration, drives the node's part in a cluster and drains the node. It meets the shards only through their [`NodeHandle`]: orders go down bounded
//! queues, answers come back. Node view.

mod answer;
mod api;
mod connection;
mod drain;
mod guard;
mod health;
mod metrics;
mod pages;
mod reload;
mod routes;
mod run;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;

use crate::cluster::Handle;
use crate::config::keys;
use crate::config::resolve::Resolved;
use crate::config::secret::Secret;
use crate::node::NodeHandle;

pub use reload::Reloader;
pub use routes::router;
pub use run::{Ending, Member, bind, run};

/// What the control thread's tasks share.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    node: NodeHandle,
    /// The driver of the cluster, once it runs; a node that is alone has none.
    cluster: OnceLock<Handle>,
    doors: Doors,
    hot: Mutex<Arc<Hot>>,
    drain: watch::Sender<Asked>,
    started: SystemTime,
}

/// Where clients come in, for the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doors {
    /// Port that speaks `ws`.
    pub plain: Option<u16>,
    /// Port that speaks `wss`.
    pub encrypted: Option<u16>,
    /// Address that speaks WebTransport.
    pub webtransport: Option<SocketAddr>,
    /// Whether the demo page is served.
    pub demo: bool,
    /// Largest body of a request.
    pub body_bytes_max: usize,
}

/// What a reload swaps.
#[derive(Clone, Debug)]
struct Hot {
    api_token: Option<Secret>,
    certificate_sha256: Option<[u8; 32]>,
    hosts: Vec<String>,
    drain: keys::Drain,
    name: String,
}

/// How far somebody asked the node to go down; it never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// Serve.
    Nothing,
    /// Drain, then end.
    Drain,
    /// End now.
    Stop,
}

impl Control {
    /// Takes charge of a running node.
    #[must_use]
    pub fn new(node: NodeHandle, doors: Doors, resolved: &Resolved) -> Self {
        let hot = Mutex::new(Arc::new(Hot::of(resolved)));
        let (drain, _) = watch::channel(Asked::Nothing);
        Self(Arc::new(Inner {
            node,
            cluster: OnceLock::new(),
            doors,
            hot,
            drain,
            started: SystemTime::now(),
        }))
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &NodeHandle {
        &self.0.node
    }

    /// The cluster, if there is one.
    #[must_use]
    pub fn cluster(&self) -> Option<&Handle> {
        self.0.cluster.get()
    }

    fn hot(&self) -> Arc<Hot> {
        Arc::clone(&self.0.hot.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_hot(&self, resolved: &Resolved) {
        *self.0.hot.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Hot::of(resolved));
    }

    fn ask(&self, asked: Asked) {
        self.0.drain.send_if_modified(|now| {
            let more = asked > *now;
            *now = asked.max(*now);
            more
        });
    }

    fn asked(&self) -> Asked {
        *self.0.drain.borrow()
    }
}

impl Hot {
    fn of(resolved: &Resolved) -> Self {
        Self {
            api_token: resolved.api_token.clone(),
            certificate_sha256: resolved.certificate_sha256,
            hosts: resolved.config.http.hosts.0.clone(),
            drain: resolved.config.drain.clone(),
            name: crate::config::resolve::node_name(&resolved.config),
        }
    }
}

/// A listening address of this door.
pub type Bound = (SocketAddr, std::net::TcpListener);
