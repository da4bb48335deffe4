//! How our QUIC endpoints behave. The numbers that were measured say so; the others bound what a hostile or slow peer can
//! hold.

use std::sync::Arc;
use std::time::Duration;

use quinn_proto::congestion::{BbrConfig, ControllerFactory, CubicConfig};
use quinn_proto::crypto::HandshakeTokenKey;
use quinn_proto::crypto::rustls::QuicServerConfig;
use quinn_proto::{AckFrequencyConfig, EndpointConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt};
use ringway_protocol::congestion::quinn::Fresh;
use ringway_protocol::webtransport;

use super::cid::ShardCids;
use crate::node::Congestion;

/// The application protocol of native clients.
pub(crate) const ALPN: &[u8] = b"ringway/1";
/// QUIC version 1 (RFC 9000); its drafts are not spoken.
const VERSION: u32 = 1;
/// A thousand clients a second learn that a restarted node does not know them; each reset is smaller than what asked for
/// it, and so costs nobody else more than it costs its sender.
const RESET_INTERVAL: Duration = Duration::from_millis(1);
/// Streams that a client may open: its control stream, and room for what comes.
const BIDI_STREAMS: u32 = 8;
/// Chromium gives the connection up below three.
const UNI_STREAMS: u32 = 4;
/// Bytes of one stream, and of all, that a client may have on their way to us.
const STREAM_RECEIVE_BYTES: u32 = 128 * 1024;
const RECEIVE_BYTES: u32 = 256 * 1024;
/// Bytes that are handed over and not acknowledged, until the path is known: then its window decides.
pub(crate) const SEND_BYTES: u64 = 64 * 1024;
/// Datagrams that wait to be sent or taken.
pub(crate) const DATAGRAM_BYTES: usize = 64 * 1024;
/// Beyond the two heartbeats after which the session is closed for silence: that says why, an idle timeout says nothing.
/// It is also what ends connections whose last words nobody answers.
const IDLE_BEYOND_MS: u64 = 10_000;
/// A guess that fits mobile networks better than the RFC's third of a second fits anybody.
const INITIAL_RTT: Duration = Duration::from_millis(100);
/// Packets before a client must acknowledge at once: 14 % less CPU at saturation than every second one.
const ACK_THRESHOLD: u32 = 10;
const ACK_DELAY: Duration = Duration::from_millis(25);
/// Handshakes that wait for their turn on a shard, and the bytes that each and all of them may pile up meanwhile.
const INCOMING_MAX: usize = 1_024;
const INCOMING_BYTES: u64 = 8 * 1024;
const INCOMING_BYTES_TOTAL: u64 = 2 * 1024 * 1024;

/// An endpoint of this shard; `reset_secret` is the node's.
pub(crate) fn endpoint(shard: u8, reset_secret: &[u8; 32], seed: [u8; 32]) -> Arc<EndpointConfig> {
    let mut config =
        EndpointConfig::new(Arc::new(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, reset_secret)));
    config.cid_generator(move || Box::new(ShardCids::new(shard)));
    config.rng_seed(Some(seed));
    config.supported_versions(vec![VERSION]);
    config.min_reset_interval(RESET_INTERVAL);
    Arc::new(config)
}

/// The secret of a node's stateless resets (RFC 9000 §10.3). It outlives the process with the secret it is made from, so
/// that a node can reset what an earlier run of it left behind; it is of this node alone, since whoever has another node
/// of the cluster reset a connection ID of ours could end that connection (RFC 9000 §21.11).
pub(crate) fn reset_secret(secret: &[u8; 32], node: &str) -> [u8; 32] {
    let salt = ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, b"ringway stateless reset");
    let mut made = [0; 32];
    salt.extract(secret)
        .expand(&[node.as_bytes()], ring::hkdf::HKDF_SHA256)
        .and_then(|expanded| expanded.fill(&mut made))
        .expect("as long as the algorithm's own output");
    made
}

/// What seals a node's retry tokens.
pub(crate) fn retry_key(secret: &[u8; 32]) -> Arc<dyn HandshakeTokenKey> {
    Arc::new(ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, b"ringway retry").extract(secret))
}

/// A server with the certificate of this TLS configuration; `retry_secret` is the node's: a retry may meet any shard.
///
/// # Errors
/// The provider has no suite for QUIC's first packets.
pub(crate) fn server(
    tls: &rustls::ServerConfig,
    retry_secret: &[u8; 32],
    congestion: Congestion,
    heartbeat_ms: u64,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut quic = rustls::ServerConfig::builder_with_provider(Arc::clone(tls.crypto_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&tls.cert_resolver));
    quic.ignore_client_order = true;
    quic.send_tls13_tickets = 1;
    quic.ticketer = Arc::clone(&tls.ticketer);
    quic.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    quic.alpn_protocols = vec![ALPN.to_vec(), webtransport::ALPN.to_vec()];
    quic.max_early_data_size = 0;
    let crypto = QuicServerConfig::try_from(Arc::new(quic))
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = ServerConfig::new(Arc::new(crypto), retry_key(retry_secret));
    config
        .transport_config(transport(congestion, heartbeat_ms))
        .migration(true)
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(INCOMING_BYTES)
        .incoming_buffer_size_total(INCOMING_BYTES_TOTAL);
    Ok(Arc::new(config))
}

/// No keep-alives: each would wake the radio of a phone that has nothing to say. The client speaks once a heartbeat, and
/// the default of 25 s is below the 30 s after which the quicker NATs of mobile networks forget a UDP flow; one that did is no harm,
/// for the client's next packet moves the connection to its new address (RFC 9000 §9, RFC 9308 §3.2).
fn transport(congestion: Congestion, heartbeat_ms: u64) -> Arc<TransportConfig> {
    let idle = Duration::from_millis(2 * heartbeat_ms + IDLE_BEYOND_MS);
    let controller: Arc<dyn ControllerFactory + Send + Sync> = match congestion {
        Congestion::Fresh => Arc::new(Fresh),
        Congestion::Cubic => Arc::new(CubicConfig::default()),
        Congestion::Bbr => Arc::new(BbrConfig::default()),
    };
    let mut ack = AckFrequencyConfig::default();
    ack.ack_eliciting_threshold(VarInt::from_u32(ACK_THRESHOLD)).max_ack_delay(Some(ACK_DELAY));
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(BIDI_STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(UNI_STREAMS))
        .stream_receive_window(VarInt::from_u32(STREAM_RECEIVE_BYTES))
        .receive_window(VarInt::from_u32(RECEIVE_BYTES))
        .send_window(SEND_BYTES)
        .datagram_receive_buffer_size(Some(DATAGRAM_BYTES))
        .datagram_send_buffer_size(DATAGRAM_BYTES)
        .initial_rtt(INITIAL_RTT)
        .max_idle_timeout(Some(IdleTimeout::try_from(idle).expect("twice a configured time")))
        .congestion_controller_factory(controller)
        .ack_frequency_config(Some(ack));
    Arc::new(config)
}
