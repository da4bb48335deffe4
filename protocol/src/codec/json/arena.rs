//! Where strings with escapes are decoded to: a command borrows, and what is not in the text as it stands must lie
//! somewhere. One scratch buffer per decoder, carved up front to back by splitting one mutable slice: no allocation, no
//! `unsafe`, and everything in it lives as long as the command.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::scan::{Fault, RawText, plain_run};

/// Standard alphabet; padding is written, and optional when read.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The part of the scratch that is still free.
#[derive(Debug)]
pub(super) struct Arena<'a> {
    free: &'a mut [u8],
}

impl<'a> Arena<'a> {
    /// Scratch large enough for everything in a text of so many bytes: each string is unescaped at most once (never
    /// longer than it was) and decoded from base64 at most once (shorter, but estimated up by some bytes).
    pub(super) fn new(scratch: &'a mut Vec<u8>, text_bytes: usize) -> Self {
        let bytes = 2 * text_bytes + 8;
        if scratch.len() < bytes {
            scratch.resize(bytes, 0);
        }
        Self { free: scratch }
    }

    /// A string's text: borrowed where it has no escapes.
    ///
    /// # Errors
    /// Half of a surrogate pair.
    pub(super) fn text(&mut self, raw: RawText<'a>) -> Result<&'a str, Fault> {
        if !raw.escaped {
            return Ok(raw.text);
        }
        let length = unescape(raw.text, self.free)?;
        simdutf8::basic::from_utf8(self.carve(length)).map_err(|_| Fault::Syntax)
    }

    /// A string's base64; `None` if it is none.
    ///
    /// # Errors
    /// As [`Arena::text`].
    pub(super) fn base64(&mut self, raw: RawText<'a>) -> Result<Option<&'a [u8]>, Fault> {
        let text = self.text(raw)?;
        let decoded = BASE64.decode_slice(text, self.free);
        Ok(decoded.ok().map(|length| self.carve(length)))
    }

    /// Gives away what was written to the first bytes.
    fn carve(&mut self, length: usize) -> &'a [u8] {
        let (taken, free) = core::mem::take(&mut self.free).split_at_mut(length);
        self.free = free;
        taken
    }
}

/// Writes a scanned string's text and gives its length.
///
/// # Errors
/// Half of a surrogate pair; `Syntax` also where `to` is too short.
pub(super) fn unescape(raw: &str, to: &mut [u8]) -> Result<usize, Fault> {
    let mut length = 0;
    let mut rest = raw.as_bytes();
    while !rest.is_empty() {
        // A scanned string holds neither quotes nor control characters: what ends the run is a backslash.
        let run = plain_run(rest);
        to.get_mut(length..length + run).ok_or(Fault::Syntax)?.copy_from_slice(&rest[..run]);
        length += run;
        rest = &rest[run..];
        if let [b'\\', escape, after @ ..] = rest {
            let character = match escape {
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'u' => {
                    let (character, after) = unicode(after)?;
                    length += encode(character, to, length)?;
                    rest = after;
                    continue;
                }
                other => char::from(*other),
            };
            length += encode(character, to, length)?;
            rest = after;
        } else if !rest.is_empty() {
            return Err(Fault::Syntax);
        }
    }
    Ok(length)
}

fn encode(character: char, to: &mut [u8], at: usize) -> Result<usize, Fault> {
    let to = to.get_mut(at..at + character.len_utf8()).ok_or(Fault::Syntax)?;
    Ok(character.encode_utf8(to).len())
}

/// The character of `\uXXXX`, or of two of them that are a surrogate pair; and what follows.
fn unicode(digits: &[u8]) -> Result<(char, &[u8]), Fault> {
    let (first, rest) = unit(digits)?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, rest));
    }
    let [b'\\', b'u', rest @ ..] = rest else {
        return Err(Fault::Surrogate);
    };
    let (second, rest) = unit(rest)?;
    if !(0xd800..0xdc00).contains(&first) || !(0xdc00..0xe000).contains(&second) {
        return Err(Fault::Surrogate);
    }
    let character = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Ok((char::from_u32(character).ok_or(Fault::Surrogate)?, rest))
}

fn unit(digits: &[u8]) -> Result<(u32, &[u8]), Fault> {
    let (digits, rest) = digits.split_first_chunk::<4>().ok_or(Fault::Syntax)?;
    let mut unit = 0;
    for digit in digits {
        unit = unit << 4 | char::from(*digit).to_digit(16).ok_or(Fault::Syntax)?;
    }
    Ok((unit, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> Result<String, Fault> {
        let mut scratch = Vec::new();
        let mut arena = Arena::new(&mut scratch, raw.len());
        arena.text(RawText { text: raw, escaped: true }).map(str::to_owned)
    }

    #[test]
    fn escapes_become_what_they_stand_for() {
        assert_eq!(text(r#"a\n\"\\\/\b\f\r\t\u0041\u00e9z"#).unwrap(), "a\n\"\\/\u{8}\u{c}\r\tA\u{e9}z");
        assert_eq!(text(r"\ud83d\ude00").unwrap(), "\u{1f600}");
        assert_eq!(text(r"\u0000").unwrap(), "\0");
    }

    #[test]
    fn half_a_surrogate_pair_is_refused() {
        for raw in [r"\ud83d", r"\ude00", r"\ud83dx", r"\ud83d\n", r"\ud83d\u0041", r"\ude00\ud83d"] {
            assert_eq!(text(raw), Err(Fault::Surrogate), "{raw}");
        }
    }

    #[test]
    fn the_scratch_suffices_for_base64_that_is_escaped() {
        let encoded = BASE64.encode([255; 30]).replace('/', r"\/");
        let mut scratch = Vec::new();
        let mut arena = Arena::new(&mut scratch, encoded.len());
        let raw = RawText { text: &encoded, escaped: true };
        assert_eq!(arena.base64(raw).unwrap(), Some(&[255; 30][..]));
    }
}
