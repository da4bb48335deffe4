//! One TLS connection between a socket's bytes and the plain ones: records in, plain text out, and back.
//!
//! Everything passes through scratch buffers of the shard; an idle connection holds only its keys. `incoming` is a
//! record cut by the end of a read, `outgoing` what was encrypted and not yet taken by the socket: both are empty
//! nearly always. Plain text is encrypted only when the socket is thought to have room, so that newer values can still
//! take the place of older ones; what was encrypted is written before anything else is.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    AppDataRecord, ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedStatus,
};

/// Room for a record's header and tag, and for a key update in front of it.
const RECORD_OVERHEAD_BYTES: usize = 256;
/// Plain bytes of one record.
pub(crate) const RECORD_BYTES_MAX: usize = 16 * 1024;

/// One TLS connection.
pub(crate) struct Tls {
    connection: UnbufferedServerConnection,
    /// A record whose end has not come yet.
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    taken: usize,
    open: bool,
}

/// The TLS connection can't go on; an alert may wait in `outgoing`.
#[derive(Debug)]
pub(crate) struct TlsFault;

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// Perhaps plain text.
    Text,
    /// The peer closed its direction.
    End,
}

impl Tls {
    /// A connection whose client has said nothing yet.
    ///
    /// # Errors
    /// When the configuration can't serve, which a good one can.
    pub(crate) fn new(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self {
            connection: UnbufferedServerConnection::new(config)?,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            taken: 0,
            open: false,
        })
    }

    /// Whether the handshake is done, so that text can be written.
    pub(crate) const fn is_open(&self) -> bool {
        self.open
    }

    /// Bytes of a cut record: leave so much room in front of what is read next.
    pub(crate) const fn held_bytes(&self) -> usize {
        self.incoming.len()
    }

    /// Takes what was read behind [`Tls::held_bytes`] of room; appends the plain text.
    ///
    /// # Errors
    /// The peer broke the protocol, or has no suite in common.
    pub(crate) fn read(&mut self, input: &mut [u8], text: &mut Vec<u8>) -> Result<Came, TlsFault> {
        input[..self.incoming.len()].copy_from_slice(&self.incoming);
        self.incoming = Vec::new();
        let mut at = 0;
        loop {
            let UnbufferedStatus { mut discard, state, .. } =
                self.connection.process_tls_records(&mut input[at..]);
            let came = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let AppDataRecord { discard: more, payload, .. } = record.map_err(|_| TlsFault)?;
                        text.extend_from_slice(payload);
                        discard += more;
                    }
                    None
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    append(&mut self.outgoing, 0, |out| match data.encode(out) {
                        Err(EncodeError::InsufficientSize(needed)) => Err(Some(needed)),
                        other => other.map_err(|_| None),
                    })?;
                    None
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    // It is in `outgoing`, which is written before anything else.
                    data.done();
                    None
                }
                Ok(ConnectionState::WriteTraffic(_)) => {
                    self.open = true;
                    Some(Came::Text)
                }
                Ok(ConnectionState::BlockedHandshake) => Some(Came::Text),
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => Some(Came::End),
                // Early data was never offered.
                Ok(_) => return Err(TlsFault),
                Err(_) => {
                    self.encode_alert();
                    return Err(TlsFault);
                }
            };
            at += discard;
            if let Some(came) = came {
                if at < input.len() {
                    self.incoming.extend_from_slice(&input[at..]);
                }
                return if self.incoming.len() > 2 * RECORD_BYTES_MAX { Err(TlsFault) } else { Ok(came) };
            }
        }
    }

    /// Encrypts text behind what `out` holds.
    ///
    /// # Errors
    /// When the handshake is not done, or the keys are used up.
    pub(crate) fn encrypt(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), TlsFault> {
        let records = text.len().div_ceil(RECORD_BYTES_MAX).max(1);
        let room = text.len() + records * RECORD_OVERHEAD_BYTES;
        let ConnectionState::WriteTraffic(mut traffic) =
            self.connection.process_tls_records(&mut []).state.map_err(|_| TlsFault)?
        else {
            return Err(TlsFault);
        };
        append(out, room, |out| match traffic.encrypt(text, out) {
            Err(EncryptError::InsufficientSize(needed)) => Err(Some(needed)),
            other => other.map_err(|_| None),
        })
    }

    /// Says that nothing more will be written.
    pub(crate) fn close(&mut self) {
        if let Ok(ConnectionState::WriteTraffic(mut traffic)) =
            self.connection.process_tls_records(&mut []).state
        {
            // Without it the peer takes the end for a cut: that is what it then is.
            let _ = append(&mut self.outgoing, RECORD_OVERHEAD_BYTES, |out| {
                match traffic.queue_close_notify(out) {
                    Err(EncryptError::InsufficientSize(needed)) => Err(Some(needed)),
                    other => other.map_err(|_| None),
                }
            });
        }
    }

    /// What waits for the socket.
    pub(crate) fn outgoing(&self) -> &[u8] {
        &self.outgoing[self.taken..]
    }

    /// The socket took so much of it.
    pub(crate) fn on_written(&mut self, bytes: usize) {
        self.taken += bytes;
        if self.taken == self.outgoing.len() {
            self.taken = 0;
            self.outgoing = Vec::new();
        }
    }

    /// Keeps what the socket did not take of an encrypted flush.
    pub(crate) fn keep(&mut self, rest: &[u8]) {
        self.outgoing.extend_from_slice(rest);
    }

    /// After a fault: why, for the peer.
    fn encode_alert(&mut self) {
        while let Ok(ConnectionState::EncodeTlsData(mut data)) =
            self.connection.process_tls_records(&mut []).state
        {
            let encoded = append(&mut self.outgoing, 0, |out| match data.encode(out) {
                Err(EncodeError::InsufficientSize(needed)) => Err(Some(needed)),
                other => other.map_err(|_| None),
            });
            if encoded.is_err() {
                return;
            }
        }
    }
}

/// Lets `write` append to a buffer: with this much room, or as much as it then asks for.
fn append(
    out: &mut Vec<u8>,
    room: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<InsufficientSizeError>>,
) -> Result<(), TlsFault> {
    let start = out.len();
    out.resize(start + room, 0);
    let written = write(&mut out[start..]).or_else(|needed| {
        let Some(InsufficientSizeError { required_size, .. }) = needed else { return Err(TlsFault) };
        out.resize(start + required_size, 0);
        write(&mut out[start..]).map_err(|_| TlsFault)
    });
    out.truncate(start + written.as_ref().map_or(0, |written| *written));
    written.map(drop)
}

#[cfg(test)]
mod tests;
