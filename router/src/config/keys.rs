//! Every key but those of namespaces. Their documentation is also the commentary of `ringway.toml`: plain text.
#![allow(rustdoc::bare_urls)]

use super::choice::{CoordinatorKind, Flush, LogFormat, Runtime, TlsMode};
use super::declare::section;
use super::list::{Addresses, Cores, MaybePath, Networks, Paths, Shards, Spin, Texts};
use super::number::NodeChoice;
use super::value::{Size, Span};
use crate::node::Congestion;

section! {
    /// This process: its name, its state, its threads.
    Node {
        /// Name of this node, told to clients in `welcome` and written in logs. Empty: the host's name.
        cold name: String = String::new();
        /// Directory for what must survive a restart (the cluster key). Made if missing, mode 0700.
        cold state_dir: MaybePath = MaybePath(Some("/var/lib/ringway".into()));
        /// How shards talk to the kernel: "auto" takes io_uring and falls back to epoll with a warning,
        /// "io_uring" exits where the kernel forbids it, "epoll" never asks.
        cold runtime: Runtime = Runtime::Auto;
        /// Threads that serve clients: a number, or "auto" (all CPUs up to 2, from 3 on one less).
        cold shards: Shards = Shards::Auto;
        /// Cores to pin the shards to, like "0,2-3"; "auto" takes the first of the affinity mask.
        cold cores: Cores = Cores::default();
        /// How long an idle shard looks for work before it sleeps, like "50us"; "0" never spins.
        /// "auto": 50us with 3 shards or more, otherwise 0.
        cold spin: Spin = Spin::Auto;
        /// How frames reach the sockets: "send", one call per session; "ring", all of a turn in one submission;
        /// "auto", the one measured to be cheaper.
        cold flush: Flush = Flush::Auto;
    }
}

section! {
    /// The door for clients: WebSocket at path /v1.
    Clients {
        /// Addresses to listen on.
        cold listen: Addresses = Addresses(vec!["0.0.0.0:7400".parse().expect("a literal")]);
        /// Web origins that may connect, like "https://app.example.com" or "https://*.example.com"; "*" lets every web
        /// page connect. Clients that are no browsers send no Origin and are not held back by this.
        hot origins: Texts = Texts::default();
        /// Whether a client may connect without a token. What anonymous users may do is the namespaces' business.
        hot anonymous: bool = false;
        /// A client says something at least this often; after twice that its connection is closed.
        hot heartbeat: Span = Span::seconds(25), in Span::seconds(1)..=Span::seconds(600);
        /// From accept to a valid hello.
        hot handshake_timeout: Span = Span::seconds(5), in Span::ms(100)..=Span::seconds(60);
        /// Largest frame taken from a client.
        hot frame_bytes_max: Size = Size::kib(64), in Size::kib(9)..=Size::mib(1);
        /// Connections of the node, in equal parts per shard.
        hot connections_max: u32 = 1_000_000, in 1..=10_000_000;
        /// Connections that have not said a valid hello yet.
        hot half_open_max: u32 = 16_384, in 1..=10_000_000;
        /// Connections of one IPv4 address or one IPv6 /64. Loopback has no limit.
        hot address_connections_max: u32 = 1_024, in 1..=10_000_000;
        /// Networks of load balancers, like "10.0.0.0/8", which must begin with a PROXY protocol v2 header and whose
        /// word for the client's address is taken.
        hot trusted_proxies: Networks = Networks::default();
        /// How long bytes may stay unacknowledged before a connection is given up.
        hot tcp_user_timeout: Span = Span::seconds(30), in Span::seconds(1)..=Span::seconds(600);
        /// Unsent bytes that the kernel takes at most per connection: more would only grow old there.
        hot tcp_unsent_bytes: Size = Size::kib(16), in Size::kib(2)..=Size::mib(1);
        /// A diagnostic WebSocket at /echo, without identity or limits: for conformance suites and benchmarks.
        cold echo: bool = false;
    }
}

section! {
    /// TLS on the clients' door.
    Tls {
        /// "on", or "off" where something before Ringway ends TLS. "self-signed" is for --dev.
        cold mode: TlsMode = TlsMode::On;
        /// Addresses that speak TLS. Empty: those of clients.listen do. Set: those of clients.listen don't.
        cold listen: Addresses = Addresses::default();
        /// Certificate chain, PEM, the server's first. Read again at each reload.
        hot certificate_file: MaybePath = MaybePath(None);
        /// Private key, PEM (PKCS#8, PKCS#1 or SEC1). Read again at each reload.
        hot key_file: MaybePath = MaybePath(None);
    }
}

section! {
    /// The door for native clients over QUIC and for browsers over WebTransport (UDP), with the certificate of the tls
    /// section.
    Quic {
        /// Addresses to listen on; empty: none. Clients look for it at the port of clients.listen.
        cold listen: Addresses = Addresses::default();
        /// What decides how much may be on its way to a client: "fresh" (what the path delivers, with a bounded queue),
        /// "cubic" (loss, as TCP does) or "bbr" (experimental).
        cold congestion: Congestion = Congestion::Fresh;
        /// Let the kernel send each packet to the shard of its connection. Shards pass on what comes to the wrong one.
        cold steering: bool = true;
    }
}

section! {
    /// Who clients are: JSON Web Tokens, HS256.
    Tokens {
        /// Files with one secret each, 32 bytes or more; a trailing newline is ignored. Tokens signed with any of
        /// them are taken (two for rotation); `ringway token` signs with the first. Read again at each reload.
        hot key_files: Paths = Paths::default();
        /// The audience (aud) a token must have. Empty: tokens must have none.
        hot audience: String = String::new();
        /// How far the clocks of whoever signs and of this host may be apart.
        hot leeway: Span = Span::seconds(60), in Span(0)..=Span::seconds(300);
        /// How long after its connection was made a session can be resumed.
        hot resume_ttl: Span = Span::seconds(86_400), in Span::seconds(10)..=Span::seconds(30 * 86_400);
    }
}

section! {
    /// The operator's door, on the control thread: health, metrics, API, status page.
    Http {
        /// Addresses to listen on. Keep it on loopback or a private network: it does not speak TLS.
        cold listen: Addresses = Addresses(vec!["127.0.0.1:7480".parse().expect("a literal")]);
        /// Names and addresses by which this door may be called (the Host header), besides localhost and the
        /// addresses it listens on: this keeps web pages of others away (DNS rebinding).
        hot hosts: Texts = Texts::default();
        /// File with the API's bearer token, 16 bytes or more. Empty: the API is closed. Read again at each reload.
        hot token_file: MaybePath = MaybePath(None);
        /// Largest body of a request.
        cold body_bytes_max: Size = Size::kib(256), in Size::kib(1)..=Size::mib(16);
        /// The page at /demo.
        cold demo: bool = false;
    }
}

section! {
    /// Bounds of each shard and of each session on it.
    Limits {
        /// Sessions on one shard.
        hot sessions_max: u32 = 200_000, in 1..=4_000_000;
        /// Rooms owned by one shard.
        hot rooms_max: u32 = 1_000_000, in 1..=16_000_000;
        /// Rooms that one session may be in.
        hot session_rooms_max: u32 = 256, in 1..=65_536;
        /// Bytes that may wait for one session.
        hot outbox_bytes_max: Size = Size::mib(1), in Size::kib(64)..=Size::mib(1024);
        /// How long the oldest of them may wait.
        hot outbox_age_max: Span = Span::seconds(10), in Span::ms(100)..=Span::seconds(3_600);
        /// Bytes of outboxes, histories and keys on one shard together; the largest are cut first.
        hot shard_bytes_max: Size = Size::mib(2_048), in Size::mib(16)..=Size::mib(1_048_576);
        /// Work units that a session gains a second; a publish costs 1 + members × bytes / 16 KiB.
        hot work_per_s: u32 = 2_000, in 1..=100_000_000;
        /// Work units that a session may save up.
        hot work_burst: u32 = 4_000, in 1..=100_000_000;
        /// Refusals in a row (rate_limited) after which a session is closed as flooding.
        hot refusals_max: u32 = 1_000, in 1..=1_000_000;
    }
}

section! {
    /// Many machines as one: who owns which rooms is agreed on in a coordinator. The same on all nodes, but for node and weight.
    Cluster {
        /// "none": this machine is alone. "etcd": it is one of a cluster, and needs etcd, cluster.endpoints, the links
        /// section and node.state_dir.
        cold coordinator: CoordinatorKind = CoordinatorKind::None;
        /// Where etcd is, like "https://10.0.0.1:2379"; name all of its members.
        cold endpoints: Texts = Texts::default();
        /// What stands before every key in etcd: the name of this installation, if several share one etcd.
        cold prefix: String = "ringway".into();
        /// User of etcd, where it asks for one.
        cold user: String = String::new();
        /// File with that user's password.
        cold password_file: MaybePath = MaybePath(None);
        /// Certificates of the authority that signed etcd's own, PEM; for https.
        cold etcd_ca_file: MaybePath = MaybePath(None);
        /// Certificate to show to etcd, PEM, where it asks for one.
        cold etcd_certificate_file: MaybePath = MaybePath(None);
        /// Its private key, PEM.
        cold etcd_key_file: MaybePath = MaybePath(None);
        /// Number of this node; "auto": the one in links.certificate_file. No two nodes have the same.
        cold node: NodeChoice = NodeChoice(None);
        /// Its share of rooms compared with the other nodes' weights; 0: none.
        cold weight: u16 = 100, in 0..=10_000;
        /// How often a node renews its lease.
        cold beat: Span = Span::ms(150), in Span::ms(20)..=Span::seconds(10);
        /// How long a lease is good. A node that is silent for so long loses its rooms to the others; a longer one rides
        /// over longer elections of etcd, and makes a failover slower.
        cold ttl: Span = Span::ms(1_200), in Span::ms(100)..=Span::seconds(60);
        /// How far clocks may run apart during one lease: its holder stops so much sooner, the others wait so much longer.
        cold margin: Span = Span::ms(100), in Span::ms(5)..=Span::seconds(10);
    }
}

section! {
    /// Links between the nodes of a cluster: QUIC with certificates on both sides.
    Links {
        /// Address to listen on (UDP).
        cold listen: Addresses = Addresses(vec!["0.0.0.0:7410".parse().expect("a literal")]);
        /// Addresses by which other nodes reach it, like "10.0.0.1:7410". Empty: those of links.listen.
        cold advertise: Addresses = Addresses::default();
        /// This node's certificate, PEM: what `ringway pki issue` writes.
        cold certificate_file: MaybePath = MaybePath(None);
        /// Its private key, PEM; empty: it is in the same file, as `ringway pki issue` puts it.
        cold key_file: MaybePath = MaybePath(None);
        /// Certificate of the cluster's authority, PEM: the ca.pem of `ringway pki init`.
        cold ca_file: MaybePath = MaybePath(None);
    }
}

section! {
    /// Orderly emptying before stop: SIGTERM, or `ringway drain`.
    Drain {
        /// How long /readyz says 503 while connections are still accepted, so that load balancers can turn away.
        hot delay: Span = Span::seconds(5), in Span::ms(0)..=Span::seconds(600);
        /// Over how long clients are told to go elsewhere.
        hot spread: Span = Span::seconds(10), in Span::ms(0)..=Span::seconds(600);
        /// How long handing over this node's rooms to other nodes may take; what is left is taken over.
        hot handover: Span = Span::seconds(30), in Span::ms(0)..=Span::seconds(600);
        /// How long flushing may take after that; then the process ends anyway.
        hot flush: Span = Span::seconds(5), in Span::ms(100)..=Span::seconds(600);
    }
}

section! {
    /// Logs, on stderr.
    Log {
        /// "human", "json", or "auto": human on a terminal, JSON otherwise.
        cold format: LogFormat = LogFormat::Auto;
        /// What is logged: a level, or levels by target, like "info,ringway::control=debug".
        hot filter: String = "info".into();
        /// Lines a second for events that a misbehaving client can cause (closes, slow consumers); what is held
        /// back is counted and told.
        hot sampled_per_s: u32 = 20, in 1..=10_000;
    }
}
