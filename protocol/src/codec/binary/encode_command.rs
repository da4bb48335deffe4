//! Commands to binary: what a client says.

use flatbuffers::WIPOffset;
use ringway_schema as schema;
use schema::FrameKind;

use super::encode::{BinaryEncoder, Head, Root};
use crate::command::{
    Command, Hello, History, HistoryFrom, Join, JoinMany, KnownVersion, Presence, Publish, Refresh, Since,
};
use crate::{BodyKind, RequestId};

type Offset<T> = WIPOffset<T>;

impl BinaryEncoder {
    /// The frame of a command, size prefix included; valid until the next call.
    pub fn command(&mut self, command: &Command<'_>) -> &[u8] {
        self.builder.reset();
        match command {
            Command::Hello(command) => self.hello(command),
            Command::Refresh(command) => self.refresh(command),
            Command::Join(command) => self.join(command),
            Command::JoinMany(command) => self.join_many(command),
            Command::Leave(command) => self.finish(Root {
                room: Some(command.room.as_str()),
                ..Root::new(Head::new(FrameKind::Leave, command.id))
            }),
            Command::Publish(command) => self.publish(command),
            Command::History(command) => self.history(command),
            Command::Presence(command) => self.presence(command),
            Command::Ping { id } => self.finish(Root::new(Head::new(FrameKind::Ping, *id))),
        }
    }

    fn hello(&mut self, hello: &Hello<'_>) -> &[u8] {
        let token = self.text_if(hello.token);
        let client = self.text_if(hello.client);
        let resume = self.text_if(hello.resume);
        let detail = self.detail(&schema::DetailArgs {
            protocol: hello.protocol,
            token,
            client,
            resume,
            ..Default::default()
        });
        self.finish(Root { detail, ..Root::new(Head::new(FrameKind::Hello, hello.id)) })
    }

    fn refresh(&mut self, refresh: &Refresh<'_>) -> &[u8] {
        let token = self.text(refresh.token);
        let detail = self.detail(&schema::DetailArgs { token, ..Default::default() });
        self.finish(Root { detail, ..Root::new(Head::new(FrameKind::Refresh, refresh.id)) })
    }

    fn join(&mut self, join: &Join<'_>) -> &[u8] {
        self.joins(FrameKind::Join, join.id, core::slice::from_ref(join))
    }

    fn join_many(&mut self, many: &JoinMany<'_>) -> &[u8] {
        self.joins(FrameKind::JoinMany, many.id, &many.rooms)
    }

    fn joins(&mut self, kind: FrameKind, id: Option<RequestId>, joins: &[Join<'_>]) -> &[u8] {
        let joins: Vec<_> = joins.iter().map(|join| self.one_join(join)).collect();
        let joins = Some(self.builder.create_vector(&joins));
        let detail = self.detail(&schema::DetailArgs { joins, ..Default::default() });
        self.finish(Root { detail, ..Root::new(Head::new(kind, id)) })
    }

    fn one_join(&mut self, join: &Join<'_>) -> Offset<schema::Join<'static>> {
        let versions: Vec<_> = join.versions.iter().map(|known| self.known_version(known)).collect();
        let versions = (!versions.is_empty()).then(|| self.builder.create_vector(&versions));
        let room = self.text(join.room.as_str());
        let mut args = schema::JoinArgs {
            room,
            versions,
            presence: join.presence,
            stream: join.stream,
            ..Default::default()
        };
        match join.since {
            Some(Since::Position(position)) => {
                args.epoch = Some(position.epoch.0);
                args.offset = position.offset.0;
            }
            Some(Since::Last(last)) => args.last = Some(last),
            None => {}
        }
        schema::Join::create(&mut self.builder, &args)
    }

    fn known_version(&mut self, known: &KnownVersion<'_>) -> Offset<schema::KnownVersion<'static>> {
        let user = self.text_if(known.user);
        let key = self.text(known.key);
        let args = schema::KnownVersionArgs { user, key, version: known.version.0 };
        schema::KnownVersion::create(&mut self.builder, &args)
    }

    fn publish(&mut self, publish: &Publish<'_>) -> &[u8] {
        let detail = if publish.msg_id.is_some() || publish.retry.is_some() {
            let msg_id = publish.msg_id.map(|msg_id| self.builder.create_vector(msg_id));
            let epoch = publish.retry.map(|position| position.epoch.0);
            self.detail(&schema::DetailArgs { msg_id, epoch, ..Default::default() })
        } else {
            None
        };
        let head = Head::new(FrameKind::Publish, publish.id)
            .place(publish.retry.map_or(0, |position| position.offset.0))
            .lane(publish.lane)
            .body(publish.body.kind)
            .flag(!publish.echo);
        self.finish(Root {
            body: (publish.body.kind != BodyKind::None).then_some(publish.body.bytes),
            detail,
            key: publish.key,
            room: Some(publish.room.as_str()),
            ..Root::new(head)
        })
    }

    fn history(&mut self, history: &History<'_>) -> &[u8] {
        let (offset, after) = match history.from {
            HistoryFrom::Before(offset) => (offset, false),
            HistoryFrom::After(offset) => (offset, true),
        };
        let detail = self.detail(&schema::DetailArgs { limit: history.limit, ..Default::default() });
        let head = Head::new(FrameKind::History, history.id).place(offset.0).flag(after);
        self.finish(Root { detail, room: Some(history.room.as_str()), ..Root::new(head) })
    }

    fn presence(&mut self, presence: &Presence<'_>) -> &[u8] {
        let detail = match presence.cursor {
            Some(cursor) => self.detail(&schema::DetailArgs { cursor: Some(cursor), ..Default::default() }),
            None => None,
        };
        let head = Head::new(FrameKind::Presence, presence.id);
        self.finish(Root { detail, room: Some(presence.room.as_str()), ..Root::new(head) })
    }
}
