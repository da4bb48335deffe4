//! The types a key can have: how each is read from what was written, and how it is written back.
//!
//! Durations and sizes carry their unit (`"5s"`, `"64KiB"`): a bare number is refused, because nobody can tell later
//! what it meant.

use std::ops::RangeInclusive;

use super::raw::Raw;

/// A type of key.
pub trait Value: Clone + PartialEq + Sized {
    /// Reads what was written.
    ///
    /// # Errors
    /// What was expected instead, with an example.
    fn read(raw: &Raw) -> Result<Self, String>;

    /// As it stands in TOML.
    fn show(&self) -> String;
}

/// Checks a value against what its key allows.
///
/// # Errors
/// The bounds, as they would be written.
pub fn within<T: Value + PartialOrd>(value: &T, range: &RangeInclusive<T>) -> Result<(), String> {
    if range.contains(value) {
        return Ok(());
    }
    Err(format!("must be from {} to {}", range.start().show(), range.end().show()))
}

impl Value for bool {
    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Boolean(value) => Ok(*value),
            Raw::Loose(text) => match text.as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err("must be true or false".into()),
            },
            _ => Err("must be true or false, without quotes".into()),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Value for $type {
            fn read(raw: &Raw) -> Result<Self, String> {
                let number: Option<i128> = match raw {
                    Raw::Integer(number) => Some(i128::from(*number)),
                    Raw::Loose(text) => text.replace('_', "").parse().ok(),
                    _ => None,
                };
                number.ok_or_else(|| "must be a whole number, without quotes or unit".to_string())?
                    .try_into().map_err(|_| format!("must be from 0 to {}", Self::MAX))
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

integers!(u8, u16, u32, u64);

impl Value for String {
    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) | Raw::Loose(text) => Ok(text.clone()),
            _ => Err("must be text in quotes".into()),
        }
    }

    fn show(&self) -> String {
        quoted(self)
    }
}

/// TOML's basic string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for symbol in text.chars() {
        match symbol {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            symbol if symbol.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(symbol))),
            symbol => out.push(symbol),
        }
    }
    out.push('"');
    out
}

/// A length of time, in microseconds; written with its unit: `"50us"`, `"250ms"`, `"5s"`, `"10m"`, `"1h"`, `"2d"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub u64);

const SPAN_UNITS: &[(&str, u64)] = &[
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

impl Span {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds * 1_000_000)
    }

    /// So many milliseconds.
    #[must_use]
    pub const fn ms(milliseconds: u64) -> Self {
        Self(milliseconds * 1_000)
    }

    /// In whole milliseconds.
    #[must_use]
    pub const fn as_ms(self) -> u64 {
        self.0 / 1_000
    }

    /// As the standard library has it.
    #[must_use]
    pub const fn duration(self) -> std::time::Duration {
        std::time::Duration::from_micros(self.0)
    }
}

impl Value for Span {
    fn read(raw: &Raw) -> Result<Self, String> {
        let mend =
            || "must be a time with its unit: \"250ms\", \"5s\", \"10m\", \"1h\" or \"2d\"".to_string();
        let (Raw::Text(text) | Raw::Loose(text)) = raw else { return Err(mend()) };
        scaled(text, SPAN_UNITS).map(Self).ok_or_else(mend)
    }

    fn show(&self) -> String {
        quoted(&unscaled(self.0, SPAN_UNITS, "s"))
    }
}

/// A number of bytes; written with its unit: `"512B"`, `"64KiB"`, `"4MiB"`, `"2GiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

const SIZE_UNITS: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Size {
    /// So many KiB.
    #[must_use]
    pub const fn kib(kib: u64) -> Self {
        Self(kib << 10)
    }

    /// So many MiB.
    #[must_use]
    pub const fn mib(mib: u64) -> Self {
        Self(mib << 20)
    }
}

impl Value for Size {
    fn read(raw: &Raw) -> Result<Self, String> {
        let mend = || "must be a size with its unit: \"512B\", \"64KiB\", \"4MiB\" or \"2GiB\"".to_string();
        let (Raw::Text(text) | Raw::Loose(text)) = raw else { return Err(mend()) };
        scaled(text, SIZE_UNITS).map(Self).ok_or_else(mend)
    }

    fn show(&self) -> String {
        quoted(&unscaled(self.0, SIZE_UNITS, "B"))
    }
}

/// `"5s"` as a number of the smallest unit. Zero needs no unit.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    if text == "0" {
        return Some(0);
    }
    let digits = text.find(|symbol: char| !symbol.is_ascii_digit() && symbol != '_')?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.replace('_', "").parse().ok()?;
    let (_, scale) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.checked_mul(*scale)
}

/// In the largest unit that leaves no rest.
fn unscaled(value: u64, units: &[(&str, u64)], zero: &str) -> String {
    if value == 0 {
        return format!("0{zero}");
    }
    units
        .iter()
        .find(|(_, scale)| value.is_multiple_of(*scale))
        .map(|(name, scale)| format!("{}{name}", value / scale))
        .unwrap_or_else(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Raw {
        Raw::Text(text.into())
    }

    #[test]
    fn a_duration_is_written_back_in_its_largest_whole_unit() {
        for (written, milliseconds, shown) in [
            ("90s", 90_000, "\"90s\""),
            ("120s", 120_000, "\"2m\""),
            ("0", 0, "\"0s\""),
            ("48h", 172_800_000, "\"2d\""),
        ] {
            let span = Span::read(&text(written)).unwrap();
            assert_eq!(span, Span::ms(milliseconds));
            assert_eq!(span.show(), shown);
        }
    }

    #[test]
    fn a_bare_number_is_no_duration_and_no_size() {
        assert!(Span::read(&Raw::Integer(5)).is_err());
        assert!(Span::read(&text("5")).is_err());
        assert!(Size::read(&text("64")).is_err());
        assert!(Size::read(&text("64KB")).is_err());
    }

    #[test]
    fn a_size_too_large_for_the_type_is_refused_and_does_not_wrap() {
        assert!(Size::read(&text("18446744073709551615GiB")).is_err());
        assert_eq!(Size::read(&text("4MiB")).unwrap(), Size::mib(4));
    }

    #[test]
    fn text_with_quotes_and_control_characters_reads_back_as_it_was() {
        let wild = "a\"b\\c\nd\u{1}e".to_string();
        let line = format!("key = {}", wild.show());
        let table: toml::Table = line.parse().unwrap();
        assert_eq!(table["key"].as_str(), Some(wild.as_str()));
    }

    #[test]
    fn an_integer_out_of_its_type_says_the_bounds() {
        assert_eq!(u16::read(&Raw::Integer(70_000)), Err("must be from 0 to 65535".into()));
        assert_eq!(u16::read(&Raw::Integer(-1)), Err("must be from 0 to 65535".into()));
    }
}
