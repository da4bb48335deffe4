//! A node on free ports, and WebSocket clients that block.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ringway::node::{
    self, DoorSettings, FlushChoice, Listen, NodeHandle, NodeOptions, NodeSettings, Notice, QuicOptions,
    RuntimeChoice, ShardPlan, SpinChoice, TokenSettings,
};
use ringway_core::settings::{Limits, Namespace, Settings};
use ringway_protocol::ClusterKey;
use tungstenite::{Message, WebSocket};

/// Nothing in these tests takes so long; a hang becomes a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A node and what it said unasked.
pub(crate) struct Node {
    pub(crate) handle: NodeHandle,
    pub(crate) notices: Receiver<Notice>,
}

/// Options for a node of so many shards, to be changed by a test.
pub(crate) fn options(shards: usize) -> (NodeOptions, Receiver<Notice>) {
    let (tell, notices) = channel();
    let core = Settings {
        namespaces: [("default".to_owned(), Namespace::default())].into(),
        limits: Limits::default(),
        node: "test".to_owned(),
        heartbeat_ms: 25_000,
    };
    let tokens = TokenSettings { anonymous: true, ..TokenSettings::default() };
    let options = NodeOptions {
        settings: NodeSettings {
            core: Arc::new(core),
            door: Arc::new(DoorSettings { tokens, ..DoorSettings::default() }),
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

    /// A plain connection that gives up after a while instead of hanging.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A WebSocket connection to a path.
    pub(crate) fn open(&self, path: &str) -> WebSocket<TcpStream> {
        let url = format!("ws://{}{path}", self.address());
        tungstenite::client(url, self.connect()).unwrap().0
    }
}

/// The payload of the next message, whatever its kind.
pub(crate) fn next(socket: &mut WebSocket<TcpStream>) -> Message {
    loop {
        match socket.read().unwrap() {
            Message::Ping(_) | Message::Pong(_) => {}
            message => return message,
        }
    }
}
