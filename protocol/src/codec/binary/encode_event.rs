//! Events to binary: what a server says.

use flatbuffers::{ForwardsUOffset, Vector, WIPOffset};
use ringway_schema as schema;
use schema::FrameKind;

use super::encode::{BinaryEncoder, Head, Root};
use crate::event::{
    ErrorEvent, Event, HistoryPage, Joined, Member, Message, Place, PresenceChanged, PresencePage, Published,
    Welcome,
};
use crate::{BodyKind, Lane, RequestId, UnixMicros};

type Members = WIPOffset<Vector<'static, ForwardsUOffset<schema::Member<'static>>>>;

impl BinaryEncoder {
    /// The frame of an event, size prefix included; valid until the next call.
    pub fn event(&mut self, event: &Event<'_>) -> &[u8] {
        self.builder.reset();
        match event {
            Event::Message(event) => self.message(event),
            Event::Published(event) => self.published(event),
            Event::Welcome(event) => self.welcome(event),
            Event::Refreshed { id, expires } => self.refreshed(*id, *expires),
            Event::Joined(event) => self.joined(event),
            Event::Left { id, room } => {
                self.finish(Root { room: Some(room), ..Root::new(Head::new(FrameKind::Left, *id)) })
            }
            Event::History(event) => self.history_page(event),
            Event::Presence(event) => self.presence_page(event),
            Event::Pong { id, time } => self.finish(Root::new(Head::new(FrameKind::Pong, *id).time(time.0))),
            Event::PresenceChanged(event) => self.presence_changed(event),
            Event::Gap { room, from, to } => {
                let detail = self.detail(&schema::DetailArgs { to: to.0, ..Default::default() });
                let head = Head::new(FrameKind::Gap, None).place(from.0);
                self.finish(Root { detail, room: Some(room), ..Root::new(head) })
            }
            Event::Reset { room, position, version, reason } => {
                let reason = self.text(reason);
                let epoch = Some(position.epoch.0);
                let version = version.0;
                let detail =
                    self.detail(&schema::DetailArgs { epoch, version, reason, ..Default::default() });
                let head = Head::new(FrameKind::Reset, None).place(position.offset.0);
                self.finish(Root { detail, room: Some(room), ..Root::new(head) })
            }
            Event::Error(event) => self.error(event),
            Event::Closing { code, reason, reconnect_after_ms } => {
                let reason = self.text(reason);
                let detail = self.detail(&schema::DetailArgs {
                    code: *code,
                    reason,
                    reconnect_after_ms: *reconnect_after_ms,
                    ..Default::default()
                });
                self.finish(Root { detail, ..Root::new(Head::new(FrameKind::Closing, None)) })
            }
        }
    }

    fn message(&mut self, message: &Message<'_>) -> &[u8] {
        let head = Head::new(FrameKind::Message, None)
            .handle(message.handle.0)
            .place(message.place.number())
            .time(message.time.0)
            .session(message.from.session.0)
            .lane(message.lane)
            .body(message.body.kind);
        self.finish(Root {
            body: (message.body.kind != BodyKind::None).then_some(message.body.bytes),
            user: message.from.user,
            key: message.key,
            ..Root::new(head)
        })
    }

    fn published(&mut self, published: &Published<'_>) -> &[u8] {
        let epoch = Some(published.epoch.0);
        let detail = self.detail(&schema::DetailArgs { epoch, ..Default::default() });
        let lane = match published.place {
            Place::Offset(_) => Lane::Reliable,
            Place::Version(_) => Lane::Latest,
        };
        let head = Head::new(FrameKind::Published, Some(published.id))
            .place(published.place.number())
            .time(published.time.0)
            .lane(lane)
            .flag(published.duplicate);
        self.finish(Root { detail, room: Some(published.room), ..Root::new(head) })
    }

    fn welcome(&mut self, welcome: &Welcome<'_>) -> &[u8] {
        let features: Vec<_> = welcome.features.iter().map(|name| self.builder.create_string(name)).collect();
        let features = (!features.is_empty()).then(|| self.builder.create_vector(&features));
        let resume = self.text(welcome.resume);
        let node = self.text(welcome.node);
        let limits = &welcome.limits;
        let limits = schema::Limits::create(
            &mut self.builder,
            &schema::LimitsArgs {
                frame_bytes: limits.frame_bytes,
                rooms: limits.rooms,
                key_bytes: limits.key_bytes,
                history_page: limits.history_page,
                join_many: limits.join_many,
            },
        );
        let detail = self.detail(&schema::DetailArgs {
            resume,
            node,
            heartbeat_ms: welcome.heartbeat_ms,
            limits: Some(limits),
            features,
            expires: welcome.expires.map(|time| time.0),
            ..Default::default()
        });
        let head = Head::new(FrameKind::Welcome, welcome.id).session(welcome.session.0).time(welcome.time.0);
        self.finish(Root { detail, user: Some(welcome.user), ..Root::new(head) })
    }

    fn refreshed(&mut self, id: Option<RequestId>, expires: UnixMicros) -> &[u8] {
        let detail = self.detail(&schema::DetailArgs { expires: Some(expires.0), ..Default::default() });
        self.finish(Root { detail, ..Root::new(Head::new(FrameKind::Refreshed, id)) })
    }

    fn joined(&mut self, joined: &Joined<'_>) -> &[u8] {
        let members = self.members(&joined.members);
        let detail = self.detail(&schema::DetailArgs {
            epoch: Some(joined.position.epoch.0),
            version: joined.version.0,
            count: joined.count,
            replay: joined.replay,
            members,
            ..Default::default()
        });
        let head = Head::new(FrameKind::Joined, joined.id)
            .handle(joined.handle.0)
            .place(joined.position.offset.0)
            .flag(joined.recovered);
        self.finish(Root { detail, room: Some(joined.room), ..Root::new(head) })
    }

    fn history_page(&mut self, page: &HistoryPage<'_>) -> &[u8] {
        let epoch = Some(page.epoch.0);
        let detail = self.detail(&schema::DetailArgs { epoch, replay: page.replay, ..Default::default() });
        let head = Head::new(FrameKind::HistoryPage, page.id).flag(page.more);
        self.finish(Root { detail, room: Some(page.room), ..Root::new(head) })
    }

    fn presence_page(&mut self, page: &PresencePage<'_>) -> &[u8] {
        let members = self.members(&page.members);
        let detail = self.detail(&schema::DetailArgs {
            count: page.count,
            cursor: page.cursor,
            members,
            ..Default::default()
        });
        let head = Head::new(FrameKind::PresencePage, page.id).flag(page.partial);
        self.finish(Root { detail, room: Some(page.room), ..Root::new(head) })
    }

    fn presence_changed(&mut self, change: &PresenceChanged<'_>) -> &[u8] {
        let members = self.members(&change.joined);
        let left = self.members(&change.left);
        let detail =
            self.detail(&schema::DetailArgs { count: change.count, members, left, ..Default::default() });
        let head = Head::new(FrameKind::PresenceChanged, None).flag(change.truncated);
        self.finish(Root { detail, room: Some(change.room), ..Root::new(head) })
    }

    fn error(&mut self, error: &ErrorEvent<'_>) -> &[u8] {
        let name = self.text(error.code.name());
        let retry = self.text(error.code.retry().name());
        let reason = self.text(error.message);
        let detail = self.detail(&schema::DetailArgs {
            code: error.code.number(),
            name,
            retry,
            retry_after_ms: error.retry_after_ms,
            reason,
            ..Default::default()
        });
        self.finish(Root { detail, room: error.room, ..Root::new(Head::new(FrameKind::Error, error.id)) })
    }

    /// `None` for no members: the vector is then left out.
    fn members(&mut self, members: &[Member<'_>]) -> Option<Members> {
        if members.is_empty() {
            return None;
        }
        let members: Vec<_> = members.iter().map(|member| self.member(member)).collect();
        Some(self.builder.create_vector(&members))
    }

    fn member(&mut self, member: &Member<'_>) -> WIPOffset<schema::Member<'static>> {
        let user = self.text(member.user);
        let info = self.text_if(member.info);
        schema::Member::create(
            &mut self.builder,
            &schema::MemberArgs { user, session: member.session.0, info },
        )
    }
}
