//! The head of each frame: what it is, which shard it concerns, and under which term of which slot it was said.
//!
//! ```text
//! byte  0  u32  length   bytes behind this field
//!       4  u8   kind
//!       5  u8   flags    bit 7: who does not know the kind skips the frame; the others are the kind's own
//!       6  u16  shard    of the node that holds the session or the interest, whichever end that is
//!       8  u32  term     of the slot, as the sender knows it; at most 2^24 - 1
//!      12  u64  room     its handle, whose top 12 bits are the slot; of a slot alone, the bits below are 0
//!      20  ...           what the kind says
//! ```
//!
//! There is one shard and not two: the owner's is arithmetic on the slot, and only the owner's node knows of how many
//! shards. Words about the link itself have zeros for shard, term and room.

use ringway_protocol::RoomHandle;

use crate::limit::{STREAMS, TERM_MAX};
use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Fault, delivery};

/// Bytes of a head, its length included.
pub const HEAD_BYTES: usize = 20;
/// Bytes of the length, which does not count itself.
pub(crate) const PREFIX_BYTES: usize = 4;
/// Flag: who does not know the kind skips the frame.
pub(crate) const SKIPPABLE: u8 = 0x80;
/// Where the slot begins in a handle.
const SLOT_SHIFT: u32 = 52;

/// Incarnation of a slot's ownership: the higher one wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u32);

/// Under what a frame is said: links and owners refuse it if they know a higher term of the slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The shard of the session or interest, on the node that has it.
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

    Interest = 0x30;
    InterestAnswer = 0x31;
    Disinterest = 0x32;
    Refused = 0x33;
    MemberDigest = 0x34;
    MemberSet = 0x35;
    Transfer = 0x36;
}

impl Kind {
    /// Whether the frame is about the link and not about rooms: it has no address and costs no credit.
    #[must_use]
    pub const fn is_word(self) -> bool {
        (self as u8) < 0x10
    }

    /// Whether the head names a slot alone.
    const fn is_of_slot(self) -> bool {
        matches!(self, Self::Displaced | Self::ApiAnswer | Self::Refused)
    }
}

/// A frame's head, without its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The kind's number; [`Kind::from_u8`] knows those of this version.
    pub kind: u8,
    /// Bit 7: may be skipped; the rest is the kind's.
    pub flags: u8,
    /// The shard of the session or interest.
    pub shard: u16,
    /// The slot's term.
    pub term: Term,
    /// The room, or its slot in the top 12 bits.
    pub room: RoomHandle,
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
        let term = Term(source.field("term")?);
        if term.0 > TERM_MAX {
            return Err(source.error(Fault::BadValue));
        }
        Ok(Self { kind, flags, shard, term, room: source.field("room")? })
    }

    fn check(&self, flags: u8) -> Result<Option<Kind>, DecodeError> {
        let Some(kind) = Kind::from_u8(self.kind) else {
            let skippable = self.flags & SKIPPABLE != 0;
            return if skippable { Ok(None) } else { Err(UNKNOWN_KIND) };
        };
        if self.flags & !flags != 0 {
            return Err(UNKNOWN_FLAG);
        }
        let addressed = self.address() != Address::default() || !self.is_of_slot();
        if kind.is_word() && addressed || kind.is_of_slot() && !self.is_of_slot() {
            return Err(BAD_ADDRESS);
        }
        Ok(Some(kind))
    }

    /// Whether the head names a slot and no room in it.
    pub(crate) const fn is_of_slot(&self) -> bool {
        self.room.0 == of_slot(self.room.slot()).0
    }

    /// Writes the head; the length is set when the frame is whole.
    pub(crate) fn put(&self, sink: &mut Sink<'_>) {
        if self.term.0 > TERM_MAX {
            sink.refuse(Fault::BadValue, "term");
        }
        sink.field(0u32);
        sink.field(self.kind);
        sink.field(self.flags);
        sink.field(self.shard);
        sink.field(self.term.0);
        sink.field(self.room);
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
