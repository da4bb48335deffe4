//! Statuses of HTTP, and the heads of responses.

use super::fields::{Unusable, keep, malformed, read_fields, write_head};
use super::structured::{parse_string, write_string};
use crate::websocket::handshake::Refusal;
use core::fmt;

/// A status of HTTP: 100 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Status(u16);

impl Status {
    pub(super) const METHOD_NOT_ALLOWED: Self = Self(405);
    pub(super) const FIELDS_TOO_LARGE: Self = Self(431);
    /// For a protocol that is not spoken (RFC 9220 §3).
    pub(super) const NOT_IMPLEMENTED: Self = Self(501);

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether it is none yet, but the announcement of one.
    pub(super) const fn is_interim(self) -> bool {
        self.0 < 200
    }

    /// Whether a session stands with it.
    pub(super) const fn is_success(self) -> bool {
        matches!(self.0, 200..=299)
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.status())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Appends the head that accepts a session, with the protocol that was chosen among those offered.
pub(super) fn write_accept(protocol: Option<&str>, out: &mut Vec<u8>) {
    let mut chosen = String::new();
    // Draft 02 says its name; browsers of that time insist.
    let mut fields = vec![(":status", "200"), ("sec-webtransport-http3-draft", "draft02")];
    if let Some(protocol) = protocol {
        write_string(protocol, &mut chosen);
        fields.push(("wt-protocol", &chosen));
    }
    write_head(&fields, out);
}

/// Appends the head of a response without content.
pub(super) fn write_refuse(status: Status, out: &mut Vec<u8>) {
    let number = status.to_string();
    let mut fields = vec![(":status", &*number)];
    match status {
        Status::METHOD_NOT_ALLOWED => fields.push(("allow", "CONNECT")),
        Status(429 | 503) => fields.push(("retry-after", "1")),
        _ => {}
    }
    write_head(&fields, out);
}

/// Reads a response's field section: its status and the protocol that the server chose.
pub(super) fn parse_response(section: &[u8]) -> Result<(Status, Option<Box<str>>), Unusable> {
    let (mut status, mut chosen) = (None, None);
    read_fields(section, |name, value| match name {
        ":status" => keep(&mut status, value),
        "wt-protocol" => {
            // A second one voids the field, as does what is no string.
            let is_first = chosen.is_none();
            chosen = Some(core::str::from_utf8(value).ok().filter(|_| is_first).and_then(parse_string));
            Ok(())
        }
        _ if name.starts_with(':') => Err(malformed("a pseudo-header that is none of a response")),
        _ => Ok(()),
    })?;
    let number = status.filter(|status| status.len() == 3).and_then(|status| status.parse().ok());
    match number {
        Some(number @ 100..=599) if number != 101 => Ok((Status(number), chosen.flatten())),
        _ => Err(malformed("a response without a valid status")),
    }
}
