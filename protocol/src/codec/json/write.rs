//! The writer: appends JSON text to a buffer. Keys come with their punctuation as literals, so that a frame is a handful
//! of copies.

use base64::Engine as _;

use super::arena::BASE64;
use super::scan::{plain_run, whole_value};
use crate::{Body, BodyKind};

/// Appends one object's fields; the caller's literals hold the commas.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// JSON text as it is.
    pub(super) fn raw(&mut self, json: &str) -> &mut Self {
        self.out.extend_from_slice(json.as_bytes());
        self
    }

    pub(super) fn number(&mut self, mut number: u64) -> &mut Self {
        const DIGITS_MAX: usize = 20;
        let mut digits = [0; DIGITS_MAX];
        let mut at = DIGITS_MAX;
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
        self
    }

    /// 16 hex digits in quotes.
    pub(super) fn hex(&mut self, number: u64) -> &mut Self {
        let mut text = [b'"'; 18];
        for (digit, shift) in text[1..17].iter_mut().zip((0..16).rev()) {
            *digit = b"0123456789abcdef"[(number >> (4 * shift)) as usize & 15];
        }
        self.out.extend_from_slice(&text);
        self
    }

    pub(super) fn boolean(&mut self, value: bool) -> &mut Self {
        self.raw(if value { "true" } else { "false" })
    }

    /// A string in quotes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.out.push(b'"');
        let mut rest = text.as_bytes();
        loop {
            let (plain, special) = rest.split_at(plain_run(rest));
            self.out.extend_from_slice(plain);
            let Some((&byte, after)) = special.split_first() else {
                break;
            };
            match byte {
                b'"' => self.out.extend_from_slice(b"\\\""),
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                control => {
                    let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 15)];
                    self.out.extend_from_slice(&[
                        b'\\',
                        b'u',
                        b'0',
                        b'0',
                        digit(control >> 4),
                        digit(control),
                    ]);
                }
            }
            rest = after;
        }
        self.out.push(b'"');
        self
    }

    /// Base64 in quotes.
    pub(super) fn base64(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.push(b'"');
        let start = self.out.len();
        self.out.resize(start + bytes.len().div_ceil(3) * 4, 0);
        let written = BASE64.encode_slice(bytes, &mut self.out[start..]);
        self.out.truncate(start + written.unwrap_or(0));
        self.out.push(b'"');
        self
    }

    /// JSON text that somebody else made: as it is if it is one value, else as a string.
    pub(super) fn json_or_text(&mut self, json: &str) -> &mut Self {
        match whole_value(json) {
            Ok(value) => self.raw(value),
            Err(_) => self.text(json),
        }
    }

    /// The body's field with a comma before it; nothing without a body. A `json` body was validated at ingest and is
    /// spliced as it is.
    pub(super) fn body(&mut self, body: &Body<'_>) -> &mut Self {
        match body.kind {
            BodyKind::None => self,
            BodyKind::Json => {
                self.raw(",\"data\":");
                self.out.extend_from_slice(body.bytes);
                self
            }
            BodyKind::Text => match core::str::from_utf8(body.bytes) {
                Ok(text) => self.raw(",\"text\":").text(text),
                Err(_) => self.raw(",\"bytes\":").base64(body.bytes),
            },
            BodyKind::Bytes => self.raw(",\"bytes\":").base64(body.bytes),
        }
    }

    /// Elements in brackets, with commas between.
    pub(super) fn array<T>(&mut self, elements: &[T], mut write: impl FnMut(&mut Self, &T)) -> &mut Self {
        self.out.push(b'[');
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            write(self, element);
        }
        self.out.push(b']');
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl for<'w, 'o> FnOnce(&'w mut Writer<'o>) -> &'w mut Writer<'o>) -> String {
        let mut out = Vec::new();
        write(&mut Writer::new(&mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_have_all_their_digits() {
        for number in [0, 9, 10, 1_790_000_000_123_456, u64::MAX] {
            assert_eq!(written(|writer| writer.number(number)), number.to_string());
            assert_eq!(written(|writer| writer.hex(number)), format!("\"{number:016x}\""));
        }
    }

    #[test]
    fn every_character_of_a_string_comes_back() {
        let text: String = (0..0x300).chain([0x2028, 0xffff, 0x1_f600]).filter_map(char::from_u32).collect();
        let json = written(|writer| writer.text(&text));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        assert!(json.bytes().all(|byte| byte >= 0x20));
    }

    #[test]
    fn info_that_is_no_json_is_a_string_and_can_t_break_out() {
        let json = |info: &str| written(|writer| writer.json_or_text(info));
        assert_eq!(json(" {\"a\":1} "), "{\"a\":1}");
        assert_eq!(json("1},{"), "\"1},{\"");
    }
}
