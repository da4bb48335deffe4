//! Bytes to frames: where one size-prefixed frame ends and the next begins.
//!
//! A WebSocket message or a datagram holds whole frames ([`frames`]); a stream is cut anywhere ([`FrameReader`]). Both
//! look at nothing but the prefix: a frame's content is verified when it is decoded. A frame may stand at any address
//! and follow another without padding.

use super::DecodeError;

/// Bytes of the prefix; it counts the bytes behind it, little-endian.
pub const PREFIX_BYTES: usize = 4;
/// The shortest frame, prefix included: prefix, root offset, vtable of one field, table offset, head.
pub const FRAME_BYTES_MIN: usize = PREFIX_BYTES + 4 + 6 + 4 + 40;

/// Splits a message that holds one or more whole frames; each item includes its prefix. After an error it ends.
///
/// An empty message holds no frame and gives an error.
#[must_use]
pub const fn frames(message: &[u8], frame_bytes_max: usize) -> Frames<'_> {
    Frames { rest: Some(message), frame_bytes_max }
}

/// The frames of a message; see [`frames`].
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    /// `None` after the last or after an error.
    rest: Option<&'a [u8]>,
    frame_bytes_max: usize,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<&'a [u8], DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        let length = match frame_length(rest, self.frame_bytes_max) {
            Ok(Some(length)) => length,
            Ok(None) => return Some(Err(CUT)),
            Err(error) => return Some(Err(error)),
        };
        let Some((frame, rest)) = rest.split_at_checked(length) else {
            return Some(Err(CUT));
        };
        self.rest = (!rest.is_empty()).then_some(rest);
        Some(Ok(frame))
    }
}

const CUT: DecodeError = DecodeError::frame("the message ends within a frame");

/// Finds frames in a stream that arrives in pieces. It copies only a frame that was cut.
#[derive(Debug)]
pub struct FrameReader {
    frame_bytes_max: usize,
    /// The beginning of a cut frame, or the whole of it until the next call.
    partial: Vec<u8>,
    /// Whether `partial` was given out whole.
    given: bool,
}

impl FrameReader {
    /// A reader of frames up to this size, prefix included.
    #[must_use]
    pub const fn new(frame_bytes_max: usize) -> Self {
        Self { frame_bytes_max, partial: Vec::new(), given: false }
    }

    /// The next whole frame, taken off the front of `input`; `None` when all of `input` was taken and no frame is whole.
    /// Call it until then.
    ///
    /// # Errors
    /// `frame_too_large` or `bad_frame`, as soon as the prefix is there; the stream can't be read on.
    pub fn next<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Result<Option<&'s [u8]>, DecodeError> {
        if self.given {
            self.given = false;
            self.partial.clear();
            self.partial.shrink_to(PARTIAL_BYTES_KEPT);
        }
        if self.partial.is_empty()
            && let Some(length) = frame_length(input, self.frame_bytes_max)?
            && let Some((frame, rest)) = input.split_at_checked(length)
        {
            *input = rest;
            return Ok(Some(frame));
        }
        self.fill(input, PREFIX_BYTES);
        let Some(length) = frame_length(&self.partial, self.frame_bytes_max)? else {
            return Ok(None);
        };
        self.fill(input, length);
        if self.partial.len() < length {
            return Ok(None);
        }
        self.given = true;
        Ok(Some(&self.partial))
    }

    /// Whether the stream stands within a frame.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.given && !self.partial.is_empty()
    }

    /// Moves bytes from the input until so many are there.
    fn fill(&mut self, input: &mut &[u8], length: usize) {
        let wanted = length.saturating_sub(self.partial.len()).min(input.len());
        let (taken, rest) = input.split_at(wanted);
        self.partial.extend_from_slice(taken);
        *input = rest;
    }
}

/// Memory a reader keeps between frames that were cut.
const PARTIAL_BYTES_KEPT: usize = 1024;

/// Bytes of the frame that begins here, prefix included; `None` while the prefix is cut.
fn frame_length(bytes: &[u8], frame_bytes_max: usize) -> Result<Option<usize>, DecodeError> {
    let Some(prefix) = bytes.first_chunk::<PREFIX_BYTES>() else {
        return Ok(None);
    };
    let length = PREFIX_BYTES.saturating_add(u32::from_le_bytes(*prefix) as usize);
    if length > frame_bytes_max {
        return Err(DecodeError::too_large());
    }
    if length < FRAME_BYTES_MIN {
        return Err(DecodeError::frame("the size prefix counts less than a frame has"));
    }
    Ok(Some(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    fn frame(bytes: usize, fill: u8) -> Vec<u8> {
        let mut frame = ((bytes - PREFIX_BYTES) as u32).to_le_bytes().to_vec();
        frame.resize(bytes, fill);
        frame
    }

    fn read_in_pieces(stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let mut reader = FrameReader::new(256);
        let mut found = Vec::new();
        for mut input in stream.chunks(piece) {
            while let Some(frame) = reader.next(&mut input).unwrap() {
                found.push(frame.to_vec());
            }
            assert!(input.is_empty());
        }
        assert!(!reader.is_partial());
        found
    }

    #[test]
    fn a_stream_cut_anywhere_gives_the_same_frames() {
        let sent = [frame(58, 1), frame(61, 2), frame(256, 3), frame(99, 4)];
        let stream = sent.concat();
        for piece in 1..=stream.len() {
            assert_eq!(read_in_pieces(&stream, piece), sent, "pieces of {piece}");
        }
    }

    #[test]
    fn a_whole_frame_is_not_copied() {
        let stream = frame(58, 1);
        let mut input = &stream[..];
        let mut reader = FrameReader::new(256);
        let found = reader.next(&mut input).unwrap().unwrap();
        assert_eq!(found.as_ptr(), stream.as_ptr());
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_from_its_prefix_on() {
        let mut reader = FrameReader::new(256);
        let mut input = &frame(257, 0)[..3];
        assert_eq!(reader.next(&mut input), Ok(None));
        let mut input = &frame(257, 0)[3..4];
        assert_eq!(reader.next(&mut input).unwrap_err().code, ErrorCode::FrameTooLarge);
        let mut input = &[255; 4][..];
        assert_eq!(FrameReader::new(256).next(&mut input).unwrap_err().code, ErrorCode::FrameTooLarge);
    }

    #[test]
    fn a_frame_shorter_than_a_head_is_refused() {
        for length in [0_u32, 1, 4, 53] {
            let mut input = &length.to_le_bytes()[..];
            assert_eq!(FrameReader::new(256).next(&mut input).unwrap_err().code, ErrorCode::BadFrame);
        }
    }

    #[test]
    fn a_message_holds_whole_frames() {
        let sent = [frame(58, 1), frame(61, 2)];
        let message = sent.concat();
        let found: Result<Vec<_>, _> = frames(&message, 256).collect();
        assert_eq!(found.unwrap(), sent);
        for cut in (0..message.len()).filter(|cut| *cut != 58) {
            let last = frames(&message[..cut], 256).last().unwrap();
            assert_eq!(last.unwrap_err().code, ErrorCode::BadFrame, "cut at {cut}");
        }
    }
}
