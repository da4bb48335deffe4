//! Capsules (RFC 9297 §3) on the CONNECT stream: how a session ends (draft-ietf-webtrans-http3 §6).

use super::Ended;
use super::error::{Code, Fault};
use super::frame::FRAME_DATA;
use super::record::{Part, RecordReader, write_record};

const CLOSE_SESSION: u64 = 0x2843;
const DRAIN_SESSION: u64 = 0x78ae;

/// Longest reason of a close, in bytes.
pub const CLOSE_REASON_BYTES_MAX: usize = 1024;
/// The code in front of the reason.
const CODE_BYTES: usize = 4;

/// What a peer says with capsules. Others are skipped, whatever their size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Capsule {
    /// The session is over.
    Close(Ended),
    /// The session should be ended soon.
    Drain,
}

/// Finds capsules in the payload of DATA frames, cut anywhere.
#[derive(Debug)]
pub(super) struct CapsuleReader {
    records: RecordReader,
    kind: u64,
    /// The payload of a close so far.
    close: Vec<u8>,
}

impl CapsuleReader {
    pub(super) const fn new() -> Self {
        Self { records: RecordReader::new(), kind: 0, close: Vec::new() }
    }

    /// The next capsule that matters; `None` when all of `input` was taken.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Capsule>, Fault> {
        while let Some(part) = self.records.next(input) {
            match part {
                Part::Begin { kind, length } => {
                    let is_possible = match kind {
                        CLOSE_SESSION => {
                            (CODE_BYTES..=CODE_BYTES + CLOSE_REASON_BYTES_MAX).contains(&(length as usize))
                        }
                        DRAIN_SESSION => length == 0,
                        _ => true,
                    };
                    if !is_possible {
                        return Err(Fault::new(Code::MessageError, "a capsule has an impossible length"));
                    }
                    self.kind = kind;
                }
                Part::Payload(bytes) if self.kind == CLOSE_SESSION => self.close.extend_from_slice(bytes),
                Part::Payload(_) => {}
                Part::End if self.kind == CLOSE_SESSION => return self.end_close().map(Some),
                Part::End if self.kind == DRAIN_SESSION => return Ok(Some(Capsule::Drain)),
                Part::End => {}
            }
        }
        Ok(None)
    }

    fn end_close(&mut self) -> Result<Capsule, Fault> {
        let payload = core::mem::take(&mut self.close);
        let wrong = Fault::new(Code::MessageError, "the reason of a close is not UTF-8");
        // The length was checked when the capsule began.
        let (code, reason) = payload.split_first_chunk::<CODE_BYTES>().ok_or(wrong)?;
        let reason = core::str::from_utf8(reason).map_err(|_| wrong)?;
        Ok(Capsule::Close(Ended { code: u32::from_be_bytes(*code), reason: reason.into() }))
    }

    /// Whether the last capsule is whole.
    pub(super) const fn is_between(&self) -> bool {
        self.records.is_between()
    }
}

/// Appends a DATA frame with the capsule that ends a session; the stream must then be finished. A reason that is too
/// long is cut between characters.
pub fn write_close(code: u32, reason: &str, out: &mut Vec<u8>) {
    let reason = &reason[..reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX)];
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_bytes());
    write_capsule(CLOSE_SESSION, &payload, out);
}

/// Appends a DATA frame with the capsule that asks the peer to end the session soon.
pub fn write_drain(out: &mut Vec<u8>) {
    write_capsule(DRAIN_SESSION, &[], out);
}

fn write_capsule(kind: u64, payload: &[u8], out: &mut Vec<u8>) {
    let mut capsule = Vec::with_capacity(payload.len() + 8);
    write_record(kind, payload, &mut capsule);
    write_record(FRAME_DATA, &capsule, out);
}
