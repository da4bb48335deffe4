//! A node on free ports, and WebSocket clients that block.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use ringway::node::{
    self, DoorSettings, FlushChoice, Listen, NodeHandle, NodeOptions, NodeSettings, Notice, QuicOptions,
    RuntimeChoice, ShardPlan, SpinChoice, TokenSettings,
};
use ringway_core::settings::{Limits, Namespace, Settings};
use ringway_protocol::ClusterKey;
use tungstenite::{Message, WebSocket};

use crate::patient::Patient;

/// Longer than anything here takes on a busy machine; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A node and what it said unasked.
pub(crate) struct Node {
    pub(crate) handle: NodeHandle,
    pub(crate) notices: Receiver<Notice>,
}

/// Options for a node of so many shards, to be changed by a test.
pub(crate) fn options(shards: usize) -> (NodeOptions, Receiver<Notice>) {
    let (tell, notices) = channel();
    // Only in tests that want it is anybody closed for being late or silent: a busy host can keep a client from its turn.
    let silence_ms = 2 * PATIENCE.as_millis() as u32;
    let core = Settings {
        namespaces: [("default".to_owned(), Namespace::default())].into(),
        limits: Limits { outbox_age_ms_max: silence_ms.into(), ..Limits::default() },
        node: "test".to_owned(),
        heartbeat_ms: silence_ms,
    };
    let tokens = TokenSettings { anonymous: true, ..TokenSettings::default() };
    let options = NodeOptions {
        settings: NodeSettings {
            core: Arc::new(core),
            door: Arc::new(DoorSettings {
                tokens,
                handshake_ms: silence_ms.into(),
                tcp_user_timeout_ms: silence_ms,
                ..DoorSettings::default()
            }),
            tls: None,
        },
        listeners: vec![Listen { address: SocketAddr::from(([127, 0, 0, 1], 0)), tls: false }],
        quic: QuicOptions::default(),
        shards: ShardPlan(vec![None; shards]),
        runtime: RuntimeChoice::Auto,
        spin: SpinChoice::Micros(0),
        flush: FlushChoice::Auto,
        rings: None,
        echo: true,
        cluster_key: ClusterKey([3; 16]),
        cluster: None,
        observe: Box::new(move |notice| drop(tell.send(notice))),
    };
    (options, notices)
}

/// Starts a node with options that the test changes.
pub(crate) fn start(shards: usize, change: impl FnOnce(&mut NodeOptions)) -> Node {
    let (mut options, notices) = options(shards);
    change(&mut options);
    Node { handle: node::start(options).unwrap(), notices }
}

impl Node {
    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.addresses()[0]
    }

    /// Reloads, and waits until every shard has: one takes its orders in their order, but clients' commands in between.
    pub(crate) fn reload(&self, settings: &NodeSettings) {
        self.handle.reload(settings).unwrap();
        self.handle.snapshot().wait().unwrap();
    }

    /// A plain connection that gives up after a while instead of hanging.
    pub(crate) fn connect(&self) -> Patient {
        let stream = Patient::connect(self.address(), PATIENCE).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A WebSocket connection to a path.
    pub(crate) fn open(&self, path: &str) -> WebSocket<Patient> {
        self.try_open(path).unwrap()
    }

    /// The same at a door whose time for handshakes is short: a host may be too busy for that once, but not always.
    pub(crate) fn open_in_time(&self, path: &str) -> WebSocket<Patient> {
        let begun = Instant::now();
        loop {
            match self.try_open(path) {
                Ok(socket) => return socket,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
        }
    }

    fn try_open(&self, path: &str) -> Result<WebSocket<Patient>, String> {
        let url = format!("ws://{}{path}", self.address());
        tungstenite::client(url, self.connect()).map(|(socket, _)| socket).map_err(|error| error.to_string())
    }
}

/// The payload of the next message, whatever its kind.
pub(crate) fn next(socket: &mut WebSocket<Patient>) -> Message {
    loop {
        match socket.read().unwrap() {
            Message::Ping(_) | Message::Pong(_) => {}
            message => return message,
        }
    }
}
