//! How the QUIC of links behaves. Nodes of a cluster trust each other and are near: windows are large, silence is short.

use std::sync::Arc;
use std::time::Duration;

use quinn_proto::congestion::CubicConfig;
use quinn_proto::crypto::rustls::{NoInitialCipherSuite, QuicClientConfig, QuicServerConfig};
use quinn_proto::{AckFrequencyConfig, ClientConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt};
use ringway_link::limit::STREAMS;

use super::setup::LinkTimes;
use crate::pki::Credentials;
use crate::quic::settings::retry_key;

/// Bytes of one stream, and of all, that may be on their way to us: what comes is taken at once and bounded by credit, so
/// that this is how far packets may overtake each other.
const STREAM_RECEIVE_BYTES: u32 = 4 * 1024 * 1024;
const RECEIVE_BYTES: u32 = 16 * 1024 * 1024;
/// Bytes that are handed over and not acknowledged: 10 Gbit/s over 10 ms.
const SEND_BYTES: u64 = 12 * 1024 * 1024;
/// A cluster is within a few milliseconds.
const INITIAL_RTT: Duration = Duration::from_millis(10);
/// What may be sent before the path is known: a burst that socket buffers take.
const INITIAL_WINDOW_BYTES: u64 = 128 * 1024;
const ACK_THRESHOLD: u32 = 10;
const ACK_DELAY: Duration = Duration::from_millis(5);
/// Handshakes that wait for their turn on a shard, and the bytes that each and all of them may pile up meanwhile.
const INCOMING_MAX: usize = 128;
const INCOMING_BYTES: u64 = 8 * 1024;
const INCOMING_BYTES_TOTAL: u64 = 512 * 1024;

/// For links that others dial.
///
/// # Errors
/// The credentials have no suite for QUIC's first packets.
pub(super) fn server(
    credentials: &Credentials,
    retry_secret: &[u8; 32],
    times: &LinkTimes,
) -> Result<Arc<ServerConfig>, NoInitialCipherSuite> {
    let crypto = QuicServerConfig::try_from(Arc::clone(&credentials.server))?;
    let mut config = ServerConfig::new(Arc::new(crypto), retry_key(retry_secret));
    config
        .transport_config(transport(STREAMS, times))
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(INCOMING_BYTES)
        .incoming_buffer_size_total(INCOMING_BYTES_TOTAL);
    Ok(Arc::new(config))
}

/// For links that this node dials.
///
/// # Errors
/// As [`server`].
pub(super) fn client(
    credentials: &Credentials,
    times: &LinkTimes,
) -> Result<ClientConfig, NoInitialCipherSuite> {
    let crypto = QuicClientConfig::try_from(Arc::clone(&credentials.client))?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(transport(0, times));
    Ok(config)
}

/// `streams`: how many the peer may open. Who dials opens them all.
fn transport(streams: u16, times: &LinkTimes) -> Arc<TransportConfig> {
    let mut cubic = CubicConfig::default();
    cubic.initial_window(INITIAL_WINDOW_BYTES);
    let mut ack = AckFrequencyConfig::default();
    ack.ack_eliciting_threshold(VarInt::from_u32(ACK_THRESHOLD)).max_ack_delay(Some(ACK_DELAY));
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_RECEIVE_BYTES))
        .receive_window(VarInt::from_u32(RECEIVE_BYTES))
        .send_window(SEND_BYTES)
        .datagram_receive_buffer_size(None)
        .initial_rtt(INITIAL_RTT)
        .max_idle_timeout(IdleTimeout::try_from(times.idle).ok())
        .keep_alive_interval(Some(times.keep_alive))
        .congestion_controller_factory(Arc::new(cubic))
        .ack_frequency_config(Some(ack));
    Arc::new(config)
}
