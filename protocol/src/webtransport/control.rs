//! The peer's control stream (RFC 9114 §6.2.1): SETTINGS first and once, then little that matters.

use super::Role;
use super::error::{Code, Fault};
use super::frame::{FRAME_CANCEL_PUSH, FRAME_GOAWAY, FRAME_MAX_PUSH_ID, FRAME_SETTINGS, check_frame};
use super::record::{Part, RecordReader};
use super::settings::{SETTINGS_BYTES_MAX, Settings};

/// Reads it, behind its type.
#[derive(Debug)]
pub(super) struct ControlReader {
    frames: RecordReader,
    kind: u64,
    /// The payload of SETTINGS so far.
    settings: Vec<u8>,
    /// SETTINGS began.
    begun: bool,
}

/// What it tells.
pub(super) enum Control {
    Settings(Settings),
    GoAway,
}

impl ControlReader {
    pub(super) const fn new() -> Self {
        Self { frames: RecordReader::new(), kind: 0, settings: Vec::new(), begun: false }
    }

    /// The next thing that matters; `None` when all of `input` was taken. `peer` is who writes it.
    pub(super) fn read(&mut self, peer: Role, input: &mut &[u8]) -> Result<Option<Control>, Fault> {
        while let Some(part) = self.frames.next(input) {
            match part {
                Part::Begin { kind, length } => self.begin(peer, kind, length)?,
                Part::Payload(bytes) if self.kind == FRAME_SETTINGS => self.settings.extend_from_slice(bytes),
                Part::End if self.kind == FRAME_SETTINGS => {
                    let payload = core::mem::take(&mut self.settings);
                    return Settings::parse(&payload).map(|settings| Some(Control::Settings(settings)));
                }
                Part::End if self.kind == FRAME_GOAWAY => return Ok(Some(Control::GoAway)),
                Part::Payload(_) | Part::End => {}
            }
        }
        Ok(None)
    }

    fn begin(&mut self, peer: Role, kind: u64, length: u64) -> Result<(), Fault> {
        self.kind = kind;
        if !self.begun {
            self.begun = true;
            if kind != FRAME_SETTINGS {
                return Err(Fault::new(
                    Code::MissingSettings,
                    "the control stream does not begin with SETTINGS",
                ));
            }
            if length > SETTINGS_BYTES_MAX {
                return Err(Fault::new(Code::ExcessiveLoad, "too many settings"));
            }
            return Ok(());
        }
        match kind {
            FRAME_SETTINGS => return Err(Fault::new(Code::FrameUnexpected, "SETTINGS stand twice")),
            FRAME_GOAWAY | FRAME_CANCEL_PUSH => {}
            FRAME_MAX_PUSH_ID if peer == Role::Client => {}
            _ => return check_frame(kind, FRAME_GOAWAY),
        }
        // Each of them holds one integer.
        if matches!(length, 1..=8) {
            Ok(())
        } else {
            Err(Fault::new(Code::FrameError, "a frame has a wrong length"))
        }
    }
}
