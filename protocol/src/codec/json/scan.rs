//! JSON's grammar (RFC 8259) in one pass: finds where a value ends, and thereby that it is one.
//!
//! Input is UTF-8 already checked. No recursion: the open brackets are bits of one word. A value is at most 32 brackets
//! deep; the frame's own bracket is not counted here, its fields are scanned one by one.

use crate::limit::JSON_DEPTH_MAX;

/// Why it is not JSON as we take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::codec) enum Fault {
    /// Not the grammar.
    Syntax,
    /// More than 32 open brackets.
    Depth,
    /// One value ended and something followed.
    Trailing,
    /// The same known field twice.
    Duplicate,
    /// `\uD800` to `\uDFFF` without its other half.
    Surrogate,
}

impl Fault {
    pub(in crate::codec) const fn message(self) -> &'static str {
        match self {
            Self::Syntax => "is not valid JSON",
            Self::Depth => "is deeper than 32 brackets",
            Self::Trailing => "is more than one JSON value",
            Self::Duplicate => "names a field twice",
            Self::Surrogate => "has half of a surrogate pair",
        }
    }
}

const _: () = assert!(JSON_DEPTH_MAX == 32, "the messages say 32");
const _: () = assert!(JSON_DEPTH_MAX <= u64::BITS as usize, "the brackets are bits of a word");

/// The one value that the text is, without the white space around it.
pub(in crate::codec) fn whole_value(text: &str) -> Result<&str, Fault> {
    let mut scanner = Scanner::new(text);
    scanner.space();
    let value = scanner.value()?;
    scanner.end()?;
    Ok(value)
}

/// What stands between the quotes of a string.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawText<'a> {
    pub(super) text: &'a str,
    /// Whether a backslash is in it.
    pub(super) escaped: bool,
}

/// A place in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// What was taken since; places are always beside ASCII.
    fn since(&self, start: usize) -> Result<&'a str, Fault> {
        self.text.get(start..self.at).ok_or(Fault::Syntax)
    }

    /// Takes the byte if it is the next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.take(byte) { Ok(()) } else { Err(Fault::Syntax) }
    }

    /// Skips white space.
    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Nothing but white space follows.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(Fault::Trailing) }
    }

    /// Takes one value that begins here.
    pub(super) fn value(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        let mut objects = 0_u64;
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if depth == JSON_DEPTH_MAX {
                        return Err(Fault::Depth);
                    }
                    let object = bracket == b'{';
                    self.at += 1;
                    self.space();
                    if !self.take(if object { b'}' } else { b']' }) {
                        depth += 1;
                        objects = objects << 1 | u64::from(object);
                        if object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b'"') => {
                    self.text()?;
                }
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => return Err(Fault::Syntax),
            }
            loop {
                if depth == 0 {
                    return self.since(start);
                }
                self.space();
                let object = objects & 1 == 1;
                if self.take(b',') {
                    self.space();
                    if object {
                        self.key()?;
                    }
                    break;
                }
                self.expect(if object { b'}' } else { b']' })?;
                depth -= 1;
                objects >>= 1;
            }
        }
    }

    /// Takes one value that is too deep to be checked: to the bracket that closes its first one, whatever is between.
    pub(super) fn deep_value(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.text()?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth = depth.checked_sub(1).ok_or(Fault::Syntax)?,
                Some(_) => {}
                None => return Err(Fault::Syntax),
            }
            self.at += 1;
            if depth == 0 {
                return self.since(start);
            }
        }
    }

    /// Takes a key, its colon and the white space around; the value follows.
    pub(super) fn key(&mut self) -> Result<RawText<'a>, Fault> {
        let key = self.text()?;
        self.space();
        self.expect(b':')?;
        self.space();
        Ok(key)
    }

    /// Takes a string with its quotes.
    pub(super) fn text(&mut self) -> Result<RawText<'a>, Fault> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain_run(self.rest());
            match self.peek() {
                Some(b'"') => {
                    let text = self.since(start)?;
                    self.at += 1;
                    return Ok(RawText { text, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                        Some(b'u') => {
                            let digits = self.rest().get(1..5).ok_or(Fault::Syntax)?;
                            if !digits.iter().all(u8::is_ascii_hexdigit) {
                                return Err(Fault::Syntax);
                            }
                            self.at += 5;
                        }
                        _ => return Err(Fault::Syntax),
                    }
                }
                _ => return Err(Fault::Syntax),
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Fault> {
        if !self.rest().starts_with(word) {
            return Err(Fault::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'-') {
                self.take(b'+');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Fault::Syntax) }
    }
}

/// How many bytes at the start are neither a quote, a backslash nor a control character.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        // High bit of each byte that is 0 (or below 0x20); a borrow can only falsify bytes above the first hit.
        let hits = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let hits = hits & HIGHS;
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_run_ends_at_the_first_special_byte_wherever_it_stands() {
        for special in 0..=255 {
            let is_special = matches!(special, b'"' | b'\\' | 0..0x20);
            for length in 0..20 {
                for at in 0..length {
                    let mut bytes = vec![0xc3; length];
                    bytes[at] = special;
                    let expected = if is_special { at } else { length };
                    assert_eq!(plain_run(&bytes), expected, "{special:#x} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn a_value_ends_where_its_last_bracket_does() {
        for (text, value) in [
            (" [1, {\"a\": [\"]\"]}] ", "[1, {\"a\": [\"]\"]}]"),
            ("-0.5e+10", "-0.5e+10"),
            ("\"\\u00e9\\\"\"", "\"\\u00e9\\\"\""),
            ("\ttrue\r\n", "true"),
        ] {
            assert_eq!(whole_value(text), Ok(value));
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for text in [
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "0x1",
            "tru",
            "nullx",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12",
            "[1 2]",
            "{1:2}",
        ] {
            assert!(whole_value(text).is_err(), "{text}");
        }
    }
}
