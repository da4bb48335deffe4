//! Words about the link itself: they have no address and cost no credit.

use crate::field::{Field, choices};
use crate::limit::TEXT_BYTES_MAX;
use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Fault, Hello, Kind};

/// A word about the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word<'a> {
    /// The first frame each way, on stream 0.
    Hello(Hello<'a>),
    /// The peer's hello is taken.
    Accepted {
        /// The version that is spoken from here on, at least 1.
        version: u16,
        /// The features that both have.
        features: u64,
    },
    /// The peer's hello is not taken; the connection ends.
    Refusal {
        /// A [`HelloError`](crate::HelloError)'s number, or that of a newer version.
        number: u16,
        /// For people: what, and how to mend it.
        text: &'a str,
    },
    /// What the receiver of this stream takes.
    Window(Window),
    /// Answered by `Pong` on the same stream.
    Ping {
        /// Echoed.
        token: u64,
    },
    /// Answers `Ping`.
    Pong {
        /// The ping's.
        token: u64,
    },
    /// The last word: the sender ends the link.
    Goodbye {
        /// Why.
        reason: GoodbyeReason,
        /// The [`Fault`]'s number, where that is the reason; else 0.
        number: u16,
        /// For people.
        text: &'a str,
    },
}

/// What one end of a stream takes in all, counted from the stream's start; only ever rises. Words don't count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Bytes of frames, their prefixes included.
    pub bytes: u64,
    /// Frames.
    pub frames: u64,
}

/// Why a node ends a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoodbyeReason {
    /// The node stops.
    Stopping,
    /// The peer sent what is not a frame.
    Fault,
    /// Another link to the same node replaces this one.
    Replaced,
    /// The peer left the cluster's map.
    Removed,
}

choices! {
    GoodbyeReason { Stopping = 1, Fault = 2, Replaced = 3, Removed = 4 }
}

impl<'a> Word<'a> {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Hello(_) => Kind::Hello,
            Self::Accepted { .. } => Kind::Accepted,
            Self::Refusal { .. } => Kind::Refusal,
            Self::Window(_) => Kind::Window,
            Self::Ping { .. } => Kind::Ping,
            Self::Pong { .. } => Kind::Pong,
            Self::Goodbye { .. } => Kind::Goodbye,
        }
    }

    pub(crate) fn put(&self, sink: &mut Sink<'_>) {
        match self {
            Self::Hello(hello) => hello.put(sink),
            Self::Accepted { version, features } => {
                if *version == 0 {
                    sink.refuse(Fault::BadValue, "version");
                }
                sink.field(*version);
                sink.field(*features);
            }
            Self::Refusal { number, text } => {
                sink.field(*number);
                sink.text("text", TEXT_BYTES_MAX, text);
            }
            Self::Window(window) => {
                sink.field(window.bytes);
                sink.field(window.frames);
            }
            Self::Ping { token } | Self::Pong { token } => sink.field(*token),
            Self::Goodbye { reason, number, text } => {
                sink.field(*reason);
                sink.field(*number);
                sink.text("text", TEXT_BYTES_MAX, text);
            }
        }
    }

    pub(crate) fn take_accepted(source: &mut Source<'a>) -> Result<Self, DecodeError> {
        let version = source.field("version")?;
        if version == 0 {
            return Err(source.error(Fault::BadValue));
        }
        Ok(Self::Accepted { version, features: source.field("features")? })
    }

    pub(crate) fn take_refusal(source: &mut Source<'a>) -> Result<Self, DecodeError> {
        Ok(Self::Refusal { number: source.field("number")?, text: source.text("text", TEXT_BYTES_MAX)? })
    }

    pub(crate) fn take_window(source: &mut Source<'a>) -> Result<Self, DecodeError> {
        Ok(Self::Window(Window { bytes: source.field("bytes")?, frames: source.field("frames")? }))
    }

    pub(crate) fn take_goodbye(source: &mut Source<'a>) -> Result<Self, DecodeError> {
        Ok(Self::Goodbye {
            reason: source.field("reason")?,
            number: source.field("number")?,
            text: source.text("text", TEXT_BYTES_MAX)?,
        })
    }
}
