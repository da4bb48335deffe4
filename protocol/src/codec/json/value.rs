//! One field's value as it stands in the text, and what it can be read as.

use super::arena::{Arena, unescape};
use super::scan::{Fault, RawText, Scanner};
use crate::codec::DecodeError;

/// A scanned value: valid JSON without white space around.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    pub(super) raw: &'a str,
    /// The field's name, for errors.
    pub(super) name: &'static str,
}

impl<'a> Value<'a> {
    pub(super) fn error(self, message: &'static str) -> DecodeError {
        DecodeError::field(self.name, message)
    }

    fn fault(self, fault: Fault) -> DecodeError {
        self.error(fault.message())
    }

    fn raw_text(self) -> Result<RawText<'a>, DecodeError> {
        Scanner::new(self.raw).text().map_err(|_| self.error("must be a string"))
    }

    pub(super) fn text(self, arena: &mut Arena<'a>) -> Result<&'a str, DecodeError> {
        arena.text(self.raw_text()?).map_err(|fault| self.fault(fault))
    }

    pub(super) fn base64(self, arena: &mut Arena<'a>) -> Result<&'a [u8], DecodeError> {
        let bytes = arena.base64(self.raw_text()?).map_err(|fault| self.fault(fault))?;
        bytes.ok_or(self.error("must be base64"))
    }

    pub(super) fn u64(self) -> Result<u64, DecodeError> {
        const MESSAGE: &str = "must be a whole number from 0 on";
        let mut number = 0_u64;
        for digit in self.raw.bytes() {
            if !digit.is_ascii_digit() {
                return Err(self.error(MESSAGE));
            }
            number = number
                .checked_mul(10)
                .and_then(|number| number.checked_add(u64::from(digit - b'0')))
                .ok_or(self.error("is too large"))?;
        }
        Ok(number)
    }

    pub(super) fn u32(self) -> Result<u32, DecodeError> {
        u32::try_from(self.u64()?).map_err(|_| self.error("is too large"))
    }

    pub(super) fn u16(self) -> Result<u16, DecodeError> {
        u16::try_from(self.u64()?).map_err(|_| self.error("is too large"))
    }

    /// 16 hex digits.
    pub(super) fn hex(self) -> Result<u64, DecodeError> {
        let error = self.error("must be a string of 16 hex digits");
        let raw = self.raw_text().map_err(|_| error)?;
        let digits = <&[u8; 16]>::try_from(raw.text.as_bytes()).map_err(|_| error)?;
        digits.iter().try_fold(0, |number, digit| {
            let digit = char::from(*digit).to_digit(16).ok_or(error)?;
            Ok(number << 4 | u64::from(digit))
        })
    }

    pub(super) fn boolean(self) -> Result<bool, DecodeError> {
        match self.raw {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.error("must be true or false")),
        }
    }

    /// The elements of an array, each under the array's name; `check` is asked about their number before one more is
    /// taken.
    pub(super) fn elements(
        self,
        check: impl Fn(usize) -> Result<(), DecodeError>,
    ) -> Result<Vec<Value<'a>>, DecodeError> {
        let syntax = self.error("must be an array");
        let mut scanner = Scanner::new(self.raw);
        scanner.expect(b'[').map_err(|_| syntax)?;
        scanner.space();
        let mut elements = Vec::new();
        if scanner.take(b']') {
            return Ok(elements);
        }
        loop {
            check(elements.len() + 1)?;
            scanner.space();
            let raw = scanner.value().map_err(|fault| self.fault(fault))?;
            elements.push(Value { raw, name: self.name });
            scanner.space();
            if !scanner.take(b',') {
                return scanner.expect(b']').map_err(|_| syntax).map(|()| elements);
            }
        }
    }
}

/// Calls `member` with each key (unescaped) and value of the object that begins here. Says whether a value was too deep
/// to be checked: then it may not even be JSON.
pub(super) fn members<'a>(
    scanner: &mut Scanner<'a>,
    mut member: impl FnMut(&[u8], &'a str) -> Result<(), Fault>,
) -> Result<bool, Fault> {
    /// Longer keys are unknown for sure.
    const KNOWN_KEY_BYTES_MAX: usize = 32;

    let mut deep = false;
    scanner.expect(b'{')?;
    scanner.space();
    if scanner.take(b'}') {
        return Ok(deep);
    }
    loop {
        scanner.space();
        let key = scanner.key()?;
        let start = *scanner;
        let value = match scanner.value() {
            Err(Fault::Depth) => {
                deep = true;
                *scanner = start;
                scanner.deep_value()?
            }
            value => value?,
        };
        if key.escaped {
            let mut buffer = [0; KNOWN_KEY_BYTES_MAX];
            if let Ok(length) = unescape(key.text, &mut buffer) {
                member(&buffer[..length], value)?;
            }
        } else {
            member(key.text.as_bytes(), value)?;
        }
        scanner.space();
        if !scanner.take(b',') {
            return scanner.expect(b'}').map(|()| deep);
        }
    }
}

/// Declares the known fields of one kind of object: their values as they stand in the text, read in one pass, and a
/// method for each. `null` counts as absent, except in `data`.
macro_rules! fields {
    ($(#[$doc:meta])* $type:ident { $($field:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        struct $type<'a> {
            /// Some value was too deep to be checked.
            deep: bool,
            $($field: Option<&'a str>,)*
        }

        impl<'a> $type<'a> {
            /// Takes one object; unknown fields are skipped.
            fn scan(
                scanner: &mut $crate::codec::json::scan::Scanner<'a>,
            ) -> Result<Self, $crate::codec::json::scan::Fault> {
                let mut object = Self::default();
                object.deep = $crate::codec::json::value::members(scanner, |key, value| {
                    let field = match key {
                        $($name => &mut object.$field,)*
                        _ => return Ok(()),
                    };
                    match field.replace(value) {
                        Some(_) => Err($crate::codec::json::scan::Fault::Duplicate),
                        None => Ok(()),
                    }
                })?;
                Ok(object)
            }

            $(
                #[allow(dead_code, reason = "fields that two objects share are read through one of them")]
                fn $field(&self) -> Option<$crate::codec::json::value::Value<'a>> {
                    const NAME: &str = match core::str::from_utf8($name) {
                        Ok(name) => name,
                        Err(_) => panic!("field names are ASCII"),
                    };
                    let raw = self.$field.filter(|raw| *raw != "null" || NAME == "data")?;
                    Some($crate::codec::json::value::Value { raw, name: NAME })
                }
            )*
        }
    };
}
pub(super) use fields;
