//! The HEADERS frame that begins a request or a response, gathered; frames that nobody knows may stand before it.

use super::error::{Code, Fault};
use super::frame::{FRAME_HEADERS, check_frame};
use super::record::{Part, RecordReader};
use crate::limit::HTTP_HEADER_BYTES_MAX;

/// Bytes and frames without meaning that are skipped before the head.
const SKIPPED_MAX: u64 = HTTP_HEADER_BYTES_MAX as u64;

/// Gathers one head.
#[derive(Debug)]
pub(super) struct HeadReader {
    frames: RecordReader,
    section: Vec<u8>,
    in_headers: bool,
    skipped: u64,
}

/// The head of a message.
pub(super) enum Head {
    /// The encoded field section.
    Section(Vec<u8>),
    /// It is larger than we said that we take.
    TooLarge,
}

impl HeadReader {
    pub(super) const fn new() -> Self {
        Self::within(RecordReader::new())
    }

    /// The type of the first frame was read already.
    pub(super) const fn after_kind(kind: u64) -> Self {
        Self::within(RecordReader::after_kind(kind))
    }

    const fn within(frames: RecordReader) -> Self {
        Self { frames, section: Vec::new(), in_headers: false, skipped: 0 }
    }

    /// The head when it is whole; `None` when all of `input` was taken.
    pub(super) fn read(&mut self, input: &mut &[u8]) -> Result<Option<Head>, Fault> {
        while let Some(part) = self.frames.next(input) {
            match part {
                Part::Begin { kind, length } => {
                    check_frame(kind, FRAME_HEADERS)?;
                    self.in_headers = kind == FRAME_HEADERS;
                    if !self.in_headers {
                        self.skipped = self.skipped.saturating_add(1).saturating_add(length);
                    } else if length > HTTP_HEADER_BYTES_MAX as u64 {
                        return Ok(Some(Head::TooLarge));
                    }
                    if self.skipped > SKIPPED_MAX {
                        return Err(Fault::new(
                            Code::ExcessiveLoad,
                            "too much without meaning before the head",
                        ));
                    }
                }
                Part::Payload(bytes) if self.in_headers => self.section.extend_from_slice(bytes),
                Part::End if self.in_headers => {
                    return Ok(Some(Head::Section(core::mem::take(&mut self.section))));
                }
                Part::Payload(_) | Part::End => {}
            }
        }
        Ok(None)
    }

    /// Whether the stream may end here.
    pub(super) const fn is_between(&self) -> bool {
        self.frames.is_between()
    }
}
