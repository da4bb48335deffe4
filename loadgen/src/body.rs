//! What the load generator puts into bodies: who sent it, the how-manieth it is, when it was meant to be sent, and a
//! checksum over that. As text it is hex, so that it fits a JSON string and a `text` body; as bytes it is packed.

use ringway_protocol::BodyKind;

use crate::engine::Nanos;

/// Bytes of a packed stamp.
const PACKED_BYTES: usize = 24;
/// Bytes of a stamp as hex.
const HEX_BYTES: usize = PACKED_BYTES * 2;

/// The front of every body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Which publisher, over all threads.
    pub publisher: u32,
    /// Its publications, counted from 1.
    pub sequence: u64,
    /// When it was meant to be sent.
    pub intended: Nanos,
}

/// The shortest body of a kind that holds a stamp.
#[must_use]
pub const fn bytes_min(kind: BodyKind) -> usize {
    match kind {
        BodyKind::Bytes | BodyKind::None => PACKED_BYTES,
        BodyKind::Text => HEX_BYTES,
        BodyKind::Json => HEX_BYTES + 2,
    }
}

impl Stamp {
    /// Writes a body of exactly `bytes` bytes, or of [`bytes_min`] if that is more.
    pub fn write(&self, kind: BodyKind, bytes: usize, body: &mut Vec<u8>) {
        let bytes = bytes.max(bytes_min(kind));
        body.clear();
        let packed = self.packed();
        match kind {
            BodyKind::Bytes | BodyKind::None => body.extend_from_slice(&packed),
            BodyKind::Text => hex(&packed, body),
            BodyKind::Json => {
                body.push(b'"');
                hex(&packed, body);
            }
        }
        let quote = usize::from(kind == BodyKind::Json);
        body.resize(bytes - quote, b'.');
        if quote == 1 {
            body.push(b'"');
        }
    }

    /// Reads it from a body of any kind; `None` when there is none or its checksum is wrong.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let packed = Self::unpack(body)?;
        let stamp = Self::of(&packed);
        (stamp.packed() == packed).then_some(stamp)
    }

    /// The same without looking at the checksum.
    #[inline]
    #[must_use]
    pub fn read_unchecked(body: &[u8]) -> Option<Self> {
        Some(Self::of(&Self::unpack(body)?))
    }

    fn unpack(body: &[u8]) -> Option<[u8; PACKED_BYTES]> {
        // Packed stamps begin with this mark, which is no hex digit and no quote.
        if body.first() == Some(&MARK) {
            return body.first_chunk().copied();
        }
        let text = body.strip_prefix(b"\"").unwrap_or(body);
        let mut packed = [0; PACKED_BYTES];
        let text: &[u8; HEX_BYTES] = text.first_chunk()?;
        let mut bad = 0;
        for (byte, digits) in packed.iter_mut().zip(text.chunks_exact(2)) {
            let (high, low) = (DIGITS[usize::from(digits[0])], DIGITS[usize::from(digits[1])]);
            bad |= high | low;
            *byte = high << 4 | (low & 15);
        }
        (bad & 0xf0 == 0).then_some(packed)
    }

    fn of(packed: &[u8; PACKED_BYTES]) -> Self {
        let number = |at: usize| u64::from_le_bytes(*packed[at..].first_chunk().unwrap_or(&[0; 8]));
        Self {
            publisher: (number(0) >> 8) as u32 & 0xff_ffff,
            sequence: number(0) >> 32 | (number(16) & 0xffff_ffff) << 32,
            intended: Nanos(number(8)),
        }
    }

    fn packed(&self) -> [u8; PACKED_BYTES] {
        let mut packed = [0; PACKED_BYTES];
        let first = u64::from(MARK) | u64::from(self.publisher & 0xff_ffff) << 8 | self.sequence << 32;
        packed[..8].copy_from_slice(&first.to_le_bytes());
        packed[8..16].copy_from_slice(&self.intended.0.to_le_bytes());
        packed[16..20].copy_from_slice(&((self.sequence >> 32) as u32).to_le_bytes());
        let sum = checksum(&packed[..20]);
        packed[20..].copy_from_slice(&sum.to_le_bytes());
        packed
    }
}

/// The first byte of a packed stamp.
const MARK: u8 = 0xa5;

/// FNV-1a.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
        out.extend([digit(byte >> 4), digit(byte & 15)]);
    }
}

/// Values of hex digits; 0xff for anything else.
const DIGITS: [u8; 256] = {
    let mut digits = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp =
        Stamp { publisher: 70_000, sequence: 0x1_2345_6789_abcd, intended: Nanos(u64::MAX / 3) };

    #[test]
    fn a_stamp_survives_every_kind_of_body() {
        for kind in [BodyKind::Bytes, BodyKind::Text, BodyKind::Json] {
            for bytes in [0, 64, 1000] {
                let mut body = Vec::new();
                STAMP.write(kind, bytes, &mut body);
                assert_eq!(body.len(), bytes.max(bytes_min(kind)));
                assert_eq!(Stamp::read(&body), Some(STAMP), "{kind:?}");
                assert_eq!(Stamp::read_unchecked(&body), Some(STAMP));
                if kind == BodyKind::Json {
                    assert!(serde_json::from_slice::<String>(&body).is_ok());
                }
            }
        }
    }

    #[test]
    fn a_changed_bit_is_noticed() {
        for kind in [BodyKind::Bytes, BodyKind::Text, BodyKind::Json] {
            let mut body = Vec::new();
            STAMP.write(kind, 0, &mut body);
            for at in 2..body.len() - 1 {
                let mut bad = body.clone();
                bad[at] ^= 1;
                assert_ne!(Stamp::read(&bad), Some(STAMP), "{kind:?} {at}");
            }
        }
    }

    #[test]
    fn foreign_bodies_have_no_stamp() {
        for body in [&b""[..], b"\"", b"hello", &[MARK; 10], &[b'z'; 60]] {
            assert_eq!(Stamp::read(body), None);
        }
    }
}
