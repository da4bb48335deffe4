//! The head of each frame: what it is, which shard it concerns, and under which term of which slot it was said.
//!
//! ```text
//! byte  0  u32  length   bytes behind this field
//!       4  u8   kind
//!       5  u8   flags    bit 7: who does not know the kind skips the frame; the others are the kind's own
//!       6  u16  shard    of the node that holds the session: that asks, that is answered, that is named
//!       8  u32  term     of the slot, as the sender knows it; at most 2^24 - 1
//!      12  u64  room     its handle, whose top 12 bits are the slot; of a slot alone, the bits below are 0
//!      20  u32  number   the edge's, of a request and in what answers it; 0: no answer is awaited, or it answers nothing
//!      24  ...           what the kind says
//! ```
//!
//! There is one shard and not two: the owner's is arithmetic on the slot, and only the owner's node knows of how many
//! shards. What is for several shards begins with a set of them; what is for a slot's home names none.

use ringway_cluster::Term;
use ringway_core::Edges;
use ringway_protocol::RoomHandle;

use crate::limit::STREAMS;
use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Fault, delivery};

/// Bytes of a head, its length included.
pub const HEAD_BYTES: usize = 24;
/// Bytes of the length, which does not count itself.
pub(crate) const PREFIX_BYTES: usize = 4;
/// Flag: who does not know the kind skips the frame.
pub(crate) const SKIPPABLE: u8 = 0x80;
/// Where the slot begins in a handle.
const SLOT_SHIFT: u32 = 52;

/// Under what a frame is said: links and owners refuse it if they know a higher term of the slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The shard of the session, on the node that has it; 0 where none is named.
    pub shard: u16,
    /// The slot's term, as the sender knows it.
    pub term: Term,
    /// The slot, 0 to 4,095.
    pub slot: u16,
}

impl Address {
    /// The stream that frames of the slot take, 0 to 15: all that is said of a room is one FIFO each way.
    #[must_use]
    pub const fn stream(&self) -> u16 {
        self.slot % STREAMS
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $number:literal;)*) => {
        /// What a frame says.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "named as what they carry")]
        pub enum Kind {
            $($(#[$doc])* $variant = $number,)*
        }

        impl Kind {
            /// All, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// From the number on the wire.
            #[must_use]
            pub const fn from_u8(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    Hello = 0x01;
    Accepted = 0x02;
    Refusal = 0x03;
    Window = 0x04;
    Ping = 0x05;
    Pong = 0x06;
    Goodbye = 0x07;

    Join = 0x10;
    Leave = 0x11;
    Publish = 0x12;
    Pull = 0x13;
    History = 0x14;
    Presence = 0x15;
    Register = 0x16;
    Flush = 0x17;
    Ack = 0x18;

    Publication = 0x20;
    Joined = 0x21;
    JoinRefused = 0x22;
    Displaced = 0x23;
    Reply = 0x24;
    PublishedInPlace = 0x25;
    Page = 0x26;
    PresenceChanged = 0x27;
    Reset = 0x28;
    ApiAnswer = 0x29;
    Registered = 0x2a;
    Returned = 0x2b;
    Flushed = 0x2c;
    Record = 0x2d;
    PublishRefused = 0x2e;

    Disconnect = 0x30;
}

impl Kind {
    /// Whether the frame is about the link and not about rooms: it has no address and costs no credit.
    #[must_use]
    pub const fn is_word(self) -> bool {
        (self as u8) < 0x10
    }

    /// Whether it is a delivery for several shards of the node, which the frame names first.
    #[must_use]
    pub const fn is_for_many(self) -> bool {
        matches!(self, Self::Publication | Self::PresenceChanged | Self::Reset)
    }

    /// Whether the head is of no slot.
    const fn is_bare(self) -> bool {
        self.is_word() || matches!(self, Self::Disconnect)
    }

    /// Whether the head names a slot alone.
    const fn is_of_slot(self) -> bool {
        matches!(self, Self::Displaced | Self::ApiAnswer | Self::Flush | Self::Ack | Self::Flushed)
    }

    /// Whether the head names a shard of the session; in a publication only with this flag.
    const fn has_shard(self, flags: u8) -> bool {
        match self {
            Self::Publication => flags & delivery::EXCEPT != 0,
            Self::PresenceChanged | Self::Reset | Self::Record => false,
            _ => !self.is_bare(),
        }
    }

    /// Whether the head may have a number.
    const fn has_number(self) -> bool {
        !(self.is_bare() || self.is_for_many() || matches!(self, Self::Record))
    }
}

/// A frame's head, without its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The kind's number; [`Kind::from_u8`] knows those of this version.
    pub kind: u8,
    /// Bit 7: may be skipped; the rest is the kind's.
    pub flags: u8,
    /// The shard of the session that asks, is answered or is named; else 0.
    pub shard: u16,
    /// The slot's term.
    pub term: Term,
    /// The room, or its slot in the top 12 bits.
    pub room: RoomHandle,
    /// The edge's number of the request, or of the one that is answered.
    pub number: u32,
}

impl Head {
    /// Reads the head of one whole frame, prefix included, and nothing behind it: enough to pass the frame on.
    ///
    /// # Errors
    /// The length is not that of `frame`, or the term is above what a term can be.
    pub fn of(frame: &[u8]) -> Result<Self, DecodeError> {
        Self::take(&mut Source::new(frame), frame.len())
    }

    /// The kind, if this version knows it and the rest of the head is such as the kind has; `None`: skip the frame.
    ///
    /// # Errors
    /// The kind is not known and not to be skipped, or has no such flag or address.
    pub fn kind(&self) -> Result<Option<Kind>, DecodeError> {
        self.check(delivery::flags_of(self.kind))
    }

    /// Which shards of the receiving node a delivery is for, of the frame whose head this is; `None`: it is no delivery.
    ///
    /// # Errors
    /// The kind is not known and not to be skipped, or the set of shards is cut or empty.
    pub fn edges(&self, frame: &[u8]) -> Result<Option<Edges>, DecodeError> {
        let Some(kind) = self.kind()? else { return Ok(None) };
        let mut source = Source::at(frame, HEAD_BYTES)?;
        delivery::edges_of(kind, self, &mut source)
    }

    /// What frames about rooms are said under.
    #[must_use]
    pub const fn address(&self) -> Address {
        Address { shard: self.shard, term: self.term, slot: self.room.slot() }
    }

    pub(crate) fn take(source: &mut Source<'_>, frame_bytes: usize) -> Result<Self, DecodeError> {
        let length = source.field::<u32>("length")?;
        if PREFIX_BYTES.checked_add(length as usize) != Some(frame_bytes) {
            return Err(source.error(Fault::BadLength));
        }
        if frame_bytes < HEAD_BYTES {
            return Err(source.error(Fault::TooShort));
        }
        let kind = source.field("kind")?;
        let flags = source.field("flags")?;
        let shard = source.field("shard")?;
        let term = Term(u64::from(source.field::<u32>("term")?));
        if term > Term::MAX {
            return Err(source.error(Fault::BadValue));
        }
        let (room, number) = (source.field("room")?, source.field("number")?);
        Ok(Self { kind, flags, shard, term, room, number })
    }

    fn check(&self, flags: u8) -> Result<Option<Kind>, DecodeError> {
        let Some(kind) = Kind::from_u8(self.kind) else {
            let skippable = self.flags & SKIPPABLE != 0;
            return if skippable { Ok(None) } else { Err(UNKNOWN_KIND) };
        };
        if self.flags & !flags != 0 {
            return Err(UNKNOWN_FLAG);
        }
        let bare = self.address() == Address::default() && self.is_of_slot();
        let fits = (bare || !kind.is_bare())
            && (self.is_of_slot() || !kind.is_of_slot())
            && (self.shard == 0 || kind.has_shard(self.flags))
            && (self.number == 0 || kind.has_number());
        if fits { Ok(Some(kind)) } else { Err(BAD_ADDRESS) }
    }

    /// Whether the head names a slot and no room in it.
    pub(crate) const fn is_of_slot(&self) -> bool {
        self.room.0 == of_slot(self.room.slot()).0
    }

    /// Writes the head; the length is set when the frame is whole.
    pub(crate) fn put(&self, sink: &mut Sink<'_>) {
        if self.term > Term::MAX {
            sink.refuse(Fault::BadValue, "term");
        }
        sink.field(0u32);
        sink.field(self.kind);
        sink.field(self.flags);
        sink.field(self.shard);
        sink.field(self.term.0 as u32);
        sink.field(self.room);
        sink.field(self.number);
    }
}

const UNKNOWN_KIND: DecodeError = DecodeError { fault: Fault::UnknownKind, field: "kind", offset: 4 };
pub(crate) const UNKNOWN_FLAG: DecodeError =
    DecodeError { fault: Fault::UnknownFlag, field: "flags", offset: 5 };
pub(crate) const BAD_ADDRESS: DecodeError =
    DecodeError { fault: Fault::BadAddress, field: "address", offset: 6 };

/// What stands for a room where only its slot is meant.
pub(crate) const fn of_slot(slot: u16) -> RoomHandle {
    RoomHandle((slot as u64) << SLOT_SHIFT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_alone_keeps_its_slot_and_takes_its_stream() {
        for slot in [0, 1, 15, 16, 0xabc, 4095] {
            assert_eq!(of_slot(slot).slot(), slot);
            let address = Address { slot, ..Address::default() };
            assert_eq!(address.stream(), slot & 15);
        }
    }
}
