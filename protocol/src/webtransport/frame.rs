//! Numbers of frames and streams (RFC 9114 §7.2, §6.2; draft-ietf-webtrans-http3 §4.2, §4.3), and which frame may stand
//! where.

use super::error::{Code, Fault};

pub(super) const FRAME_DATA: u64 = 0x00;
pub(super) const FRAME_HEADERS: u64 = 0x01;
pub(super) const FRAME_CANCEL_PUSH: u64 = 0x03;
pub(super) const FRAME_SETTINGS: u64 = 0x04;
pub(super) const FRAME_PUSH_PROMISE: u64 = 0x05;
pub(super) const FRAME_GOAWAY: u64 = 0x07;
pub(super) const FRAME_MAX_PUSH_ID: u64 = 0x0d;
/// No frame but the first bytes of a WebTransport stream: the session's id and raw bytes follow.
pub(super) const SIGNAL_BIDI: u64 = 0x41;

pub(super) const STREAM_CONTROL: u64 = 0x00;
pub(super) const STREAM_PUSH: u64 = 0x01;
pub(super) const STREAM_QPACK_ENCODER: u64 = 0x02;
pub(super) const STREAM_QPACK_DECODER: u64 = 0x03;
/// A WebTransport stream: the session's id and raw bytes follow.
pub(super) const STREAM_WEBTRANSPORT: u64 = 0x54;

/// Whether a frame may stand where only this one and unknown ones, which are skipped, may (RFC 9114 §7.2, §9).
pub(super) const fn check_frame(kind: u64, allowed: u64) -> Result<(), Fault> {
    if kind == allowed {
        return Ok(());
    }
    match kind {
        SIGNAL_BIDI => {
            Err(Fault::new(Code::FrameError, "a WebTransport stream begins inside another stream"))
        }
        FRAME_DATA | FRAME_HEADERS | FRAME_CANCEL_PUSH | FRAME_SETTINGS | FRAME_PUSH_PROMISE
        | FRAME_GOAWAY | FRAME_MAX_PUSH_ID => {
            Err(Fault::new(Code::FrameUnexpected, "a frame stands where it may not"))
        }
        // HTTP/2's PRIORITY, PING, WINDOW_UPDATE and CONTINUATION.
        0x02 | 0x06 | 0x08 | 0x09 => Err(Fault::new(Code::FrameUnexpected, "a frame of HTTP/2")),
        _ => Ok(()),
    }
}
