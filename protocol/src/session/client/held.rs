//! Frames of rooms whose handle is not known yet, kept while a `join` is outstanding. Session view.
//!
//! On transports with several streams a room's messages may arrive before its `joined`. They are kept as bytes (the
//! machine sees events, which borrow) and given back in order once an answer came.

/// Bytes of frames that a client holds for rooms it is about to join.
pub const HELD_BYTES_MAX: usize = 64 * 1024;

/// Frames in the order of arrival, in one buffer.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    bytes: Vec<u8>,
    ends: std::collections::VecDeque<usize>,
    start: usize,
}

impl Held {
    /// Keeps a copy; false when it does not fit any more.
    pub(super) fn keep(&mut self, frame: &[u8]) -> bool {
        if self.bytes.len() + frame.len() > HELD_BYTES_MAX {
            return false;
        }
        self.bytes.extend_from_slice(frame);
        self.ends.push_back(self.bytes.len());
        true
    }

    /// Adds what another kept later; what does not fit any more is dropped.
    pub(super) fn append(&mut self, mut later: Self) {
        while let Some(frame) = later.take() {
            self.keep(&frame);
        }
    }

    /// The oldest frame.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let end = self.ends.pop_front()?;
        let frame = self.bytes.get(self.start..end).map(<[u8]>::to_vec);
        self.start = end;
        frame
    }
}
