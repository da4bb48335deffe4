//! A record shown as the event it was made of, for those who read the protocol's vocabulary.

use ringway_protocol::event;
use ringway_protocol::{Body, Event, RequestId};

use super::record::Heard;

fn members(sessions: &[ringway_protocol::SessionId]) -> Vec<event::Member<'_>> {
    sessions.iter().map(|session| event::Member { user: "", session: *session, info: None }).collect()
}

impl Heard {
    /// Shows the event to `use_it`; users and texts that no record keeps are empty.
    pub fn with_event<R>(&self, use_it: impl FnOnce(&Event<'_>) -> R) -> R {
        let number = |id: &Option<u32>| id.and_then(RequestId::new);
        let event = match self {
            Self::Welcome { id, session, resume, heartbeat_ms, limits } => Event::Welcome(event::Welcome {
                id: number(id),
                session: *session,
                resume,
                user: "",
                node: "",
                time: ringway_protocol::UnixMicros(0),
                heartbeat_ms: *heartbeat_ms,
                limits: *limits,
                features: Vec::new(),
                expires: None,
            }),
            Self::Refreshed { id } => {
                Event::Refreshed { id: number(id), expires: ringway_protocol::UnixMicros(0) }
            }
            Self::Joined(joined) => Event::Joined(event::Joined {
                id: number(&joined.id),
                room: &joined.room,
                handle: joined.handle,
                position: joined.position,
                version: joined.version,
                recovered: joined.recovered,
                replay: joined.replay,
                count: joined.count,
                members: members(&joined.members),
            }),
            Self::Left { id, room } => Event::Left { id: number(id), room },
            Self::Published(published) => {
                let Some(id) = RequestId::new(published.id) else {
                    return use_it(&Event::Left { id: None, room: "" });
                };
                Event::Published(event::Published {
                    id,
                    room: &published.room,
                    epoch: published.epoch,
                    place: published.place,
                    time: ringway_protocol::UnixMicros(0),
                    duplicate: published.duplicate,
                })
            }
            Self::History(page) => Event::History(event::HistoryPage {
                id: number(&page.id),
                room: &page.room,
                epoch: page.epoch,
                replay: page.replay,
                more: page.more,
            }),
            Self::Presence(page) => Event::Presence(event::PresencePage {
                id: number(&page.id),
                room: &page.room,
                count: page.count,
                members: members(&page.members),
                cursor: page.cursor,
                partial: false,
            }),
            Self::Pong { id } => Event::Pong { id: number(id), time: ringway_protocol::UnixMicros(0) },
            Self::Message(said) => Event::Message(event::Message {
                room: None,
                handle: said.handle,
                lane: said.lane,
                place: said.place,
                time: said.time,
                from: event::Sender { user: said.user.as_deref(), session: said.session },
                key: said.key.as_deref(),
                body: Body { kind: said.kind, bytes: &said.body },
            }),
            Self::PresenceChanged(changed) => Event::PresenceChanged(event::PresenceChanged {
                room: &changed.room,
                count: changed.count,
                joined: members(&changed.joined),
                left: members(&changed.left),
                truncated: changed.truncated,
            }),
            Self::Gap { room, from, to } => Event::Gap { room, from: *from, to: *to },
            Self::Reset { room, position, version } => {
                Event::Reset { room, position: *position, version: *version, reason: "" }
            }
            Self::Error { id, room, code, retry_after_ms } => Event::Error(event::ErrorEvent {
                id: number(id),
                room: room.as_deref(),
                code: *code,
                retry_after_ms: *retry_after_ms,
                message: "",
            }),
            Self::Closing { code, reconnect_after_ms } => {
                Event::Closing { code: *code, reason: "", reconnect_after_ms: *reconnect_after_ms }
            }
        };
        use_it(&event)
    }
}
