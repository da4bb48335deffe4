//! What our QUIC connections are like, and how one comes to be.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    AckFrequencyConfig, ClientConfig, Connection, ConnectionError, IdleTimeout, TransportConfig,
    TransportErrorCode, VarInt,
};

use ringway_protocol::congestion::quinn::Fresh;

use super::apart::STREAMS_MAX;
use super::{Quic, SEND_BYTES_MIN};
use crate::{ConnectFault, Socket};

/// The application protocol of native clients.
pub(crate) const ALPN: &[u8] = b"ringway/1";

/// Bytes of one stream, and of all, that the server may have on their way to us: enough for a page of history at once.
const STREAM_RECEIVE_BYTES: u32 = 256 * 1024;
const RECEIVE_BYTES: u32 = 1024 * 1024;
/// Datagrams that wait for their packet, and that nobody has read: small, as what waits there gets old.
const DATAGRAM_SEND_BYTES: usize = 16 * 1024;
const DATAGRAM_RECEIVE_BYTES: usize = 256 * 1024;
/// The server's own bound is what counts; the session's heartbeat finds a silent server sooner.
const IDLE: Duration = Duration::from_secs(120);
/// Packets before the server must acknowledge at once, and how long it may wait: what it need not send costs it nothing.
const ACK_THRESHOLD: u32 = 10;
const ACK_DELAY: Duration = Duration::from_millis(25);
/// A guess that fits mobile networks better than the RFC's third of a second.
const INITIAL_RTT: Duration = Duration::from_millis(100);

/// TLS with what our connections are like.
pub(crate) fn config(tls: rustls::ClientConfig) -> Result<ClientConfig, ConnectFault> {
    let crypto = QuicClientConfig::try_from(tls).map_err(|fault| ConnectFault::Tls(fault.to_string()))?;
    let mut ack = AckFrequencyConfig::default();
    ack.ack_eliciting_threshold(VarInt::from_u32(ACK_THRESHOLD)).max_ack_delay(Some(ACK_DELAY));
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(STREAMS_MAX))
        .stream_receive_window(VarInt::from_u32(STREAM_RECEIVE_BYTES))
        .receive_window(VarInt::from_u32(RECEIVE_BYTES))
        .send_window(2 * SEND_BYTES_MIN)
        .datagram_receive_buffer_size(Some(DATAGRAM_RECEIVE_BYTES))
        .datagram_send_buffer_size(DATAGRAM_SEND_BYTES)
        .max_idle_timeout(IdleTimeout::try_from(IDLE).ok())
        .initial_rtt(INITIAL_RTT)
        .congestion_controller_factory(Arc::new(Fresh))
        .ack_frequency_config(Some(ack));
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

/// A connection after its handshake.
pub(crate) async fn connect(
    socket: &Socket,
    config: ClientConfig,
    address: SocketAddr,
    name: &str,
) -> Result<Connection, ConnectFault> {
    let connecting = socket.endpoint().connect_with(config, address, name);
    let connecting =
        connecting.map_err(|fault| ConnectFault::Unreachable(Arc::new(io::Error::other(fault))))?;
    connecting.await.map_err(|fault| not_connected(&fault))
}

/// Opens the control stream.
pub(crate) async fn open(connection: Connection) -> Result<Quic, ConnectFault> {
    let (send, receive) = connection.open_bi().await.map_err(|fault| not_connected(&fault))?;
    Ok(Quic { connection, send, receive, web: None })
}

/// Why a handshake failed, in words for those who can mend it. TLS alerts are crypto errors (RFC 9001 §4.8).
pub(super) fn not_connected(fault: &ConnectionError) -> ConnectFault {
    const CRYPTO: u64 = 0x100;
    const NO_APPLICATION_PROTOCOL: u64 = CRYPTO + 120;
    let crypto = |code: TransportErrorCode| (CRYPTO..CRYPTO + 0x100).contains(&u64::from(code));
    match fault {
        ConnectionError::TimedOut => ConnectFault::TimedOut,
        ConnectionError::VersionMismatch => ConnectFault::Protocol("no common version of QUIC".into()),
        ConnectionError::ConnectionClosed(close)
            if u64::from(close.error_code) == NO_APPLICATION_PROTOCOL =>
        {
            ConnectFault::Protocol("none of the application protocols (ALPN) is known there".into())
        }
        ConnectionError::TransportError(error) if crypto(error.code) => {
            ConnectFault::Certificate(error.reason.clone())
        }
        ConnectionError::ConnectionClosed(close) => ConnectFault::Refused(close.to_string()),
        ConnectionError::ApplicationClosed(close) => ConnectFault::Refused(close.to_string()),
        other => ConnectFault::Unreachable(Arc::new(io::Error::other(other.to_string()))),
    }
}
