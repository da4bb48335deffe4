//! HTTP's rules for the fields of a message (RFC 9114 §4.2, §4.3), the same for requests and responses.

use super::error::{Code, Fault, Wrong};
use super::frame::FRAME_HEADERS;
use super::qpack::{Fields, Unreadable, write_field, write_prefix};
use super::record::write_record;

/// Why the fields of a message are of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// They are larger than we said that we take.
    TooLarge,
    /// They break the rules.
    Wrong(Wrong),
}

/// A message that breaks the rules for messages: ends its stream (RFC 9114 §4.1.2).
pub(super) const fn malformed(text: &'static str) -> Unusable {
    Unusable::Wrong(Wrong::Stream(Fault::new(Code::MessageError, text)))
}

/// Gives out the fields of a section one by one: name in lower case, value.
pub(super) fn read_fields(
    section: &[u8],
    mut take: impl FnMut(&str, &[u8]) -> Result<(), Unusable>,
) -> Result<(), Unusable> {
    let unreadable = |unreadable| match unreadable {
        Unreadable::TooLarge => Unusable::TooLarge,
        Unreadable::Fault(fault) => Unusable::Wrong(Wrong::Connection(fault)),
    };
    let mut pseudo_allowed = true;
    for field in Fields::new(section).map_err(unreadable)? {
        let (name, value) = field.map_err(unreadable)?;
        let name = core::str::from_utf8(&name).map_err(|_| malformed("the name of a field is not ASCII"))?;
        let plain = name.strip_prefix(':').unwrap_or(name);
        if plain.is_empty() || !plain.bytes().all(is_name_byte) {
            return Err(malformed("the name of a field is not in lower case, or none"));
        }
        if value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
            return Err(malformed("the value of a field has a line break or NUL"));
        }
        if plain.len() == name.len() {
            pseudo_allowed = false;
        } else if !pseudo_allowed {
            return Err(malformed("a pseudo-header stands behind a field"));
        }
        match name {
            "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "upgrade" => {
                return Err(malformed("a field of HTTP/1.1"));
            }
            "te" if &*value != b"trailers" => return Err(malformed("a field of HTTP/1.1")),
            _ => take(name, &value)?,
        }
    }
    Ok(())
}

/// Token characters of RFC 9110 §5.6.2, without capitals.
const fn is_name_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9')
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Keeps a value that may stand only once and is visible ASCII.
pub(super) fn keep(slot: &mut Option<Box<str>>, value: &[u8]) -> Result<(), Unusable> {
    if slot.is_some() {
        return Err(malformed("a field stands twice"));
    }
    if !value.iter().all(|byte| matches!(byte, 0x21..=0x7e)) {
        return Err(malformed("a value is not visible ASCII"));
    }
    *slot = core::str::from_utf8(value).ok().map(Box::from);
    Ok(())
}

/// Appends a HEADERS frame; pseudo-headers come first.
pub(super) fn write_head(fields: &[(&str, &str)], out: &mut Vec<u8>) {
    let mut section = Vec::new();
    write_prefix(&mut section);
    for (name, value) in fields {
        write_field(name, value, &mut section);
    }
    write_record(FRAME_HEADERS, &section, out);
}
