//! How each type stands on the wire: little-endian, no padding; an enum is one byte, an option a byte 0 or 1 before it.

use std::rc::Rc;

use ringway_core::message::{Departure, SessionRef};
use ringway_core::record::Purpose;
use ringway_core::{SessionKey, message::ApiPublished};
use ringway_protocol::command::{HistoryFrom, Since};
use ringway_protocol::event::Place;
use ringway_protocol::{
    BodyKind, CloseCode, Epoch, ErrorCode, Format, Generation, Lane, NodeId, Offset, Position, RequestId,
    RoomHandle, SessionId, Version,
};

use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Fault};

/// One encoded frame of the protocol between clients and servers, which links carry and never look into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded<'a> {
    /// Which of the two formats.
    pub format: Format,
    /// Size prefix and flatbuffer, or the JSON text.
    pub bytes: &'a [u8],
}

impl Encoded<'_> {
    /// Format and length.
    pub(crate) const BYTES_MIN: usize = 5;
    /// The length alone, where the format is known.
    pub(crate) const KNOWN_BYTES_MIN: usize = 4;
}

/// What a link needs of the frames of a delivery: their bytes.
pub trait Forms {
    /// The form of this format, or of the only one that there is if none is asked for. Frames for more than one session
    /// are asked for as binary, which they always have, and those of a reply in the reply's format.
    fn form(&self, format: Option<Format>) -> Encoded<'_>;
}

impl Forms for Encoded<'_> {
    fn form(&self, _: Option<Format>) -> Encoded<'_> {
        *self
    }
}

impl<F: Forms> Forms for Rc<F> {
    fn form(&self, format: Option<Format>) -> Encoded<'_> {
        F::form(self, format)
    }
}

/// A type with one form on the wire.
pub(crate) trait Field<'a>: Sized {
    fn put(self, sink: &mut Sink<'_>);
    fn take(source: &mut Source<'a>) -> Result<Self, DecodeError>;
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Field<'_> for $type {
            fn put(self, sink: &mut Sink<'_>) {
                sink.bytes(&self.to_le_bytes());
            }

            fn take(source: &mut Source<'_>) -> Result<Self, DecodeError> {
                source.array().map(Self::from_le_bytes)
            }
        }
    )*};
}

integers!(u8 u16 u32 u64);

macro_rules! ids {
    ($($type:ident)*) => {$(
        impl Field<'_> for $type {
            fn put(self, sink: &mut Sink<'_>) {
                self.0.put(sink);
            }

            fn take(source: &mut Source<'_>) -> Result<Self, DecodeError> {
                u64::take(source).map(Self)
            }
        }
    )*};
}

ids!(Epoch Generation NodeId Offset RoomHandle SessionId Version);

/// Enums whose numbers are only the link's.
macro_rules! choices {
    ($($type:ident { $($variant:ident = $number:literal),* })*) => {$(
        impl Field<'_> for $type {
            fn put(self, sink: &mut Sink<'_>) {
                let number: u8 = match self {
                    $(Self::$variant => $number,)*
                };
                number.put(sink);
            }

            fn take(source: &mut Source<'_>) -> Result<Self, DecodeError> {
                match u8::take(source)? {
                    $($number => Ok(Self::$variant),)*
                    _ => Err(source.error(Fault::BadValue)),
                }
            }
        }
    )*};
}

pub(crate) use choices;

choices! {
    Format { Binary = 0, Json = 1 }
    Departure { Left = 0, Detached = 1 }
    Purpose { Standby = 0, Handover = 1 }
}

/// Enums that have their numbers from the protocol.
macro_rules! numbered {
    ($($type:ident, $bare:ty, $number:expr, $from:path;)*) => {$(
        impl Field<'_> for $type {
            fn put(self, sink: &mut Sink<'_>) {
                let number: fn($type) -> $bare = $number;
                number(self).put(sink);
            }

            fn take(source: &mut Source<'_>) -> Result<Self, DecodeError> {
                let number = <$bare>::take(source)?;
                $from(number).ok_or(source.error(Fault::BadValue))
            }
        }
    )*};
}

numbered! {
    Lane, u8, |lane| lane as u8, Lane::from_u8;
    BodyKind, u8, |kind| kind as u8, BodyKind::from_u8;
    ErrorCode, u16, ErrorCode::number, ErrorCode::from_number;
    CloseCode, u16, CloseCode::number, CloseCode::from_number;
    RequestId, u32, RequestId::get, RequestId::new;
}

impl Field<'_> for bool {
    fn put(self, sink: &mut Sink<'_>) {
        u8::from(self).put(sink);
    }

    fn take(source: &mut Source<'_>) -> Result<Self, DecodeError> {
        match u8::take(source)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(source.error(Fault::BadValue)),
        }
    }
}

impl<'a, T: Field<'a>> Field<'a> for Option<T> {
    fn put(self, sink: &mut Sink<'_>) {
        self.is_some().put(sink);
        if let Some(value) = self {
            value.put(sink);
        }
    }

    fn take(source: &mut Source<'a>) -> Result<Self, DecodeError> {
        if bool::take(source)? { T::take(source).map(Some) } else { Ok(None) }
    }
}

impl<'a, A: Field<'a>, B: Field<'a>> Field<'a> for (A, B) {
    fn put(self, sink: &mut Sink<'_>) {
        self.0.put(sink);
        self.1.put(sink);
    }

    fn take(source: &mut Source<'a>) -> Result<Self, DecodeError> {
        Ok((A::take(source)?, B::take(source)?))
    }
}

/// A byte that says which, and a number.
macro_rules! tagged {
    ($($type:ident { $($variant:ident($inner:ident) = $number:literal),* })*) => {$(
        impl Field<'_> for $type {
            fn put(self, sink: &mut Sink<'_>) {
                match self {
                    $(Self::$variant(value) => { ($number as u8).put(sink); value.put(sink); })*
                }
            }

            fn take(source: &mut Source<'_>) -> Result<Self, DecodeError> {
                match u8::take(source)? {
                    $($number => $inner::take(source).map(Self::$variant),)*
                    _ => Err(source.error(Fault::BadValue)),
                }
            }
        }
    )*};
}

tagged! {
    Since { Position(Position) = 0, Last(u32) = 1 }
    HistoryFrom { Before(Offset) = 0, After(Offset) = 1 }
    Place { Offset(Offset) = 0, Version(Version) = 1 }
}

/// Structs, field by field.
macro_rules! records {
    ($($type:ident { $($field:ident),* })*) => {$(
        impl Field<'_> for $type {
            fn put(self, sink: &mut Sink<'_>) {
                $(self.$field.put(sink);)*
            }

            fn take(source: &mut Source<'_>) -> Result<Self, DecodeError> {
                Ok(Self { $($field: Field::take(source)?),* })
            }
        }
    )*};
}

records! {
    Position { epoch, offset }
    SessionKey { index, reuse }
    SessionRef { key, id, generation, format }
    ApiPublished { epoch, place, duplicate }
}

impl<'a> Field<'a> for Encoded<'a> {
    fn put(self, sink: &mut Sink<'_>) {
        self.format.put(sink);
        sink.long_bytes("frame", self.bytes);
    }

    fn take(source: &mut Source<'a>) -> Result<Self, DecodeError> {
        Ok(Self { format: Field::take(source)?, bytes: source.long_bytes()? })
    }
}
