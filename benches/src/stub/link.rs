//! One connection: its upgrade, what arrives on it, and what its socket did not take.

use std::io::{self, ErrorKind, Write as _};
use std::net::TcpStream;

use ringway_protocol::Format;
use ringway_protocol::websocket::handshake::{HeadEnd, Refusal, Request, SUBPROTOCOL_BINARY};
use ringway_protocol::websocket::{Decoder, Role};

use super::room::FRAME_BYTES_MAX;

/// The path that is echoed; all others lead to the room.
const ECHO: &str = "/echo";
/// What may wait for a reader: more is a reader that no longer reads.
const BEHIND_BYTES_MAX: usize = 4 << 20;

/// What is spoken on a connection.
pub(super) enum Stage {
    /// A request, so much of it so far.
    Head {
        /// What came.
        received: Vec<u8>,
        /// How far it was looked at.
        end: HeadEnd,
    },
    /// WebSocket messages that go back as they are.
    Echo(Decoder),
    /// The protocol's frames.
    Session(Decoder),
}

/// One connection.
pub(super) struct Link {
    pub(super) stream: TcpStream,
    pub(super) stage: Stage,
    /// What the socket did not take.
    behind: Vec<u8>,
}

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The socket has all of it.
    Whole,
    /// Some of it waits until the socket has room.
    PutOff,
}

impl Link {
    pub(super) fn new(stream: TcpStream) -> Self {
        let stage = Stage::Head { received: Vec::new(), end: HeadEnd::default() };
        Self { stream, stage, behind: Vec::new() }
    }

    /// More of the request; once it was answered, what followed it.
    ///
    /// # Errors
    /// If it is no request for a WebSocket in the binary format, which it is then told.
    pub(super) fn upgrade(&mut self, input: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let Stage::Head { received, end } = &mut self.stage else { return Ok(Some(input.to_vec())) };
        received.extend_from_slice(input);
        match answer(received, end) {
            Ok(None) => Ok(None),
            Ok(Some((head_bytes, is_echo, response))) => {
                let rest = received.split_off(head_bytes);
                let decoder = Decoder::new(Role::Server, FRAME_BYTES_MAX as u32);
                self.stage = if is_echo { Stage::Echo(decoder) } else { Stage::Session(decoder) };
                self.send(&response)?;
                Ok(Some(rest))
            }
            Err(refusal) => {
                let mut response = Vec::new();
                refusal.write_response(&mut response);
                // It is closed whether it hears this or not.
                let _ = self.send(&response);
                Err(io::Error::other(refusal.text()))
            }
        }
    }

    /// Writes what the socket takes and keeps the rest.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<Sent> {
        let mut written = 0;
        while self.behind.is_empty() && written < bytes.len() {
            match self.stream.write(&bytes[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.behind.extend_from_slice(&bytes[written..]);
        if self.behind.len() > BEHIND_BYTES_MAX {
            return Err(io::Error::other("a reader is 4 MiB behind"));
        }
        Ok(if self.behind.is_empty() { Sent::Whole } else { Sent::PutOff })
    }

    /// Writes what waited.
    pub(super) fn catch_up(&mut self) -> io::Result<Sent> {
        let waiting = std::mem::take(&mut self.behind);
        self.send(&waiting)
    }
}

/// Length of the head, whether it asks for the echo, and the response; `None` while the head is incomplete.
fn answer(received: &[u8], end: &mut HeadEnd) -> Result<Option<(usize, bool, Vec<u8>)>, Refusal> {
    let Some(head_bytes) = end.find(received)? else { return Ok(None) };
    let request = Request::parse(&received[..head_bytes])?;
    let is_echo = request.path() == ECHO;
    let format = request.offered_format();
    if !is_echo && format == Some(Format::Json) {
        return Err(Refusal::Malformed);
    }
    let mut response = Vec::new();
    request.upgrade()?.write_response(format.map(|_| SUBPROTOCOL_BINARY), &mut response);
    Ok(Some((head_bytes, is_echo, response)))
}
