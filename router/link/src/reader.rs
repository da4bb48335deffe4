//! Bytes to frames: where one ends and the next begins.

use crate::head::{HEAD_BYTES, PREFIX_BYTES};
use crate::{DecodeError, Fault};

/// Memory a reader keeps between frames that were cut.
const PARTIAL_BYTES_KEPT: usize = 64 * 1024;

/// Finds frames in a stream that arrives in pieces. It looks at nothing but the prefix and copies only frames that were
/// cut; it holds at most one of them, and no more memory than bytes have arrived.
#[derive(Debug)]
pub struct Reader {
    frame_bytes_max: usize,
    /// The beginning of a cut frame, or the whole of it until the next call.
    partial: Vec<u8>,
    /// Whether `partial` was given out whole.
    given: bool,
}

impl Reader {
    /// A reader of frames up to this size, prefix included.
    #[must_use]
    pub const fn new(frame_bytes_max: usize) -> Self {
        Self { frame_bytes_max, partial: Vec::new(), given: false }
    }

    /// Takes larger frames from here on: the peer has said who it is.
    pub const fn set_frame_bytes_max(&mut self, frame_bytes_max: usize) {
        self.frame_bytes_max = frame_bytes_max;
    }

    /// The next whole frame, taken off the front of `input`; `None` when all of `input` was taken and no frame is whole.
    /// Call it until then.
    ///
    /// # Errors
    /// `too_large` or `too_short`, as soon as the prefix is there; the stream can't be read on.
    pub fn next<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Result<Option<&'s [u8]>, DecodeError> {
        if self.given {
            self.given = false;
            self.partial.clear();
            self.partial.shrink_to(PARTIAL_BYTES_KEPT);
        }
        if self.partial.is_empty()
            && let Some(length) = self.frame_length(input)?
            && let Some((frame, rest)) = input.split_at_checked(length)
        {
            *input = rest;
            return Ok(Some(frame));
        }
        self.fill(input, PREFIX_BYTES);
        let Some(length) = self.frame_length(&self.partial)? else {
            return Ok(None);
        };
        self.fill(input, length);
        if self.partial.len() < length {
            return Ok(None);
        }
        self.given = true;
        Ok(Some(&self.partial))
    }

    /// Whether the stream stands within a frame: to end here is to be cut.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        !self.given && !self.partial.is_empty()
    }

    /// Moves bytes from the input until so many are there.
    fn fill(&mut self, input: &mut &[u8], length: usize) {
        let wanted = length.saturating_sub(self.partial.len()).min(input.len());
        let (taken, rest) = input.split_at(wanted);
        self.partial.extend_from_slice(taken);
        *input = rest;
    }

    /// Bytes of the frame that begins here, prefix included; `None` while the prefix is cut.
    fn frame_length(&self, bytes: &[u8]) -> Result<Option<usize>, DecodeError> {
        const fn refused(fault: Fault) -> DecodeError {
            DecodeError { fault, field: "length", offset: 0 }
        }
        let Some(prefix) = bytes.first_chunk::<PREFIX_BYTES>() else {
            return Ok(None);
        };
        let length = PREFIX_BYTES.saturating_add(u32::from_le_bytes(*prefix) as usize);
        if length > self.frame_bytes_max {
            return Err(refused(Fault::TooLarge));
        }
        if length < HEAD_BYTES {
            return Err(refused(Fault::TooShort));
        }
        Ok(Some(length))
    }
}
