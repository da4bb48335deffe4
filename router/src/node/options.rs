//! What a node is told: at its start ([`NodeOptions`]) and again at each reload ([`NodeSettings`]). Node view.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ringway_core::Settings;
use ringway_mesh::Bounds;
use ringway_protocol::websocket::handshake::OriginPolicy;
use ringway_protocol::{ClusterKey, limit};
use tokio::sync::mpsc::UnboundedSender;

use super::Notice;
use crate::cluster::Lease;
use crate::pki::Credentials;
use crate::shard::Said;

/// Everything that is fixed while the node runs, and its first [`NodeSettings`].
pub struct NodeOptions {
    /// What a reload may change.
    pub settings: NodeSettings,
    /// Where clients connect; every shard listens on each.
    pub listeners: Vec<Listen>,
    /// The door for clients over QUIC, with the certificate of `settings.tls`.
    pub quic: QuicOptions,
    /// How many shards, and where they run.
    pub shards: ShardPlan,
    /// What drives the shards.
    pub runtime: RuntimeChoice,
    /// Whether shards spin before they park.
    pub spin: SpinChoice,
    /// How frames reach the sockets.
    pub flush: FlushChoice,
    /// Bounds of each ring between two shards; `None`: equal parts of a budget for the node.
    pub rings: Option<Bounds>,
    /// Serve the diagnostic `/echo`.
    pub echo: bool,
    /// Keys room handles.
    pub cluster_key: ClusterKey,
    /// Its part in a cluster of machines; `None`: it is alone, and owns every room.
    pub cluster: Option<ClusterOptions>,
    /// Called on a thread of the node's own for what shards say unasked; may block, for then notices are dropped and
    /// counted, never waited for.
    pub observe: Box<dyn FnMut(Notice) + Send>,
}

/// What a node of a cluster begins with.
pub struct ClusterOptions {
    /// Where other nodes' links arrive.
    pub links: QuicOptions,
    /// Who this node is, by certificate.
    pub credentials: Arc<Credentials>,
    /// Rises with each start of the node.
    pub incarnation: u64,
    /// Until when it may speak for its rooms.
    pub lease: Lease,
    /// Takes what shards say of their slots.
    pub(crate) said: UnboundedSender<Said>,
}

/// What a reload swaps whole.
#[derive(Clone)]
pub struct NodeSettings {
    /// Namespaces and the core's bounds.
    pub core: Arc<Settings>,
    /// Who may come in.
    pub door: Arc<DoorSettings>,
    /// For listeners with TLS: certificate, key and ciphers, as [`crate::tls::server_config`] makes it. New connections
    /// use the newest.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl NodeSettings {
    /// These settings with a random resume secret where none is configured: resumes then end with the process.
    pub(super) fn with_secrets(self) -> std::io::Result<Self> {
        if !self.door.tokens.resume_secrets.is_empty() {
            return Ok(self);
        }
        let secret = super::handle::random_bytes()?;
        Ok(self.with_fallback_secrets(&[secret]))
    }

    pub(super) fn with_fallback_secrets(mut self, secrets: &[[u8; 32]]) -> Self {
        if self.door.tokens.resume_secrets.is_empty() {
            Arc::make_mut(&mut self.door).tokens.resume_secrets = secrets.to_vec();
        }
        self
    }
}

/// The door for clients over QUIC (UDP).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuicOptions {
    /// Where; none: no such door. Port 0 takes a free one.
    pub addresses: Vec<SocketAddr>,
    /// Whether the kernel is asked to send each packet to its shard; shards pass on what comes to the wrong one anyway.
    pub steering: bool,
    /// What decides how much may be on its way to a client.
    pub congestion: Congestion,
}

impl Default for QuicOptions {
    fn default() -> Self {
        Self { addresses: Vec::new(), steering: true, congestion: Congestion::Fresh }
    }
}

/// What decides how much may be on its way to a client over QUIC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Congestion {
    /// What the path delivers, with a bounded queue ([`ringway_protocol::congestion`]).
    #[default]
    Fresh,
    /// Loss (RFC 9438), as TCP does.
    Cubic,
    /// The experimental BBR of quinn.
    Bbr,
}

/// One listening address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Port 0 takes a free one, the same for every shard.
    pub address: SocketAddr,
    /// Whether connections begin with TLS.
    pub tls: bool,
}

/// One shard per entry, pinned to that CPU or left to the scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardPlan(pub Vec<Option<usize>>);

/// What drives the shards, as asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuntimeChoice {
    /// io_uring where the kernel lets us, otherwise epoll and one [`Notice::Fallback`].
    #[default]
    Auto,
    /// io_uring or [`super::StartError::IoUring`].
    IoUring,
    /// epoll.
    Epoll,
}

/// What drives the shards, as it came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuntimeKind {
    /// A ring per shard.
    IoUring,
    /// An epoll set per shard.
    Epoll,
}

impl RuntimeKind {
    /// The configuration's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IoUring => "io_uring",
            Self::Epoll => "epoll",
        }
    }
}

/// Whether shards look for work for a while before they park.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpinChoice {
    /// 50 µs with three shards or more, none otherwise: with two CPUs the other side needs them.
    #[default]
    Auto,
    /// At most so many microseconds; 0: never.
    Micros(u32),
}

impl SpinChoice {
    /// The budget in microseconds for this many shards.
    #[must_use]
    pub const fn budget_us(self, shards: usize) -> u32 {
        match self {
            Self::Auto if shards >= 3 => 50,
            Self::Auto => 0,
            Self::Micros(budget) => budget,
        }
    }
}

/// How frames reach the sockets; `docs/adr` has the measurement behind the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlushChoice {
    /// The measured winner on this runtime.
    #[default]
    Auto,
    /// One `send` per session.
    Send,
    /// All sends of a turn through one submission of a ring.
    Ring,
}

/// Who may come in, and within which bounds. Counts are per node; shards get equal parts.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// Which pages may connect.
    pub origins: OriginPolicy,
    /// How users prove who they are.
    pub tokens: TokenSettings,
    /// From accept to a valid `hello`.
    pub handshake_ms: u64,
    /// Connections without a valid `hello`.
    pub half_open_max: u32,
    /// Connections in all.
    pub connections_max: u32,
    /// Connections of one IPv4 address or one IPv6 /64. Loopback has no limit.
    pub address_connections_max: u32,
    /// Bytes of an upgrade request.
    pub header_bytes_max: usize,
    /// Peers whose word for the client's address is taken: a PROXY protocol v2 header before anything else, or
    /// `X-Forwarded-For` in the upgrade request.
    pub trusted_proxies: Vec<Network>,
    /// Largest message of `/echo`.
    pub echo_bytes_max: usize,
    /// Unacknowledged bytes may stay so for this long before the kernel gives the connection up.
    pub tcp_user_timeout_ms: u32,
    /// Unsent bytes that the kernel takes at most: more would only grow old there.
    pub tcp_unsent_bytes: u32,
}

impl Default for DoorSettings {
    fn default() -> Self {
        Self {
            origins: OriginPolicy::any(),
            tokens: TokenSettings::default(),
            handshake_ms: limit::HANDSHAKE_MS,
            half_open_max: 16_384,
            connections_max: 1_000_000,
            address_connections_max: 1_024,
            header_bytes_max: limit::HTTP_HEADER_BYTES_MAX,
            trusted_proxies: Vec::new(),
            echo_bytes_max: 16 * 1024 * 1024,
            tcp_user_timeout_ms: 30_000,
            tcp_unsent_bytes: 16 * 1024,
        }
    }
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Any address in it.
    pub address: IpAddr,
    /// How many leading bits count.
    pub prefix: u8,
}

impl Network {
    /// Whether the address lies in this range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        fn bits(address: IpAddr) -> (u128, u8) {
            match address {
                IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
                IpAddr::V6(address) => (u128::from(address), 128),
            }
        }
        let (ours, width) = bits(self.address.to_canonical());
        let (theirs, their_width) = bits(address.to_canonical());
        let prefix = u32::from(self.prefix.min(width));
        width == their_width && (prefix == 0 || (ours ^ theirs) >> (128 - prefix) == 0)
    }
}

/// How users prove who they are, and how sessions are re-made.
#[derive(Clone, Default)]
pub struct TokenSettings {
    /// Let in whoever has no token, as `anon-…`.
    pub anonymous: bool,
    /// HS256 secrets that may have signed a token; several during a rotation.
    pub jwt_secrets: Vec<Arc<[u8]>>,
    /// The `aud` a token must have, if any.
    pub audience: Option<String>,
    /// How far clocks may be apart.
    pub leeway_s: u64,
    /// Secrets of resume tokens: the first seals, the second still opens. Empty: a random one, so that resumes end with
    /// the process.
    pub resume_secrets: Vec<[u8; 32]>,
    /// How long a resume token is good after the connection was made.
    pub resume_ttl_ms: u64,
}

impl std::fmt::Debug for TokenSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TokenSettings")
            .field("anonymous", &self.anonymous)
            .field("jwt_secrets", &self.jwt_secrets.len())
            .field("audience", &self.audience)
            .field("resume_secrets", &self.resume_secrets.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_that_share_its_prefix() {
        let network = Network { address: "10.1.0.0".parse().unwrap(), prefix: 16 };
        assert!(network.contains("10.1.255.3".parse().unwrap()));
        assert!(network.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!network.contains("10.2.0.1".parse().unwrap()));
        assert!(!network.contains("::1".parse().unwrap()));
        let all = Network { address: "::".parse().unwrap(), prefix: 0 };
        assert!(all.contains("2001:db8::1".parse().unwrap()));
        assert!(!all.contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn few_shards_do_not_spin_unless_asked() {
        assert_eq!(SpinChoice::Auto.budget_us(2), 0);
        assert_eq!(SpinChoice::Auto.budget_us(3), 50);
        assert_eq!(SpinChoice::Micros(20).budget_us(1), 20);
    }
}
