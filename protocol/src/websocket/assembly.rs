//! Where a message is gathered that is not whole in the shard's scratch: fragmented, or cut by the end of a read.
//!
//! Exists only from the first such byte to the delivery of the message, so an idle session has none.

use super::{CONTROL_PAYLOAD_BYTES_MAX, Opcode, Violation};

/// Reserved at once for a message that announces itself larger: what a peer only claims costs no memory.
const RESERVE_BYTES_MAX: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// The data message in progress: text or not.
    message: Option<MessageKind>,
    /// Its bytes so far, unmasked; after the delivery, until the next call, what was delivered.
    bytes: Vec<u8>,
    /// So many of them are known to be whole, valid characters. Text only.
    valid: usize,
    /// A control frame that was cut by the end of a read.
    control: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageKind {
    Text,
    Binary,
}

impl MessageKind {
    pub(super) const fn of(opcode: Opcode) -> Self {
        match opcode {
            Opcode::Text => Self::Text,
            _ => Self::Binary,
        }
    }
}

impl Assembly {
    pub(super) const fn in_message(&self) -> bool {
        self.message.is_some()
    }

    pub(super) const fn message_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Memory held, this struct included.
    pub(super) const fn bytes_held(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity() + self.control.capacity()
    }

    pub(super) fn begin(&mut self, kind: MessageKind, announced: usize) {
        self.message = Some(kind);
        self.valid = 0;
        self.bytes.clear();
        self.bytes.reserve_exact(announced.min(RESERVE_BYTES_MAX));
    }

    /// Adds unmasked bytes; text fails at the first byte that can't be part of UTF-8, not only at its end.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        self.bytes.extend_from_slice(bytes);
        if self.message == Some(MessageKind::Text) {
            match simdutf8::compat::from_utf8(&self.bytes[self.valid..]) {
                Ok(_) => self.valid = self.bytes.len(),
                Err(fault) if fault.error_len().is_none() => self.valid += fault.valid_up_to(),
                Err(_) => return Err(Violation::InvalidUtf8),
            }
        }
        Ok(())
    }

    /// Ends the message in progress and gives it out.
    pub(super) fn finish(&mut self) -> Result<(MessageKind, &[u8]), Violation> {
        let kind = self.message.take().unwrap_or(MessageKind::Binary);
        if kind == MessageKind::Text && self.valid != self.bytes.len() {
            return Err(Violation::InvalidUtf8);
        }
        Ok((kind, &self.bytes))
    }

    pub(super) fn append_control(&mut self, bytes: &[u8]) {
        self.control.reserve_exact(CONTROL_PAYLOAD_BYTES_MAX);
        self.control.extend_from_slice(bytes);
    }

    pub(super) fn has_control(&self) -> bool {
        !self.control.is_empty()
    }

    pub(super) fn control(&self) -> &[u8] {
        &self.control
    }

    /// Forgets the control frame that was given out.
    pub(super) fn clear_control(&mut self) {
        self.control = Vec::new();
    }
}
