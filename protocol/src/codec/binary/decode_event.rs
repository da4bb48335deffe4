//! Events from binary: what a client reads, and the router when it writes a stored frame's other form.

use flatbuffers::{ForwardsUOffset, Vector};
use ringway_schema as schema;
use schema::FrameKind;

use super::decode::{Frame, verify};
use crate::codec::DecodeError;
use crate::codec::error::error_code;
use crate::event::{
    ErrorEvent, Event, HistoryPage, Joined, Member, Message, Place, PresenceChanged, PresencePage, Published,
    Sender, SessionLimits, Welcome,
};
use crate::{Epoch, Offset, Position, RoomHandle, SessionId, UnixMicros, Version};

/// Reads one whole frame, size prefix included, as an event. The body of a `message` is not validated again: the server
/// did so when it was published.
///
/// # Errors
/// `bad_frame` if it is not a valid frame, `unknown_type` if its kind is not an event's (skip it: a newer server),
/// `bad_field` if something is missing.
pub fn decode_event(frame: &[u8]) -> Result<Event<'_>, DecodeError> {
    let frame = verify(frame)?;
    match frame.head.kind() {
        FrameKind::Message => message(frame).map(Event::Message),
        FrameKind::Published => published(frame).map(Event::Published),
        FrameKind::Pong => Ok(Event::Pong { id: frame.id(), time: UnixMicros(frame.head.time()) }),
        FrameKind::Welcome => welcome(frame).map(Event::Welcome),
        FrameKind::Refreshed => refreshed(frame),
        FrameKind::Joined => joined(frame).map(Event::Joined),
        FrameKind::Left => frame.room().map(|room| Event::Left { id: frame.id(), room }),
        FrameKind::HistoryPage => history(frame).map(Event::History),
        FrameKind::PresencePage => presence(frame).map(Event::Presence),
        FrameKind::PresenceChanged => presence_changed(frame).map(Event::PresenceChanged),
        FrameKind::Gap => gap(frame),
        FrameKind::Reset => reset(frame),
        FrameKind::Error => error(frame).map(Event::Error),
        FrameKind::Closing => closing(frame),
        _ => return Err(frame.unknown_type()),
    }
    .map_err(|error| error.id(frame.id()))
}

fn message(frame: Frame<'_>) -> Result<Message<'_>, DecodeError> {
    let head = frame.head;
    let lane = frame.lane()?;
    Ok(Message {
        room: None,
        handle: RoomHandle(head.handle()),
        lane,
        place: Place::of(lane, head.place()),
        time: UnixMicros(head.time()),
        from: Sender { user: frame.root.user(), session: SessionId(head.session()) },
        key: frame.root.key(),
        body: frame.body()?,
    })
}

fn published(frame: Frame<'_>) -> Result<Published<'_>, DecodeError> {
    Ok(Published {
        id: frame.id().ok_or(DecodeError::missing("id"))?,
        room: frame.room()?,
        epoch: epoch(&frame.detail()?)?,
        place: Place::of(frame.lane()?, frame.head.place()),
        time: UnixMicros(frame.head.time()),
        duplicate: frame.flag(),
    })
}

fn welcome(frame: Frame<'_>) -> Result<Welcome<'_>, DecodeError> {
    let detail = frame.detail()?;
    let limits = detail.limits().ok_or(DecodeError::missing("limits"))?;
    Ok(Welcome {
        id: frame.id(),
        session: SessionId(frame.head.session()),
        resume: detail.resume().ok_or(DecodeError::missing("resume"))?,
        user: frame.root.user().ok_or(DecodeError::missing("user"))?,
        node: detail.node().ok_or(DecodeError::missing("node"))?,
        time: UnixMicros(frame.head.time()),
        heartbeat_ms: detail.heartbeat_ms(),
        limits: SessionLimits {
            frame_bytes: limits.frame_bytes(),
            rooms: limits.rooms(),
            key_bytes: limits.key_bytes(),
            history_page: limits.history_page(),
            join_many: limits.join_many(),
        },
        features: detail.features().unwrap_or_default().iter().collect(),
        expires: detail.expires().map(UnixMicros),
    })
}

fn refreshed(frame: Frame<'_>) -> Result<Event<'_>, DecodeError> {
    let expires = frame.detail()?.expires().ok_or(DecodeError::missing("expires"))?;
    Ok(Event::Refreshed { id: frame.id(), expires: UnixMicros(expires) })
}

fn joined(frame: Frame<'_>) -> Result<Joined<'_>, DecodeError> {
    let detail = frame.detail()?;
    Ok(Joined {
        id: frame.id(),
        room: frame.room()?,
        handle: RoomHandle(frame.head.handle()),
        position: position(frame, &detail)?,
        version: Version(detail.version()),
        recovered: frame.flag(),
        replay: detail.replay(),
        count: detail.count(),
        members: members(detail.members())?,
    })
}

fn history(frame: Frame<'_>) -> Result<HistoryPage<'_>, DecodeError> {
    let detail = frame.detail()?;
    Ok(HistoryPage {
        id: frame.id(),
        room: frame.room()?,
        epoch: epoch(&detail)?,
        replay: detail.replay(),
        more: frame.flag(),
    })
}

fn presence(frame: Frame<'_>) -> Result<PresencePage<'_>, DecodeError> {
    let detail = frame.detail()?;
    Ok(PresencePage {
        id: frame.id(),
        room: frame.room()?,
        count: detail.count(),
        members: members(detail.members())?,
        cursor: detail.cursor(),
        partial: frame.flag(),
    })
}

fn presence_changed(frame: Frame<'_>) -> Result<PresenceChanged<'_>, DecodeError> {
    let detail = frame.detail()?;
    Ok(PresenceChanged {
        room: frame.room()?,
        count: detail.count(),
        joined: members(detail.members())?,
        left: members(detail.left())?,
        truncated: frame.flag(),
    })
}

fn gap(frame: Frame<'_>) -> Result<Event<'_>, DecodeError> {
    let to = Offset(frame.detail()?.to());
    Ok(Event::Gap { room: frame.room()?, from: Offset(frame.head.place()), to })
}

fn reset(frame: Frame<'_>) -> Result<Event<'_>, DecodeError> {
    let detail = frame.detail()?;
    Ok(Event::Reset {
        room: frame.room()?,
        position: position(frame, &detail)?,
        version: Version(detail.version()),
        reason: detail.reason().unwrap_or_default(),
    })
}

fn error(frame: Frame<'_>) -> Result<ErrorEvent<'_>, DecodeError> {
    let detail = frame.detail()?;
    Ok(ErrorEvent {
        id: frame.id(),
        room: frame.root.room(),
        code: error_code(detail.code(), detail.retry().unwrap_or_default()),
        retry_after_ms: detail.retry_after_ms(),
        message: detail.reason().unwrap_or_default(),
    })
}

fn closing(frame: Frame<'_>) -> Result<Event<'_>, DecodeError> {
    let detail = frame.detail()?;
    Ok(Event::Closing {
        code: detail.code(),
        reason: detail.reason().unwrap_or_default(),
        reconnect_after_ms: detail.reconnect_after_ms(),
    })
}

fn epoch(detail: &schema::Detail<'_>) -> Result<Epoch, DecodeError> {
    detail.epoch().map(Epoch).ok_or(DecodeError::missing("epoch"))
}

fn position(frame: Frame<'_>, detail: &schema::Detail<'_>) -> Result<Position, DecodeError> {
    Ok(Position { epoch: epoch(detail)?, offset: Offset(frame.head.place()) })
}

fn members<'a>(
    members: Option<Vector<'a, ForwardsUOffset<schema::Member<'a>>>>,
) -> Result<Vec<Member<'a>>, DecodeError> {
    members
        .unwrap_or_default()
        .iter()
        .map(|member| {
            let user = member.user().ok_or(DecodeError::missing("members.user"))?;
            Ok(Member { user, session: SessionId(member.session()), info: member.info() })
        })
        .collect()
}
