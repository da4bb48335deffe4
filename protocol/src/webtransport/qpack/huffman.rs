//! Huffman decoding (RFC 7541 §5.2, Appendix B), which QPACK shares with HPACK. What we send is never compressed.
//!
//! The code is canonical: codes of one length follow each other in the order of [`SYMBOLS`], and the first of a length
//! follows from how many shorter ones there are. So the counts and the order are the whole table.

/// How many codes there are of each length in bits. The last of 30 bits is the end of string.
const COUNTS: [u32; 31] =
    [0, 0, 0, 0, 0, 10, 26, 32, 6, 0, 5, 3, 2, 6, 2, 3, 0, 0, 0, 3, 8, 13, 26, 29, 12, 4, 15, 19, 29, 0, 4];

/// All octets in the order of their codes.
const SYMBOLS: [u8; 256] = [
    48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95,
    98, 100, 102, 103, 104, 108, 109, 110, 112, 114, 117, 58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77,
    78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89, 106, 107, 113, 118, 119, 120, 121, 122, 38, 42, 44, 59, 88,
    90, 33, 34, 40, 41, 63, 39, 43, 124, 35, 62, 0, 36, 64, 91, 93, 126, 94, 125, 60, 96, 123, 92, 195, 208,
    128, 130, 131, 162, 184, 194, 224, 226, 153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230,
    129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190,
    196, 198, 228, 232, 233, 1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158,
    165, 166, 168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239, 9, 142, 144, 145, 148, 159, 171, 206,
    215, 225, 236, 237, 199, 207, 234, 235, 192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242,
    243, 255, 203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254,
    2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127,
    220, 249, 10, 13, 22,
];

/// The string is not one that an encoder could have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadHuffman;

/// Appends the decoded string, which has at most 8/5 of the bytes of the input.
pub(super) fn decode_huffman(input: &[u8], out: &mut Vec<u8>) -> Result<(), BadHuffman> {
    let mut code = Walk::START;
    for &byte in input {
        for bit in (0..8).rev() {
            if code.step(u32::from(byte >> bit & 1))? {
                out.push(code.symbol()?);
                code = Walk::START;
            }
        }
    }
    // What is left must be padding: the beginning of the end of string, shorter than a byte (RFC 7541 §5.2).
    let is_padding = code.length < 8 && code.bits + 1 == 1 << code.length;
    if is_padding { Ok(()) } else { Err(BadHuffman) }
}

/// The bits of a code so far, and which codes of that length there are.
struct Walk {
    bits: u32,
    length: usize,
    /// The first code of this length.
    first: u32,
    /// Codes of lesser lengths.
    before: u32,
}

impl Walk {
    const START: Self = Self { bits: 0, length: 0, first: 0, before: 0 };

    /// One bit more; whether that is a whole code.
    fn step(&mut self, bit: u32) -> Result<bool, BadHuffman> {
        let passed = COUNTS[self.length];
        self.before += passed;
        self.first = (self.first + passed) << 1;
        self.bits = self.bits << 1 | bit;
        self.length += 1;
        let count = COUNTS.get(self.length).ok_or(BadHuffman)?;
        Ok(self.bits - self.first < *count)
    }

    fn symbol(&self) -> Result<u8, BadHuffman> {
        // The one behind the last is the end of string, which may not stand in one.
        SYMBOLS.get((self.before + self.bits - self.first) as usize).copied().ok_or(BadHuffman)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(input: &[u8]) -> Result<Vec<u8>, BadHuffman> {
        let mut out = Vec::new();
        decode_huffman(input, &mut out).map(|()| out)
    }

    #[test]
    fn the_table_is_a_whole_code_over_all_octets() {
        let mut sorted = SYMBOLS;
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(index, octet)| index == usize::from(*octet)));
        // Kraft's sum is exactly one: every sequence of bits is the beginning of some code.
        let sum: u64 = COUNTS.iter().zip(0..).map(|(count, length)| u64::from(*count) << (30 - length)).sum();
        assert_eq!(sum, 1 << 30);
    }

    #[test]
    fn the_examples_of_rfc_7541_appendix_c_are_read() {
        for (hex, text) in [
            ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
            ("a8eb10649cbf", "no-cache"),
            ("25a849e95ba97d7f", "custom-key"),
            ("25a849e95bb8e8b4bf", "custom-value"),
            ("6402", "302"),
            ("aec3771a4b", "private"),
            ("d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com"),
        ] {
            let bytes: Vec<u8> = hex
                .as_bytes()
                .chunks(2)
                .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect();
            assert_eq!(decoded(&bytes).as_deref(), Ok(text.as_bytes()));
        }
        assert_eq!(decoded(&[]), Ok(Vec::new()));
    }

    #[test]
    fn the_longest_codes_are_read_up_to_the_end_of_string() {
        // Octet 22 is 30 bits: 0x3ffffffe, here with two bits of padding.
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xfb]), Ok(vec![22]));
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xff]), Err(BadHuffman));
        assert_eq!(decoded(&[0xff; 16_384]), Err(BadHuffman));
    }

    #[test]
    fn padding_is_ones_and_shorter_than_a_byte() {
        // "a" is 00011.
        assert_eq!(decoded(&[0b0001_1111]), Ok(b"a".to_vec()));
        assert_eq!(decoded(&[0b0001_1110]), Err(BadHuffman));
        assert_eq!(decoded(&[0b0001_1111, 0xff]), Err(BadHuffman));
        assert_eq!(decoded(&[0xff]), Err(BadHuffman));
    }
}
