//! How much a connection can carry upstream, as far as it is known.

use std::time::Duration;

use quinn::Connection;

/// An estimate for now; it changes with the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Bytes a second that may leave without queueing: QUIC's congestion window over its round trip. Unknown on
    /// WebSocket.
    pub bytes_per_second: Option<u64>,
    /// Smoothed round trip: QUIC's own, on WebSocket that of pings.
    pub rtt: Option<Duration>,
    /// Largest datagram, in bytes of a frame; none where there are no datagrams.
    pub datagram_bytes_max: Option<usize>,
    /// Bytes that wait for the connection already.
    pub waiting_bytes: usize,
}

impl Budget {
    pub(crate) fn of(connection: Option<&Connection>, rtt: Option<Duration>, waiting_bytes: usize) -> Self {
        let Some(connection) = connection else { return Self { rtt, waiting_bytes, ..Self::default() } };
        let path = connection.stats().path;
        let rate = (path.cwnd as f64 / path.rtt.as_secs_f64().max(1e-6)) as u64;
        Self {
            bytes_per_second: Some(rate),
            rtt: Some(path.rtt),
            datagram_bytes_max: connection.max_datagram_size(),
            waiting_bytes,
        }
    }
}
