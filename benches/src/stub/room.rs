//! The one room: who is in it, what the next publication's offset is, and what is answered. Pure, of the server's thread.
//!
//! Just enough of the protocol that its clients are content: no history, no lanes but the reliable one, no presence.

use ringway_protocol::codec::BinaryEncoder;
use ringway_protocol::command::{Join, Publish};
use ringway_protocol::event::{Joined, Message, Place, Published, Sender, SessionLimits, Welcome};
use ringway_protocol::{
    Command, Epoch, Event, Lane, Offset, Position, RequestId, RoomHandle, SessionId, UnixMicros, Version,
};

use super::truth::intended;

const HANDLE: RoomHandle = RoomHandle(0x5eed_0000_0000_0001);
const EPOCH: Epoch = Epoch(1);
const USER: &str = "anonymous";
const HEARTBEAT_MS: u32 = 25_000;
/// The largest frame of a client.
pub(super) const FRAME_BYTES_MAX: usize = 64 * 1024;
const LIMITS: SessionLimits = SessionLimits {
    frame_bytes: FRAME_BYTES_MAX as u32,
    rooms: 1,
    key_bytes: 64,
    history_page: 1,
    join_many: 1,
};

/// One member, and when the last of its deliveries leaves: order is kept whatever delays are drawn.
pub(super) struct Member {
    pub(super) link: usize,
    pub(super) last_due: u64,
}

/// Publications that came in one read: frames back to back, and how many of each intended moment.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) frames: Vec<u8>,
    /// Where each frame ends.
    pub(super) ends: Vec<usize>,
    pub(super) intended: Vec<(Option<u64>, u64)>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.ends.clear();
        self.intended.clear();
    }

    fn push(&mut self, frame: &[u8], intended: Option<u64>) {
        self.frames.extend_from_slice(frame);
        self.ends.push(self.frames.len());
        match self.intended.last_mut().filter(|last| last.0 == intended) {
            Some(last) => last.1 += 1,
            None => self.intended.push((intended, 1)),
        }
    }
}

/// The room.
pub(super) struct Room {
    encoder: BinaryEncoder,
    name: Option<String>,
    offset: Offset,
    pub(super) members: Vec<Member>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self { encoder: BinaryEncoder::new(), name: None, offset: Offset(0), members: Vec::new() }
    }

    /// Does what a session wants: answers are given to `answer`, publications go into the batch.
    ///
    /// # Errors
    /// What this stub does not play; the connection is to be closed.
    pub(super) fn handle(
        &mut self,
        link: usize,
        command: &Command<'_>,
        batch: &mut Batch,
        mut answer: impl FnMut(&[u8]),
    ) -> Result<(), String> {
        match command {
            Command::Hello(hello) => answer(self.welcome(link, hello.id)),
            Command::Ping { id } => answer(self.encoder.event(&Event::Pong { id: *id, time: UnixMicros(0) })),
            Command::Join(join) => answer(self.join(link, join)?),
            Command::JoinMany(many) => {
                for join in &many.rooms {
                    answer(self.join(link, join)?);
                }
            }
            Command::Leave(leave) => {
                self.leave(link);
                let room = leave.room.as_str();
                answer(self.encoder.event(&Event::Left { id: leave.id, room }));
            }
            Command::Publish(publish) => self.publish(link, publish, batch, answer)?,
            Command::Refresh(_) | Command::History(_) | Command::Presence(_) => {
                return Err("the stub has no tokens, no history and no presence".into());
            }
        }
        Ok(())
    }

    /// The connection is over, or its membership.
    pub(super) fn leave(&mut self, link: usize) {
        self.members.retain(|member| member.link != link);
    }

    fn welcome(&mut self, link: usize, id: Option<RequestId>) -> &[u8] {
        self.encoder.event(&Event::Welcome(Welcome {
            id,
            session: session_of(link),
            resume: "",
            user: USER,
            node: "stub",
            time: UnixMicros(0),
            heartbeat_ms: HEARTBEAT_MS,
            limits: LIMITS,
            features: Vec::new(),
            expires: None,
        }))
    }

    fn join(&mut self, link: usize, join: &Join<'_>) -> Result<&[u8], String> {
        let room = join.room.as_str();
        let name = self.name.get_or_insert_with(|| room.to_owned());
        if name != room {
            return Err(format!("the stub plays one room, {name:?}, and somebody asked for {room:?}"));
        }
        if self.members.iter().all(|member| member.link != link) {
            self.members.push(Member { link, last_due: 0 });
        }
        Ok(self.encoder.event(&Event::Joined(Joined {
            id: join.id,
            room,
            handle: HANDLE,
            position: Position { epoch: EPOCH, offset: self.offset },
            version: Version(0),
            recovered: true,
            replay: 0,
            count: 0,
            members: Vec::new(),
        })))
    }

    fn publish(
        &mut self,
        link: usize,
        publish: &Publish<'_>,
        batch: &mut Batch,
        mut answer: impl FnMut(&[u8]),
    ) -> Result<(), String> {
        if publish.lane != Lane::Reliable {
            return Err("the stub has the reliable lane only".into());
        }
        self.offset = self.offset.next();
        let place = Place::Offset(self.offset);
        let message = self.encoder.event(&Event::Message(Message {
            room: None,
            handle: HANDLE,
            lane: Lane::Reliable,
            place,
            time: UnixMicros(0),
            from: Sender { user: Some(USER), session: session_of(link) },
            key: None,
            body: publish.body,
        }));
        batch.push(message, intended(publish.body.bytes));
        if let Some(id) = publish.id {
            let room = publish.room.as_str();
            let time = UnixMicros(0);
            let published = Published { id, room, epoch: EPOCH, place, time, duplicate: false };
            answer(self.encoder.event(&Event::Published(published)));
        }
        Ok(())
    }
}

const fn session_of(link: usize) -> SessionId {
    SessionId(link as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringway_protocol::codec::{binary, frames};
    use ringway_protocol::{Body, BodyKind, RoomName};

    fn join(name: &'static str) -> Command<'static> {
        Command::Join(Join {
            id: RequestId::new(1),
            room: RoomName::new(name).unwrap(),
            since: None,
            versions: Vec::new(),
            presence: false,
            stream: false,
        })
    }

    fn publish(body: &[u8]) -> Command<'_> {
        Command::Publish(Publish {
            id: RequestId::new(2),
            room: RoomName::new("room").unwrap(),
            body: Body { kind: BodyKind::Bytes, bytes: body },
            lane: Lane::Reliable,
            key: None,
            msg_id: None,
            retry: None,
            echo: true,
        })
    }

    #[test]
    fn publications_of_one_read_are_frames_in_order() {
        let (mut room, mut batch) = (Room::new(), Batch::default());
        room.handle(0, &join("room"), &mut batch, |_| {}).unwrap();
        let mut answers = 0;
        for body in [b"one".as_slice(), b"two"] {
            room.handle(1, &publish(body), &mut batch, |_| answers += 1).unwrap();
        }
        let offsets: Vec<_> = frames(&batch.frames, FRAME_BYTES_MAX)
            .map(|frame| match binary::decode_event(frame.unwrap()).unwrap() {
                Event::Message(message) => message.place.number(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!((offsets, answers, batch.ends.len()), (vec![1, 2], 2, 2));
        assert_eq!(batch.intended, [(None, 2)]);
    }

    #[test]
    fn a_second_room_is_refused_with_a_reason() {
        let (mut room, mut batch) = (Room::new(), Batch::default());
        room.handle(0, &join("room"), &mut batch, |_| {}).unwrap();
        let fault = room.handle(1, &join("another"), &mut batch, |_| {}).unwrap_err();
        assert!(fault.contains("another"), "{fault}");
        room.leave(0);
        assert!(room.members.is_empty());
    }
}
