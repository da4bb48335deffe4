//! What `serve --dev` prints: what to open and what to type next.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::control::Doors;
use crate::node::NodeHandle;

/// What the banner is about.
pub(super) struct About<'a> {
    pub(super) doors: &'a Doors,
    pub(super) http: SocketAddr,
    pub(super) token: Option<&'a str>,
    /// SHA-256 of the self-signed certificate, in hex.
    pub(super) certificate: Option<&'a str>,
    pub(super) node: &'a NodeHandle,
}

/// The banner.
pub(super) fn text(about: &About<'_>) -> String {
    let shards = about.node.shards();
    let plural = if shards == 1 { "" } else { "s" };
    let runtime = about.node.runtime().name();
    let version = env!("CARGO_PKG_VERSION");
    let http = format!("http://{}", about.http);
    let mut out =
        format!("\nRingway {version}, development: loopback only, {shards} shard{plural} on {runtime}\n\n");
    if about.doors.demo {
        let _ = writeln!(out, "  open      {http}/demo   in two tabs");
    }
    let _ = writeln!(out, "  status    {http}/");
    if let Some(port) = about.doors.plain {
        let _ = writeln!(
            out,
            "  connect   ws://127.0.0.1:{port}/v1   (subprotocol ringway.v1.json or ringway.v1.fb)"
        );
    }
    if let Some(port) = about.doors.encrypted {
        let _ = writeln!(out, "            wss://127.0.0.1:{port}/v1  (self-signed)");
    }
    if let Some(address) = about.doors.webtransport {
        let _ = writeln!(out, "            QUIC at {address}         (UDP, ALPN ringway/1, self-signed)");
        let _ = writeln!(out, "            https://{address}/v1      (WebTransport, ringway.v1.fb)");
    }
    if let Some(hash) = about.certificate {
        let _ = writeln!(out, "            sha-256 {hash}   (the certificate)");
    }
    if let Some(port) = about.doors.plain {
        let _ = writeln!(
            out,
            "\n  load it   cargo run --release -p ringway-load -- fanout --url ws://127.0.0.1:{port}/v1 \\\n\
             \x20             --rooms 1 --subscribers 1000 --publishers 1 --rate 20 --body 64 --format mixed --duration 10s"
        );
    }
    if let Some(token) = about.token {
        let _ = writeln!(
            out,
            "\n  publish   curl {http}/api/v1/publish -H 'Authorization: Bearer {token}' \\\n\
             \x20             -d '{{\"room\":\"demo:lobby\",\"data\":{{\"text\":\"hello from curl\"}}}}'"
        );
    }
    out.push_str("\n  stop      ctrl-c\n\n");
    out
}
