//! Commands from binary: what a server reads.

use ringway_schema as schema;
use schema::FrameKind;

use super::decode::{Frame, verify};
use crate::codec::{DecodeError, body, check};
use crate::command::{
    Command, Hello, History, HistoryFrom, Join, JoinMany, KnownVersion, Leave, Presence, Publish, Refresh,
    Since,
};
use crate::{Epoch, Offset, Position, RequestId, Version};

/// Reads one whole frame, size prefix included, as a command.
///
/// # Errors
/// `bad_frame` if it is not a valid frame, `unknown_type` if its kind is not a command's, and what the rules of the
/// vocabulary refuse; all but the first carry the request's id.
pub fn decode_command(frame: &[u8]) -> Result<Command<'_>, DecodeError> {
    let frame = verify(frame)?;
    let command = match frame.head.kind() {
        FrameKind::Publish => publish(frame).map(Command::Publish),
        FrameKind::Ping => Ok(Command::Ping { id: frame.id() }),
        FrameKind::Hello => hello(frame).map(Command::Hello),
        FrameKind::Refresh => refresh(frame).map(Command::Refresh),
        FrameKind::Join => join(frame).map(Command::Join),
        FrameKind::JoinMany => join_many(frame).map(Command::JoinMany),
        FrameKind::Leave => leave(frame).map(Command::Leave),
        FrameKind::History => history(frame).map(Command::History),
        FrameKind::Presence => presence(frame).map(Command::Presence),
        _ => return Err(frame.unknown_type()),
    }
    .map_err(|error| error.id(frame.id()))?;
    check::command(&command)?;
    Ok(command)
}

fn hello(frame: Frame<'_>) -> Result<Hello<'_>, DecodeError> {
    let detail = frame.detail()?;
    Ok(Hello {
        id: frame.id(),
        protocol: detail.protocol(),
        token: detail.token(),
        client: detail.client(),
        resume: detail.resume(),
    })
}

fn refresh(frame: Frame<'_>) -> Result<Refresh<'_>, DecodeError> {
    let token = frame.detail()?.token().ok_or(DecodeError::missing("token"))?;
    Ok(Refresh { id: frame.id(), token })
}

fn join(frame: Frame<'_>) -> Result<Join<'_>, DecodeError> {
    let Some(joins) = frame.detail()?.joins() else {
        return Err(DecodeError::missing("joins"));
    };
    if joins.len() != 1 {
        return Err(DecodeError::field("joins", "a join names one room, join_many several"));
    }
    one_join(frame.id(), joins.get(0))
}

fn join_many(frame: Frame<'_>) -> Result<JoinMany<'_>, DecodeError> {
    let joins = frame.detail()?.joins().unwrap_or_default();
    check::rooms(joins.len())?;
    let rooms = joins.iter().map(|join| one_join(frame.id(), join)).collect::<Result<_, _>>()?;
    Ok(JoinMany { id: frame.id(), rooms })
}

fn one_join(id: Option<RequestId>, join: schema::Join<'_>) -> Result<Join<'_>, DecodeError> {
    let since = match (join.epoch(), join.last()) {
        (None, None) => None,
        (None, Some(last)) => Some(Since::Last(last)),
        (Some(epoch), None) => {
            Some(Since::Position(Position { epoch: Epoch(epoch), offset: Offset(join.offset()) }))
        }
        (Some(_), Some(_)) => return Err(DecodeError::field("since", "either epoch and offset, or last")),
    };
    let versions = join.versions().unwrap_or_default();
    check::versions(versions.len())?;
    Ok(Join {
        id,
        room: check::room(join.room().ok_or(DecodeError::missing("room"))?)?,
        since,
        versions: versions
            .iter()
            .map(|known| KnownVersion {
                user: known.user(),
                key: known.key().unwrap_or_default(),
                version: Version(known.version()),
            })
            .collect(),
        presence: join.presence(),
        stream: join.stream(),
    })
}

fn leave(frame: Frame<'_>) -> Result<Leave<'_>, DecodeError> {
    Ok(Leave { id: frame.id(), room: check::room(frame.room()?)? })
}

fn publish(frame: Frame<'_>) -> Result<Publish<'_>, DecodeError> {
    let detail = frame.root.detail();
    let epoch = detail.and_then(|detail| detail.epoch());
    Ok(Publish {
        id: frame.id(),
        room: check::room(frame.room()?)?,
        body: body::check(frame.body()?)?,
        lane: frame.lane()?,
        key: frame.root.key(),
        msg_id: detail.and_then(|detail| detail.msg_id()).map(|bytes| bytes.bytes()),
        retry: epoch.map(|epoch| Position { epoch: Epoch(epoch), offset: Offset(frame.head.place()) }),
        echo: !frame.flag(),
    })
}

fn history(frame: Frame<'_>) -> Result<History<'_>, DecodeError> {
    let offset = Offset(frame.head.place());
    Ok(History {
        id: frame.id(),
        room: check::room(frame.room()?)?,
        from: if frame.flag() { HistoryFrom::After(offset) } else { HistoryFrom::Before(offset) },
        limit: frame.detail()?.limit(),
    })
}

fn presence(frame: Frame<'_>) -> Result<Presence<'_>, DecodeError> {
    Ok(Presence {
        id: frame.id(),
        room: check::room(frame.room()?)?,
        cursor: frame.root.detail().and_then(|detail| detail.cursor()),
    })
}
