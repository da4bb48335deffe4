//! What waits to be written on one connection: masked WebSocket frames, or bytes of another protocol. Connection view.

use std::io::{self, ErrorKind, Write};

use ringway_protocol::Format;
use ringway_protocol::websocket::{Opcode, write_close_masked, write_frame_masked};

/// A buffer that empties itself after each batch; its memory goes back when it was large.
const KEEP_BYTES_MAX: usize = 4 * 1024;

/// Frames in order, and how much of them the socket took.
#[derive(Debug, Default)]
pub struct Out {
    buffer: Vec<u8>,
    written: usize,
    /// State of the mask keys (xorshift; never 0 after the first use).
    mask: u32,
    /// Frames given since the start.
    frames: u64,
}

impl Out {
    /// One whole message.
    pub fn message(&mut self, opcode: Opcode, payload: &[u8]) {
        let key = self.key();
        write_frame_masked(&mut self.buffer, opcode, payload, key);
        self.frames += 1;
    }

    /// A message of the protocol in its format's opcode.
    pub fn command(&mut self, format: Format, payload: &[u8]) {
        let opcode = match format {
            Format::Binary => Opcode::Binary,
            Format::Json => Opcode::Text,
        };
        self.message(opcode, payload);
    }

    /// A close frame.
    pub fn close(&mut self, code: u16) {
        let key = self.key();
        write_close_masked(&mut self.buffer, code, "", key);
    }

    /// Bytes that the socket has not taken.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.buffer.len() - self.written
    }

    pub(super) fn raw(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Writes what the socket takes; true when nothing is left.
    pub(super) fn flush(&mut self, socket: &mut impl Write) -> io::Result<bool> {
        while self.written < self.buffer.len() {
            match socket.write(&self.buffer[self.written..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => self.written += bytes,
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
        self.written = 0;
        if self.buffer.capacity() > KEEP_BYTES_MAX {
            self.buffer = Vec::new();
        } else {
            self.buffer.clear();
        }
        match socket.flush() {
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => Ok(false),
            result => result.map(|()| true),
        }
    }

    fn key(&mut self) -> [u8; 4] {
        let mut state = if self.mask == 0 { 0x9e37_79b9 } else { self.mask };
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        self.mask = state;
        state.to_le_bytes()
    }
}
