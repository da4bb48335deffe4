//! Variable-length integers of QUIC (RFC 9000 §16): 1, 2, 4 or 8 bytes, of which two bits tell the length.

/// Largest value: 2^62 − 1.
pub(super) const VARINT_MAX: u64 = (1 << 62) - 1;

/// Appends a value of at most [`VARINT_MAX`] in its shortest form.
pub(super) fn write_varint(value: u64, out: &mut Vec<u8>) {
    debug_assert!(value <= VARINT_MAX);
    match value {
        0..=0x3f => out.push(value as u8),
        0x40..=0x3fff => out.extend_from_slice(&(value as u16 | 1 << 14).to_be_bytes()),
        0x4000..=0x3fff_ffff => out.extend_from_slice(&(value as u32 | 2 << 30).to_be_bytes()),
        _ => out.extend_from_slice(&(value | 3 << 62).to_be_bytes()),
    }
}

/// Takes a value off the front; `None` when it is not whole.
pub(super) fn take_varint(input: &mut &[u8]) -> Option<u64> {
    let mut rest = *input;
    let value = { PartialVarint::EMPTY }.take(&mut rest)?;
    *input = rest;
    Some(value)
}

/// A value that arrives in pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartialVarint {
    value: u64,
    /// Bytes still to come, once the first is there.
    missing: u8,
    begun: bool,
}

impl PartialVarint {
    /// None of its bytes came yet.
    pub(super) const EMPTY: Self = Self { value: 0, missing: 0, begun: false };

    /// Takes what belongs to it; the value as soon as it is whole, after which the next one can begin.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Option<u64> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            if self.begun {
                self.value = self.value << 8 | u64::from(byte);
                self.missing -= 1;
            } else {
                *self = Self { value: u64::from(byte & 0x3f), missing: (1 << (byte >> 6)) - 1, begun: true };
            }
            if self.missing == 0 {
                return Some(core::mem::replace(self, Self::EMPTY).value);
            }
        }
        None
    }

    /// Whether some of its bytes came, but not all.
    pub(super) const fn is_begun(&self) -> bool {
        self.begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_9000_appendix_a_1_are_reproduced() {
        for (bytes, value) in [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
        ] {
            assert_eq!(take_varint(&mut &*bytes), Some(value));
            let mut out = Vec::new();
            write_varint(value, &mut out);
            assert_eq!(out, bytes);
            for cut in 0..bytes.len() {
                assert_eq!(take_varint(&mut &bytes[..cut]), None);
                let mut partial = PartialVarint::EMPTY;
                assert_eq!(partial.take(&mut &bytes[..cut]), None);
                assert_eq!(partial.is_begun(), cut > 0);
                assert_eq!(partial.take(&mut &bytes[cut..]), Some(value));
            }
        }
        // A longer form than needed is a form as well.
        assert_eq!(take_varint(&mut &[0x40, 0x25][..]), Some(37));
    }

    #[test]
    fn every_length_has_its_bounds() {
        for (value, length) in [
            (0, 1),
            (63, 1),
            (64, 2),
            (16_383, 2),
            (16_384, 4),
            ((1 << 30) - 1, 4),
            (1 << 30, 8),
            (VARINT_MAX, 8),
        ] {
            let mut out = Vec::new();
            write_varint(value, &mut out);
            assert_eq!((out.len(), take_varint(&mut &out[..])), (length, Some(value)));
        }
    }
}
