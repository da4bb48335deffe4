//! The request for a session (RFC 9220 §3, draft-ietf-webtrans-http3 §3.2) as a server reads it.

use super::Status;
use super::error::Wrong;
use super::fields::{Unusable, keep, malformed, read_fields};
use super::structured::parse_strings;
use crate::Format;
use crate::websocket::handshake::format_of_subprotocol;

/// A client asks for a WebTransport session. Whether it may have one is up to the path, the origin
/// ([`crate::websocket::handshake::OriginPolicy`]) and the room that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    authority: Box<str>,
    target: Box<str>,
    origin: Option<Box<str>>,
    protocols: Vec<Box<str>>,
}

impl Request {
    /// Name and perhaps port of the server, as the client knows it.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The target without its query, not decoded; begins with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    /// What follows the first `?`, not decoded.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// `Origin`: browsers send it, and a page can't forge it.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The protocols that the client offers (`WT-Available-Protocols`), in its order of preference; none when the
    /// field is not a list of strings.
    pub fn protocols(&self) -> impl Iterator<Item = &str> {
        self.protocols.iter().map(|name| &**name)
    }

    /// The format that the client prefers among those it offers by protocol.
    #[must_use]
    pub fn offered_format(&self) -> Option<Format> {
        self.protocols().find_map(format_of_subprotocol)
    }
}

/// What a request is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// For a session.
    Session(Request),
    /// For something that is not served, or in a way that is not.
    Other(Status),
}

/// Reads a request's field section.
pub(super) fn parse_request(section: &[u8]) -> Result<Asked, Wrong> {
    let mut slots = Slots::default();
    match read_fields(section, |name, value| slots.take(name, value)).and_then(|()| slots.judge()) {
        Ok(asked) => Ok(asked),
        Err(Unusable::TooLarge) => Ok(Asked::Other(Status::FIELDS_TOO_LARGE)),
        Err(Unusable::Wrong(wrong)) => Err(wrong),
    }
}

/// The fields that matter.
#[derive(Default)]
struct Slots {
    method: Option<Box<str>>,
    scheme: Option<Box<str>>,
    authority: Option<Box<str>>,
    target: Option<Box<str>>,
    protocol: Option<Box<str>>,
    origin: Option<Box<str>>,
    /// Of all lines, joined (RFC 9110 §5.3).
    protocols: Option<String>,
}

impl Slots {
    fn take(&mut self, name: &str, value: &[u8]) -> Result<(), Unusable> {
        match name {
            ":method" => keep(&mut self.method, value),
            ":scheme" => keep(&mut self.scheme, value),
            ":authority" => keep(&mut self.authority, value),
            ":path" => keep(&mut self.target, value),
            ":protocol" => keep(&mut self.protocol, value),
            "origin" => keep(&mut self.origin, value),
            "wt-available-protocols" => {
                // What is not ASCII voids the field when it is read.
                let value = String::from_utf8_lossy(value);
                match &mut self.protocols {
                    Some(lines) => *lines = format!("{lines}, {value}"),
                    None => self.protocols = Some(value.into_owned()),
                }
                Ok(())
            }
            _ if name.starts_with(':') => Err(malformed("a pseudo-header that is none of a request")),
            _ => Ok(()),
        }
    }

    fn judge(self) -> Result<Asked, Unusable> {
        let method = self.method.ok_or(malformed("a request without method"))?;
        if &*method != "CONNECT" {
            if self.protocol.is_some() || self.scheme.is_none() || self.target.is_none() {
                return Err(malformed("a request has not the pseudo-headers that it must have"));
            }
            return Ok(Asked::Other(Status::METHOD_NOT_ALLOWED));
        }
        // The second is the token of the latest drafts; the same is meant.
        if !matches!(self.protocol.as_deref(), Some("webtransport" | "webtransport-h3")) {
            return Ok(Asked::Other(Status::NOT_IMPLEMENTED));
        }
        let (Some(authority), Some(target), Some("https")) =
            (self.authority, self.target, self.scheme.as_deref())
        else {
            return Err(malformed("a request has not the pseudo-headers that it must have"));
        };
        if authority.is_empty() || !target.starts_with('/') {
            return Err(malformed("a request without authority or path"));
        }
        let protocols = self.protocols.and_then(|lines| parse_strings(&lines)).unwrap_or_default();
        Ok(Asked::Session(Request { authority, target, origin: self.origin, protocols }))
    }
}
