//! A node that speaks WebSocket, plain and over TLS, QUIC and WebTransport, on free ports.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ringway::node::{
    self, DoorSettings, FlushChoice, Listen, NodeHandle, NodeOptions, NodeSettings, QuicOptions,
    RuntimeChoice, ShardPlan, SpinChoice, TokenSettings,
};
use ringway_client::{Config, Trust};
use ringway_core::settings::{Limits, Namespace, Settings};
use ringway_protocol::ClusterKey;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Longer than anything here takes on a busy machine; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a test's future gives, if it gives it in time.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

/// A node and the certificate that it shows.
pub(crate) struct Server {
    pub(crate) handle: NodeHandle,
    certificate: CertificateDer<'static>,
}

/// How a client gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Quic,
    WebSocket,
    SecureWebSocket,
    WebTransport,
}

pub(crate) const EVERY_WAY: [Over; 4] =
    [Over::Quic, Over::WebSocket, Over::SecureWebSocket, Over::WebTransport];

pub(crate) fn server(shards: usize) -> Server {
    server_with(shards, |_| {})
}

pub(crate) fn server_with(shards: usize, change: impl FnOnce(&mut NodeOptions)) -> Server {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let certificate = signed.cert.der().clone();
    let tls = ringway::tls::server_config(vec![certificate.clone()], key).unwrap();
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    // Nobody is closed for being slow or silent: a busy host can keep a client from its turn.
    let silence_ms = 2 * PATIENCE.as_millis() as u32;
    let core = Settings {
        namespaces: [("default".to_owned(), Namespace::default())].into(),
        limits: Limits::default(),
        node: "test".to_owned(),
        heartbeat_ms: silence_ms,
    };
    let tokens = TokenSettings { anonymous: true, ..TokenSettings::default() };
    let mut options = NodeOptions {
        settings: NodeSettings {
            core: Arc::new(core),
            door: Arc::new(DoorSettings {
                tokens,
                handshake_ms: silence_ms.into(),
                ..DoorSettings::default()
            }),
            tls: Some(tls),
        },
        listeners: vec![Listen { address: free, tls: false }, Listen { address: free, tls: true }],
        quic: QuicOptions { addresses: vec![free], ..QuicOptions::default() },
        shards: ShardPlan(vec![None; shards]),
        runtime: RuntimeChoice::Auto,
        spin: SpinChoice::Micros(0),
        flush: FlushChoice::Auto,
        rings: None,
        echo: false,
        cluster_key: ClusterKey([3; 16]),
        cluster: None,
        observe: Box::new(|_| {}),
    };
    change(&mut options);
    Server { handle: node::start(options).unwrap(), certificate }
}

impl Server {
    pub(crate) fn url(&self, over: Over) -> String {
        let port = match over {
            Over::Quic | Over::WebTransport => self.handle.quic_addresses()[0].port(),
            Over::WebSocket => self.handle.addresses()[0].port(),
            Over::SecureWebSocket => self.handle.addresses()[1].port(),
        };
        match over {
            Over::Quic => format!("quic://localhost:{port}"),
            Over::WebSocket => format!("ws://127.0.0.1:{port}/v1"),
            Over::SecureWebSocket => format!("wss://localhost:{port}/v1"),
            Over::WebTransport => format!("https://localhost:{port}/v1"),
        }
    }

    /// A configuration that trusts this server.
    pub(crate) fn config(&self, over: Over) -> Config {
        let mut config = Config::new(self.url(over));
        config.handshake_timeout = PATIENCE;
        config.trust = Some(match over {
            Over::Quic | Over::SecureWebSocket => Trust::Roots([self.certificate.clone()].into()),
            // As browsers are told.
            Over::WebTransport | Over::WebSocket => {
                let digest = ring::digest::digest(&ring::digest::SHA256, &self.certificate);
                Trust::Fingerprint(digest.as_ref().try_into().unwrap())
            }
        });
        config
    }
}
