//! Why there is no connection: it could not be made, or it ended.

use std::fmt;
use std::sync::Arc;

use crate::target::BadUrl;

/// Why a connection could not be made.
#[derive(Clone, Debug)]
pub enum ConnectFault {
    /// The URL is of no use.
    Url(BadUrl),
    /// The URL wants a certificate, and nothing says which one to trust.
    NoTrust,
    /// What is to be trusted, or the name in the URL, is of no use to TLS.
    Tls(String),
    /// The host has no address.
    Unresolved {
        /// As in the URL.
        host: Box<str>,
        /// The resolver's words.
        reason: String,
    },
    /// The server's certificate is not trusted.
    Certificate(String),
    /// Somebody answered who does not speak the protocol.
    Protocol(String),
    /// The server does not take the upgrade.
    Refused(String),
    /// Nobody answered in time.
    TimedOut,
    /// The network or the system.
    Unreachable(Arc<std::io::Error>),
}

impl fmt::Display for ConnectFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(fault) => fault.fmt(formatter),
            Self::NoTrust => formatter.write_str(
                "the URL wants a certificate: say which to trust (roots, a fingerprint, or any for tests)",
            ),
            Self::Tls(reason) => write!(formatter, "TLS can't be set up: {reason}"),
            Self::Unresolved { host, reason } => write!(formatter, "{host} has no address: {reason}"),
            Self::Certificate(reason) => {
                write!(formatter, "the server's certificate is not trusted: {reason}")
            }
            Self::Protocol(reason) => write!(formatter, "the server does not speak the protocol: {reason}"),
            Self::Refused(reason) => write!(formatter, "the server refused: {reason}"),
            Self::TimedOut => formatter.write_str("nobody answered in time"),
            Self::Unreachable(reason) => write!(formatter, "the server can't be reached: {reason}"),
        }
    }
}

impl std::error::Error for ConnectFault {}

impl From<BadUrl> for ConnectFault {
    fn from(fault: BadUrl) -> Self {
        Self::Url(fault)
    }
}

/// The network's and TLS' errors, told apart.
impl From<std::io::Error> for ConnectFault {
    fn from(fault: std::io::Error) -> Self {
        if fault.kind() == std::io::ErrorKind::TimedOut {
            return Self::TimedOut;
        }
        match fault.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(reason)) => Self::Certificate(reason.to_string()),
            Some(reason) => Self::Tls(reason.to_string()),
            None => Self::Unreachable(Arc::new(fault)),
        }
    }
}

/// How a connection ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// It never came to be.
    NotConnected(ConnectFault),
    /// The server closed it and said why.
    Closed {
        /// A [`CloseCode`](ringway_protocol::CloseCode), a code of WebSocket's own, or the operator's.
        code: u16,
        /// For people.
        reason: Box<str>,
    },
    /// It broke, or the server broke the protocol.
    Lost(Box<str>),
    /// This end closed it.
    Left,
}

impl Ending {
    /// The server's close code, if it gave one.
    #[must_use]
    pub const fn code(&self) -> Option<u16> {
        match self {
            Self::Closed { code, .. } => Some(*code),
            _ => None,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected(fault) => fault.fmt(formatter),
            Self::Closed { code, reason } if reason.is_empty() => {
                write!(formatter, "closed by the server: {code}{}", Named(*code))
            }
            Self::Closed { code, reason } => {
                write!(formatter, "closed by the server: {code}{}: {reason}", Named(*code))
            }
            Self::Lost(reason) => write!(formatter, "the connection was lost: {reason}"),
            Self::Left => formatter.write_str("closed by this end"),
        }
    }
}

/// The name of a code that has one.
struct Named(u16);

impl fmt::Display for Named {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ringway_protocol::CloseCode::from_number(self.0) {
            Some(code) => write!(formatter, " {}", code.name()),
            None => Ok(()),
        }
    }
}
