//! Deliveries as bytes. What an owner says most, a publication, has fixed places:
//!
//! ```text
//! byte  5  flags    bits 0-1: the lane; bit 2: `except` is there
//!       6  u16      shard of the session in `except`, else 0
//!      12  u64      room
//!      24  u64      edges: the shards that it is for, a bit for each number modulo 64
//!      32  u64      place: an offset, on the other lanes a version
//!      40  u32      members
//!      44  u64      key_tag, not on the reliable lane
//!       .  u32 u32  except: index and reuse of a session, if the flag says so
//!       .  ...      the `message` frame, binary, to the end
//! ```
//!
//! Each kind goes one way: to several shards, which it names first; to the slot's home (records); or to one shard, the
//! head's.

mod put;
mod take;

use ringway_core::{Delivery, Edges, SessionKey, ShardId, Told};
use ringway_protocol::{Lane, RoomHandle};

use crate::field::{Encoded, Forms};
use crate::head::{UNKNOWN_FLAG, of_slot};
use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Fault, Head, Kind, record};

const LANE: u8 = 0x03;
pub(crate) const EXCEPT: u8 = 0x04;
/// Flag of a reply: the head names a room.
const IN_ROOM: u8 = 0x01;

const fn kind<S>(delivery: &Delivery<S>) -> Kind {
    match delivery {
        Delivery::Publication { .. } => Kind::Publication,
        Delivery::Joined(_) => Kind::Joined,
        Delivery::JoinRefused { .. } => Kind::JoinRefused,
        Delivery::PublishRefused { .. } => Kind::PublishRefused,
        Delivery::Displaced { .. } => Kind::Displaced,
        Delivery::Reply { .. } => Kind::Reply,
        Delivery::PublishedInPlace { .. } => Kind::PublishedInPlace,
        Delivery::Page(_) => Kind::Page,
        Delivery::PresenceChanged { .. } => Kind::PresenceChanged,
        Delivery::Reset { .. } => Kind::Reset,
        Delivery::ApiAnswer { .. } => Kind::ApiAnswer,
        Delivery::Registered(_) => Kind::Registered,
        Delivery::Returned(_) => Kind::Returned,
        Delivery::Flushed => Kind::Flushed,
        Delivery::Record(_) => Kind::Record,
    }
}

/// The flags that frames of this kind may have.
pub(crate) const fn flags_of(kind: u8) -> u8 {
    const PUBLICATION: u8 = Kind::Publication as u8;
    const REPLY: u8 = Kind::Reply as u8;
    match kind {
        PUBLICATION => LANE | EXCEPT,
        REPLY => IN_ROOM,
        _ => 0,
    }
}

const fn flags<S>(delivery: &Delivery<S>) -> u8 {
    match delivery {
        Delivery::Publication { lane, except, .. } => *lane as u8 | if except.is_some() { EXCEPT } else { 0 },
        Delivery::Reply { room: Some(_), .. } => IN_ROOM,
        _ => 0,
    }
}

/// The room; `None`: the head names a slot alone.
fn room<S>(delivery: &Delivery<S>) -> Option<RoomHandle> {
    match delivery {
        Delivery::Joined(joined) => Some(joined.handle),
        Delivery::Page(page) => Some(page.handle),
        Delivery::Registered(registered) => Some(registered.handle),
        Delivery::JoinRefused { handle, .. }
        | Delivery::PublishRefused { handle, .. }
        | Delivery::PublishedInPlace { handle, .. }
        | Delivery::Publication { handle, .. }
        | Delivery::PresenceChanged { handle, .. }
        | Delivery::Reset { handle, .. } => Some(*handle),
        Delivery::Reply { room, .. } => *room,
        Delivery::Returned(request) => crate::request::room(request),
        Delivery::Record(record) => record::room(record),
        Delivery::Displaced { .. } | Delivery::ApiAnswer { .. } | Delivery::Flushed => None,
    }
}

/// The shard in the head: the one that it is for, or that of the session that does not get a publication.
pub(crate) const fn shard<S>(told: &Told<S>) -> u16 {
    match (told.edges, &told.delivery) {
        (_, Delivery::Publication { except: Some((ShardId(shard), _)), .. }) => *shard,
        (Edges::One(ShardId(shard)), _) => shard,
        _ => 0,
    }
}

/// Writes a whole frame but its length.
pub(crate) fn put<S: Forms>(told: &Told<S>, sink: &mut Sink<'_>) {
    let Told { slot, edges, term, answers, delivery } = told;
    let kind = kind(delivery);
    let room = room(delivery).unwrap_or(of_slot(*slot));
    if room.slot() != *slot {
        sink.refuse(Fault::BadAddress, "room");
    }
    let head = Head {
        kind: kind as u8,
        flags: flags(delivery),
        shard: shard(told),
        term: *term,
        room,
        number: *answers,
    };
    head.put(sink);
    put_edges(kind, *edges, sink);
    if *answers != 0 && !matches!(edges, Edges::One(_)) {
        sink.refuse(Fault::BadAddress, "number");
    }
    put::body(delivery, sink);
}

/// Writes whom it is for, where the head does not say it.
fn put_edges(kind: Kind, edges: Edges, sink: &mut Sink<'_>) {
    match edges {
        Edges::Many(bits) if kind.is_for_many() && bits != 0 => sink.field(bits),
        Edges::Home if kind == Kind::Record => {}
        Edges::One(_) if !kind.is_for_many() && kind != Kind::Record => {}
        _ => sink.refuse(Fault::BadAddress, "edges"),
    }
}

/// Reads a delivery of this kind.
pub(crate) fn take<'a>(
    kind: Kind,
    head: &Head,
    source: &mut Source<'a>,
) -> Result<Told<Encoded<'a>>, DecodeError> {
    let edges = edges_of(kind, head, source)?.ok_or(source.error(Fault::BadValue))?;
    let delivery = take::body(kind, head, source)?;
    Ok(Told { slot: head.room.slot(), edges, term: head.term, answers: head.number, delivery })
}

/// Reads whom a frame is for; `None`: it is no delivery.
pub(crate) fn edges_of(
    kind: Kind,
    head: &Head,
    source: &mut Source<'_>,
) -> Result<Option<Edges>, DecodeError> {
    if kind.is_for_many() {
        let bits = source.field("edges")?;
        return if bits == 0 { Err(source.error(Fault::BadValue)) } else { Ok(Some(Edges::Many(bits))) };
    }
    let is_delivery = Kind::Joined as u8 <= kind as u8 && kind as u8 <= Kind::PublishRefused as u8;
    Ok(is_delivery.then(|| if kind == Kind::Record { Edges::Home } else { Edges::One(ShardId(head.shard)) }))
}

/// The lane of a publication, in its flags.
fn lane(head: &Head) -> Result<Lane, DecodeError> {
    Lane::from_u8(head.flags & LANE).ok_or(UNKNOWN_FLAG)
}

/// The session that does not get a publication.
fn take_except(head: &Head, source: &mut Source<'_>) -> Result<Option<(ShardId, SessionKey)>, DecodeError> {
    if head.flags & EXCEPT == 0 {
        return Ok(None);
    }
    Ok(Some((ShardId(head.shard), source.field("except")?)))
}
