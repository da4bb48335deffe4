//! Field sections as QPACK (RFC 9204) has them without a dynamic table: we announce none, so that a peer can use only
//! the static one and literals, and no stream waits for another. What we send is never Huffman-coded.
//!
//! Bounds: a section's size, counted as RFC 9114 §4.2.2 does (name + value + 32 bytes for each field), is at most
//! [`HTTP_HEADER_BYTES_MAX`]; memory is linear in what was received.

mod huffman;
mod integer;
mod table;

use std::borrow::Cow;

use super::error::{Code, Fault};
use crate::limit::HTTP_HEADER_BYTES_MAX;
use huffman::decode_huffman;
use integer::{take_integer, write_integer};

/// What a field costs over its name and value.
const FIELD_OVERHEAD_BYTES: usize = 32;

/// Name and value. Nothing is said about what they contain.
pub(super) type Field<'b> = (Cow<'b, [u8]>, Cow<'b, [u8]>);

/// Why a section is not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is larger than we said that we take.
    TooLarge,
    /// It is not QPACK, or refers to a dynamic table: ends the connection.
    Fault(Fault),
}

const fn failed(text: &'static str) -> Unreadable {
    Unreadable::Fault(Fault::new(Code::DecompressionFailed, text))
}

const CUT: Unreadable = failed("a field section is cut");
const DYNAMIC: Unreadable = failed("a field section refers to a dynamic table");

/// The fields of one section; after an error it ends.
#[derive(Clone, Debug)]
pub(super) struct Fields<'b> {
    rest: &'b [u8],
    bytes_left: usize,
}

impl<'b> Fields<'b> {
    /// Of an encoded section, prefix included (RFC 9204 §4.5.1).
    pub(super) fn new(section: &'b [u8]) -> Result<Self, Unreadable> {
        let mut rest = section;
        // Required insert count, then base.
        if take_integer(&mut rest, 8).ok_or(CUT)? != 0 {
            return Err(DYNAMIC);
        }
        take_integer(&mut rest, 7).ok_or(CUT)?;
        Ok(Self { rest, bytes_left: HTTP_HEADER_BYTES_MAX })
    }

    /// One field line (RFC 9204 §4.5.2 to §4.5.6).
    fn line(&mut self, first: u8) -> Result<Field<'b>, Unreadable> {
        self.charge(FIELD_OVERHEAD_BYTES)?;
        let field = match first >> 4 {
            0b1100..=0b1111 => {
                let (name, value) = self.entry(6)?;
                (Cow::Borrowed(name.as_bytes()), Cow::Borrowed(value.as_bytes()))
            }
            0b0101 | 0b0111 => {
                let (name, _) = self.entry(4)?;
                (Cow::Borrowed(name.as_bytes()), self.string(7)?)
            }
            0b0010 | 0b0011 => (self.string(3)?, self.string(7)?),
            _ => return Err(DYNAMIC),
        };
        self.charge(field.0.len() + field.1.len())?;
        Ok(field)
    }

    fn charge(&mut self, bytes: usize) -> Result<(), Unreadable> {
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(Unreadable::TooLarge)?;
        Ok(())
    }

    fn entry(&mut self, bits: u8) -> Result<(&'static str, &'static str), Unreadable> {
        let index = take_integer(&mut self.rest, bits).ok_or(CUT)?;
        table::STATIC.get(index as usize).copied().ok_or(failed("no such entry in the static table"))
    }

    /// A string whose length has this many bits in its first byte, below the bit for Huffman (RFC 9204 §4.1.2).
    fn string(&mut self, bits: u8) -> Result<Cow<'b, [u8]>, Unreadable> {
        let is_huffman = self.rest.first().ok_or(CUT)? >> bits & 1 == 1;
        let length = take_integer(&mut self.rest, bits).ok_or(CUT)?;
        let (string, rest) = self.rest.split_at_checked(length as usize).ok_or(CUT)?;
        self.rest = rest;
        if !is_huffman {
            return Ok(Cow::Borrowed(string));
        }
        let mut decoded = Vec::new();
        decode_huffman(string, &mut decoded).map_err(|_| failed("a string is not Huffman-coded"))?;
        Ok(Cow::Owned(decoded))
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = Result<Field<'b>, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.line(*self.rest.first()?);
        if line.is_err() {
            self.rest = &[];
        }
        Some(line)
    }
}

/// Appends the prefix of a section that needs no dynamic table.
pub(super) fn write_prefix(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, 0]);
}

/// Appends a field by the shortest form that needs no dynamic table and no Huffman code. The name is in lower case.
pub(super) fn write_field(name: &str, value: &str, out: &mut Vec<u8>) {
    if let Some(index) = table::index_of(name, value) {
        return write_integer(index, 6, 0b1100_0000, out);
    }
    if let Some(index) = table::index_of_name(name) {
        write_integer(index, 4, 0b0101_0000, out);
    } else {
        write_integer(name.len() as u64, 3, 0b0010_0000, out);
        out.extend_from_slice(name.as_bytes());
    }
    write_integer(value.len() as u64, 7, 0, out);
    out.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
mod tests;
