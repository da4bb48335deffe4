//! The CONNECT stream once the session stands: DATA frames with capsules, until one or the stream's end closes it.

use super::capsule::{Capsule, CapsuleReader};
use super::error::{Code, Fault};
use super::frame::{FRAME_DATA, check_frame};
use super::record::{Part, RecordReader};
use super::{End, Ended};

/// For bytes behind the capsule that closed the session (draft-ietf-webtrans-http3 §6).
pub(super) const AFTER_CLOSE: Fault = Fault::new(Code::MessageError, "bytes follow the close of the session");

/// What the peer tells about the session.
pub(super) enum Told {
    /// Nothing; all of the input was taken.
    Nothing,
    /// It should be ended soon.
    Drain,
    /// It is over.
    Closed(Ended),
    /// It is over, and the stream must be reset.
    Broken(Fault),
}

/// Reads what follows the request, or the response.
#[derive(Debug)]
pub(super) struct SessionReader {
    frames: RecordReader,
    capsules: CapsuleReader,
    in_data: bool,
}

impl SessionReader {
    pub(super) const fn new() -> Self {
        Self { frames: RecordReader::new(), capsules: CapsuleReader::new(), in_data: false }
    }

    /// The next thing that matters; call it until there is nothing.
    pub(super) fn read(&mut self, input: &mut &[u8]) -> Result<Told, Fault> {
        loop {
            let before = *input;
            match self.frames.next(input) {
                None => return Ok(Told::Nothing),
                Some(Part::Begin { kind, .. }) => {
                    // Only DATA is allowed on the stream of a CONNECT (RFC 9114 §4.4).
                    check_frame(kind, FRAME_DATA)?;
                    self.in_data = kind == FRAME_DATA;
                }
                Some(Part::Payload(bytes)) if self.in_data => {
                    let mut rest = bytes;
                    let capsule = self.capsules.next(&mut rest);
                    self.frames.put_back(rest.len());
                    *input = &before[bytes.len() - rest.len()..];
                    match capsule {
                        Ok(None) => {}
                        Ok(Some(Capsule::Drain)) => return Ok(Told::Drain),
                        Ok(Some(Capsule::Close(ended))) => return Ok(Told::Closed(ended)),
                        Err(fault) => return Ok(Told::Broken(fault)),
                    }
                }
                Some(Part::Payload(_) | Part::End) => {}
            }
        }
    }

    /// The stream's end is the session's, like a close with code 0 and no reason.
    pub(super) fn end(&self, end: End) -> Result<Told, Fault> {
        match end {
            End::Finished if !self.frames.is_between() => Err(Fault::new(Code::FrameError, "a frame is cut")),
            End::Finished if !self.capsules.is_between() => {
                Ok(Told::Broken(Fault::new(Code::MessageError, "a capsule is cut")))
            }
            End::Finished | End::Reset => Ok(Told::Closed(Ended::default())),
        }
    }
}
