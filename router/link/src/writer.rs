//! Frames to bytes: many into one buffer, so that what a turn has to say is one write.

use ringway_core::Told;

use crate::frame::encode_delivery;
use crate::{EncodeError, Forms, Frame};

/// Memory a writer keeps after a batch.
const BATCH_BYTES_KEPT: usize = 256 * 1024;

/// A buffer of whole frames for one stream, of which the beginning may be written already.
#[derive(Debug)]
pub struct Writer {
    frame_bytes_max: usize,
    bytes: Vec<u8>,
    /// Bytes at the front that are written.
    written: usize,
}

impl Writer {
    /// A writer of frames up to this size, prefix included: what the peer's reader takes.
    #[must_use]
    pub const fn new(frame_bytes_max: usize) -> Self {
        Self { frame_bytes_max, bytes: Vec::new(), written: 0 }
    }

    /// Appends a frame and says how many bytes it has.
    ///
    /// # Errors
    /// A value is beyond what the peer takes, or the frame is too large; nothing was appended.
    pub fn push(&mut self, frame: &Frame<'_>) -> Result<usize, EncodeError> {
        let start = self.bytes.len();
        frame.encode(self.frame_bytes_max, &mut self.bytes)?;
        Ok(self.bytes.len() - start)
    }

    /// Appends a delivery as [`Frame::Delivery`] would be, from frames as the core shares them, without a copy of it all.
    ///
    /// # Errors
    /// As [`Writer::push`].
    pub fn push_delivery<S: Forms>(&mut self, told: &Told<S>) -> Result<usize, EncodeError> {
        let start = self.bytes.len();
        encode_delivery(told, self.frame_bytes_max, &mut self.bytes)?;
        Ok(self.bytes.len() - start)
    }

    /// What waits: frames after each other, of which the first may have been begun.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// So many of the bytes that wait were written. The memory is that of what waits and as much again, at most, or what
    /// a batch keeps.
    pub fn handle_written(&mut self, bytes: usize) {
        self.written = self.written.saturating_add(bytes).min(self.bytes.len());
        if self.written == self.bytes.len() {
            self.clear();
        } else if self.written > self.bytes.len() / 2 {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
    }

    /// Forgets the batch: it was written.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(BATCH_BYTES_KEPT);
        self.written = 0;
    }
}
