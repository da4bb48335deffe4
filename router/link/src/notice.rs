//! What nodes tell each other about rooms and slots beside requests and deliveries: who wants a room, who is in it, who
//! no longer owns it, and what goes along when it moves.

use ringway_core::SessionKey;
use ringway_protocol::limit::{INFO_BYTES_MAX, USER_BYTES_MAX};
use ringway_protocol::{Generation, Offset, Position, RoomHandle, SessionId, Version};

use crate::digest::MemberDigest;
use crate::field::{Field, choices};
use crate::limit::MEMBER_PAGE_MAX;
use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Fault, Kind, Term};

/// A word between nodes about a room or a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// To the owner: this node wants the room. The node's join: answered, then publications follow.
    Interest {
        /// Which room.
        handle: RoomHandle,
        /// Its name.
        room: &'a str,
        /// What the node holds of the room's order, if it held it before.
        held: Option<Position>,
    },
    /// From the owner: the node's interest is known from here on.
    InterestAnswer {
        /// Which room.
        handle: RoomHandle,
        /// Where the order stands; another epoch than the one held: positions held are void.
        position: Position,
        /// The newest version given: the floor of the other lanes.
        version: Version,
        /// The first offset of what was missed: from it to `position` follows here, before anything newer. Above the one
        /// after `held`: what lies between is gone.
        replay_from: Option<Offset>,
    },
    /// To the owner: nobody on this node wants the room any more.
    Disinterest {
        /// Which room.
        handle: RoomHandle,
    },
    /// A frame of the slot was not taken. The head has the term that the refusing node knows.
    Refused {
        /// What the frame was.
        kind: Kind,
        /// The term it came under.
        term: Term,
        /// Why not.
        reason: RefusalReason,
        /// The earliest useful retry; 0: as soon as the sender knows a newer term.
        retry_after_ms: u32,
    },
    /// To the owner: a summary of this node's members of the room; if it differs, the owner wants the set.
    MemberDigest {
        /// Which room.
        handle: RoomHandle,
        /// The summary.
        digest: MemberDigest,
    },
    /// To the owner: one page of all members that this node has in the room.
    MemberSet(MemberPage<'a>),
    /// From the old owner of a slot to the new one: one page of a room's state.
    Transfer {
        /// Which room.
        handle: RoomHandle,
        /// Of what.
        part: Part,
        /// Which page of this part of this room, from 0.
        sequence: u32,
        /// The part ends with it.
        last: bool,
        /// What the page holds is between the owners.
        page: &'a [u8],
    },
}

/// One page of the members that a node has in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPage<'a> {
    /// Which room.
    pub handle: RoomHandle,
    /// Which page of this set, from 0: page 0 begins the set anew.
    pub sequence: u32,
    /// The set ends with it: members that it did not name are gone.
    pub last: bool,
    /// At most [`MEMBER_PAGE_MAX`].
    pub members: Vec<MemberEntry<'a>>,
}

/// One member, as its edge knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberEntry<'a> {
    /// Which shard of the node holds the session.
    pub shard: u16,
    /// The session there.
    pub key: SessionKey,
    /// Its public id.
    pub id: SessionId,
    /// Its incarnation.
    pub generation: Generation,
    /// Its connection broke; it stays for a while.
    pub detached: bool,
    /// Its user.
    pub user: &'a str,
    /// What member lists show of them.
    pub info: Option<&'a str>,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// Its term is over: somebody owns the slot under a higher one.
    StaleTerm,
    /// This node does not own the slot.
    NotOwner,
    /// The owner is new and still learns who is interested.
    Registering,
    /// The slot is on its way to another owner.
    Moving,
}

/// What a page of a transfer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The reliable order: position and publications.
    History,
    /// Who is in the room.
    Members,
    /// Current values of the latest lane.
    Keys,
    /// The `msg_id`s that are remembered.
    Dedup,
}

choices! {
    RefusalReason { StaleTerm = 1, NotOwner = 2, Registering = 3, Moving = 4 }
    Part { History = 1, Members = 2, Keys = 3, Dedup = 4 }
}

impl Field<'_> for Kind {
    fn put(self, sink: &mut Sink<'_>) {
        (self as u8).put(sink);
    }

    fn take(source: &mut Source<'_>) -> Result<Self, DecodeError> {
        Self::from_u8(u8::take(source)?).ok_or(source.error(Fault::BadValue))
    }
}

impl Field<'_> for Term {
    fn put(self, sink: &mut Sink<'_>) {
        if self.0 > crate::limit::TERM_MAX {
            sink.refuse(Fault::BadValue, "term");
        }
        self.0.put(sink);
    }

    fn take(source: &mut Source<'_>) -> Result<Self, DecodeError> {
        let term = u32::take(source)?;
        if term > crate::limit::TERM_MAX { Err(source.error(Fault::BadValue)) } else { Ok(Self(term)) }
    }
}

impl<'a> Notice<'a> {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Interest { .. } => Kind::Interest,
            Self::InterestAnswer { .. } => Kind::InterestAnswer,
            Self::Disinterest { .. } => Kind::Disinterest,
            Self::Refused { .. } => Kind::Refused,
            Self::MemberDigest { .. } => Kind::MemberDigest,
            Self::MemberSet(_) => Kind::MemberSet,
            Self::Transfer { .. } => Kind::Transfer,
        }
    }

    /// The room; `None`: the head names a slot alone.
    pub(crate) const fn room(&self) -> Option<RoomHandle> {
        match self {
            Self::Interest { handle, .. }
            | Self::InterestAnswer { handle, .. }
            | Self::Disinterest { handle }
            | Self::MemberDigest { handle, .. }
            | Self::MemberSet(MemberPage { handle, .. })
            | Self::Transfer { handle, .. } => Some(*handle),
            Self::Refused { .. } => None,
        }
    }

    pub(crate) fn put(&self, sink: &mut Sink<'_>) {
        match self {
            Self::Interest { room, held, .. } => {
                sink.field(*held);
                sink.room(room);
            }
            Self::InterestAnswer { position, version, replay_from, .. } => {
                sink.field(*position);
                sink.field(*version);
                sink.field(*replay_from);
            }
            Self::Disinterest { .. } => {}
            Self::Refused { kind, term, reason, retry_after_ms } => {
                sink.field(*kind);
                sink.field(*term);
                sink.field(*reason);
                sink.field(*retry_after_ms);
            }
            Self::MemberDigest { digest, .. } => {
                sink.field(digest.members);
                sink.field(digest.hash);
            }
            Self::MemberSet(page) => page.put(sink),
            Self::Transfer { part, sequence, last, page, .. } => {
                sink.field(*part);
                sink.field(*sequence);
                sink.field(*last);
                sink.bytes(page);
            }
        }
    }

    pub(crate) fn take_interest(handle: RoomHandle, source: &mut Source<'a>) -> Result<Self, DecodeError> {
        Ok(Self::Interest { handle, held: source.field("held")?, room: source.room()? })
    }

    pub(crate) fn take_answer(handle: RoomHandle, source: &mut Source<'a>) -> Result<Self, DecodeError> {
        Ok(Self::InterestAnswer {
            handle,
            position: source.field("position")?,
            version: source.field("version")?,
            replay_from: source.field("replay_from")?,
        })
    }

    pub(crate) fn take_refused(source: &mut Source<'a>) -> Result<Self, DecodeError> {
        Ok(Self::Refused {
            kind: source.field("kind")?,
            term: source.field("term")?,
            reason: source.field("reason")?,
            retry_after_ms: source.field("retry_after_ms")?,
        })
    }

    pub(crate) fn take_digest(handle: RoomHandle, source: &mut Source<'a>) -> Result<Self, DecodeError> {
        let digest = MemberDigest { members: source.field("members")?, hash: source.field("hash")? };
        Ok(Self::MemberDigest { handle, digest })
    }

    pub(crate) fn take_transfer(handle: RoomHandle, source: &mut Source<'a>) -> Result<Self, DecodeError> {
        Ok(Self::Transfer {
            handle,
            part: source.field("part")?,
            sequence: source.field("sequence")?,
            last: source.field("last")?,
            page: source.rest(),
        })
    }
}

impl<'a> MemberPage<'a> {
    fn put(&self, sink: &mut Sink<'_>) {
        sink.field(self.sequence);
        sink.field(self.last);
        sink.list("members", MEMBER_PAGE_MAX, &self.members, |sink, member| member.put(sink));
    }

    pub(crate) fn take(handle: RoomHandle, source: &mut Source<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            handle,
            sequence: source.field("sequence")?,
            last: source.field("last")?,
            members: source.list("members", MEMBER_PAGE_MAX, MemberEntry::BYTES_MIN, |source| {
                MemberEntry::take(source)
            })?,
        })
    }
}

impl<'a> MemberEntry<'a> {
    const BYTES_MIN: usize = 2 + 8 + 8 + 8 + 1 + 2 + 1;

    fn put(&self, sink: &mut Sink<'_>) {
        sink.field(self.shard);
        sink.field(self.key);
        sink.field(self.id);
        sink.field(self.generation);
        sink.field(self.detached);
        sink.text("members", USER_BYTES_MAX, self.user);
        sink.text_if_any("members", INFO_BYTES_MAX, self.info);
    }

    fn take(source: &mut Source<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            shard: source.field("members")?,
            key: source.field("members")?,
            id: source.field("members")?,
            generation: source.field("members")?,
            detached: source.field("members")?,
            user: source.text("members", USER_BYTES_MAX)?,
            info: source.text_if_any("members", INFO_BYTES_MAX)?,
        })
    }
}
