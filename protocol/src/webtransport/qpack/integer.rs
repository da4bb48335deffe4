//! Integers with a prefix (RFC 9204 §4.1.1, RFC 7541 §5.1).

/// Takes an integer whose first byte holds it, or its beginning, in the lower `bits` (1 to 8) bits. `None` when it is
/// cut, or larger than anything that fits in a section.
pub(super) fn take_integer(input: &mut &[u8], bits: u8) -> Option<u64> {
    let (&first, mut rest) = input.split_first()?;
    let mask = 0xff >> (8 - bits);
    let mut value = u64::from(first & mask);
    if first & mask == mask {
        for shift in (0..).step_by(7) {
            // Five bytes are more than 2^32.
            if shift > 28 {
                return None;
            }
            let (&byte, after) = rest.split_first()?;
            rest = after;
            value += u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    *input = rest;
    Some(value)
}

/// Appends an integer into the lower `bits` bits of a byte with these upper ones, and what does not fit behind it.
pub(super) fn write_integer(value: u64, bits: u8, upper: u8, out: &mut Vec<u8>) {
    let mask = 0xff_u8 >> (8 - bits);
    let Some(mut rest) = value.checked_sub(u64::from(mask)) else {
        return out.push(upper | value as u8);
    };
    out.push(upper | mask);
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_7541_appendix_c_1_are_reproduced() {
        for (bytes, bits, value) in [(&[0x0a][..], 5, 10), (&[0x1f, 0x9a, 0x0a], 5, 1337), (&[0x2a], 8, 42)] {
            assert_eq!(take_integer(&mut &*bytes, bits), Some(value));
            let mut out = Vec::new();
            write_integer(value, bits, 0, &mut out);
            assert_eq!(out, bytes);
            for cut in 0..bytes.len() {
                assert_eq!(take_integer(&mut &bytes[..cut], bits), None);
            }
        }
    }

    #[test]
    fn what_is_written_is_read_around_every_bound() {
        for bits in 3..=8 {
            for value in (0..600).chain([16_383, 16_384, 1 << 20, u64::from(u32::MAX)]) {
                let mut out = Vec::new();
                write_integer(value, bits, 0, &mut out);
                let mut input = &out[..];
                assert_eq!((take_integer(&mut input, bits), input), (Some(value), &[][..]));
            }
        }
    }

    #[test]
    fn an_integer_without_end_is_none() {
        assert_eq!(take_integer(&mut &[0xff; 4096][..], 7), None);
        assert_eq!(take_integer(&mut &[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00][..], 7), None);
    }
}
