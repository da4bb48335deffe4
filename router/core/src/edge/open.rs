//! A session begins.

use ringway_protocol::event::{SessionLimits, Welcome};
use ringway_protocol::{ErrorCode, Event, Format, Generation, RequestId, SessionId, limit};

use super::{Phase, Session};
use crate::access::Identity;
use crate::bucket::Bucket;
use crate::frame::Encoder;
use crate::outbox::{Kind, Outbox};
use crate::time::Now;
use crate::{SessionKey, Shard};

/// A verified `hello`.
#[derive(Clone, Debug)]
pub struct Open<'a> {
    /// The request's id.
    pub id: Option<RequestId>,
    /// The session's public id: new, or the resumed one's.
    pub session: SessionId,
    /// Its incarnation: higher than any before.
    pub generation: Generation,
    /// Who it is.
    pub identity: Identity,
    /// How it wants its frames.
    pub format: Format,
    /// The secret told in `welcome`.
    pub resume: &'a str,
    /// The rim's own index, given back by [`Shard::connection_of`].
    pub connection: u32,
    /// Whether the transport carries values apart from the stream ([`Shard::poll_values`]).
    pub values_apart: bool,
    /// Whether the transport can give a room a stream of its own.
    pub room_streams: bool,
}

impl<E: Encoder> Shard<E> {
    /// Opens a session and queues its `welcome`.
    ///
    /// # Errors
    /// `ShardFull`, when the shard holds as many sessions as it may.
    pub fn handle_open(&mut self, now: Now, open: Open<'_>) -> Result<SessionKey, ErrorCode> {
        let limits = &self.settings.limits;
        if self.edge.sessions.len() >= limits.sessions_max as usize {
            self.count_error(ErrorCode::ShardFull);
            return Err(ErrorCode::ShardFull);
        }
        let entry = self.edge.sessions.vacant_entry();
        let index = entry.key();
        if self.edge.reuses.len() <= index {
            self.edge.reuses.resize(index + 1, 0);
        }
        let key = SessionKey { index: index as u32, reuse: self.edge.reuses[index] };
        let welcome = Event::Welcome(Welcome {
            id: open.id,
            session: open.session,
            resume: open.resume,
            user: &open.identity.user,
            node: &self.settings.node,
            time: now.unix,
            heartbeat_ms: self.settings.heartbeat_ms,
            limits: SessionLimits {
                frame_bytes: limits.frame_bytes_max,
                rooms: limits.session_rooms_max,
                key_bytes: limit::KEY_BYTES_MAX as u32,
                history_page: limit::HISTORY_PAGE_MAX,
                join_many: limit::JOIN_MANY_MAX as u32,
            },
            features: vec!["latest", "unreliable", "presence", "history", "resume"],
            expires: open.identity.expires,
        });
        let frame = self.encoder.reply(&welcome, open.format);
        entry.insert(Session {
            key,
            id: open.session,
            generation: open.generation,
            identity: open.identity,
            format: open.format,
            phase: Phase::Open,
            dirty: false,
            connection: open.connection,
            room_streams: open.room_streams.then(Vec::new),
            outbox: Outbox::with_values_apart(open.values_apart),
            memberships: Vec::new(),
            seats: 0,
            catching_up: 0,
            refusals: 0,
            bucket: Bucket::new(now.monotonic, limits.work_burst),
            go: None,
            tick_at: None,
        });
        self.counters.sessions_opened += 1;
        self.push(now, key, frame, Kind::Control);
        self.schedule_session(now, key);
        self.settle(now);
        Ok(key)
    }

    /// The rim's own index of a session.
    #[must_use]
    pub fn connection_of(&self, session: SessionKey) -> Option<u32> {
        Some(self.edge.session(session)?.connection)
    }

    /// A newer token of the same user, verified by the rim.
    pub fn handle_refresh(
        &mut self,
        now: Now,
        session: SessionKey,
        id: Option<RequestId>,
        identity: Identity,
    ) {
        let Some(open) = self.edge.session_mut(session).filter(|session| session.phase == Phase::Open) else {
            return;
        };
        if open.identity.user != identity.user {
            self.refuse(now, session, id, None, ErrorCode::TokenUser);
            self.settle(now);
            return;
        }
        let expires = identity.expires.unwrap_or_default();
        open.identity = identity;
        self.answer(now, session, &Event::Refreshed { id, expires });
        self.schedule_session(now, session);
        self.settle(now);
    }
}
