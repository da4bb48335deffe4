//! The header of a frame (RFC 6455 §5.2): what it says, and every rule that can be checked from it alone.

use super::{Opcode, Role, Violation};

/// Largest payload of a control frame.
pub const CONTROL_PAYLOAD_BYTES_MAX: usize = 125;

/// Largest header: two bytes, a 64-bit length, a mask key.
pub(super) const HEADER_BYTES_MAX: usize = 14;

/// A frame's header, complete and valid by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    /// Zero when the frame is not masked.
    pub(super) key: [u8; 4],
    pub(super) payload_bytes: u64,
    pub(super) header_bytes: usize,
}

impl Header {
    /// Reads a header from the front of `bytes`; `None` while it is incomplete.
    ///
    /// Faults are found in the order of the bytes, and as soon as the byte that holds them is there, so that a
    /// header that arrives in pieces gives the same answer as a whole one.
    #[inline]
    pub(super) fn parse(bytes: &[u8], role: Role) -> Result<Option<Self>, Violation> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(Violation::ReservedBits);
        }
        let opcode = Opcode::from_bits(first & 0x0f).ok_or(Violation::ReservedOpcode)?;
        let fin = first & 0x80 != 0;
        if opcode.is_control() && !fin {
            return Err(Violation::ControlFragmented);
        }
        let Some(&second) = bytes.get(1) else { return Ok(None) };
        match (role, second & 0x80 != 0) {
            (Role::Server, false) => return Err(Violation::Unmasked),
            (Role::Client, true) => return Err(Violation::Masked),
            _ => {}
        }
        let short = second & 0x7f;
        if opcode.is_control() && usize::from(short) > CONTROL_PAYLOAD_BYTES_MAX {
            return Err(Violation::ControlTooLong);
        }
        let rest = &bytes[2..];
        let (payload_bytes, length_bytes) = match short {
            126 => {
                let Some(length) = rest.first_chunk::<2>() else { return Ok(None) };
                let length = u64::from(u16::from_be_bytes(*length));
                if length < 126 {
                    return Err(Violation::LengthNotMinimal);
                }
                (length, 2)
            }
            127 => {
                let Some(length) = rest.first_chunk::<8>() else { return Ok(None) };
                let length = u64::from_be_bytes(*length);
                if length >> 63 != 0 {
                    return Err(Violation::LengthTopBit);
                }
                if length <= u64::from(u16::MAX) {
                    return Err(Violation::LengthNotMinimal);
                }
                (length, 8)
            }
            short => (u64::from(short), 0),
        };
        let (key, key_bytes) = match role {
            Role::Client => ([0; 4], 0),
            Role::Server => {
                let Some(key) = rest[length_bytes..].first_chunk::<4>() else { return Ok(None) };
                (*key, 4)
            }
        };
        let header_bytes = 2 + length_bytes + key_bytes;
        Ok(Some(Self { fin, opcode, key, payload_bytes, header_bytes }))
    }
}
