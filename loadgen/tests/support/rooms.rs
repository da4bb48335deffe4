//! A room server in 200 lines: hello, resume, join with `since`, publish on all lanes, and promises broken on demand.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use ringway_protocol::codec::{BinaryEncoder, JsonDecoder, binary, frames, json};
use ringway_protocol::command::{Join, Publish, Since};
use ringway_protocol::event::{
    ErrorEvent, Joined, Message, Place, PresenceChanged, Published, Sender, SessionLimits, Welcome,
};
use ringway_protocol::websocket::{Opcode, write_close, write_frame};
use ringway_protocol::{
    Body, BodyKind, Command, Epoch, ErrorCode, Event, Format, Lane, Offset, Position, RoomHandle, SessionId,
    UnixMicros, Version,
};

use super::{accept, listen, read_messages};

/// Which promise the server breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None.
    Nothing,
    /// The tenth publication of a room does not go out.
    Loses,
    /// The last one asked for of a room does not go out, whichever that is: the first subscriber never gets the newest.
    WithholdsTheEnd,
    /// The tenth goes out twice.
    Duplicates,
    /// The tenth goes out after the eleventh.
    Swaps,
    /// A bit of the 64th body is turned.
    Garbles,
    /// A replay says `recovered`, but its first message is missing.
    RecoversLess,
    /// As before, and `replay` says so.
    RecoversLessAndCountsRight,
    /// The history keeps two publications, and the server says what is gone.
    TellsGaps,
    /// Every publish is refused.
    Refuses,
    /// Every fifth is refused for now, with all that follow until it comes again.
    RefusesForNow,
    /// The tenth of a session is refused for now, and those behind it are taken.
    LetsOvertake,
    /// The tenth is acknowledged and forgotten.
    AcksAndForgets,
    /// One that comes again is published again.
    PublishesAgain,
    /// Nobody is told who left.
    ForgetsWhoLeft,
}

struct Kept {
    lane: Lane,
    place: Place,
    session: SessionId,
    key: Option<String>,
    kind: BodyKind,
    body: Vec<u8>,
}

struct Member {
    connection: u64,
    format: Format,
    stream: TcpStream,
    /// It wants to be told who comes and goes.
    watches: bool,
}

#[derive(Default)]
struct Room {
    log: Vec<Kept>,
    version: u64,
    latest: BTreeMap<String, Kept>,
    members: Vec<Member>,
    /// Held back, to go out after the next one.
    swapped: Option<usize>,
}

struct Server {
    fault: Fault,
    rooms: BTreeMap<String, Room>,
    connections: u64,
    encoder: BinaryEncoder,
    /// By connection and room.
    asked: BTreeMap<(u64, String), Asked>,
}

#[derive(Default)]
struct Asked {
    publications: u64,
    /// Was refused for now, and must come again.
    awaited: Option<Vec<u8>>,
}

const EPOCH: Epoch = Epoch(0xabcd);

/// Starts a server with this fault.
pub(crate) fn room_server(fault: Fault) -> SocketAddr {
    let encoder = BinaryEncoder::new();
    let server = Server { fault, rooms: BTreeMap::new(), connections: 0, encoder, asked: BTreeMap::new() };
    let server = Arc::new(Mutex::new(server));
    listen(move |mut stream| {
        let Some((offered, early)) = accept(&mut stream) else { return };
        let json = offered.first().is_some_and(|name| name == "ringway.v1.json");
        let format = if json { Format::Json } else { Format::Binary };
        let lock = || server.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = {
            let mut server = lock();
            server.connections += 1;
            server.connections
        };
        let mut decoder = JsonDecoder::new();
        let conversation = Conversation { connection, format, stream: stream.try_clone().expect("a handle") };
        read_messages(&stream, early, |_, message| match format {
            Format::Json => {
                let command = decoder.command(message).expect("clients send valid JSON");
                lock().handle(&conversation, &command)
            }
            Format::Binary => frames(message, 1 << 20).all(|frame| {
                let frame = frame.expect("clients send whole frames");
                lock()
                    .handle(&conversation, &binary::decode_command(frame).expect("clients send valid frames"))
            }),
        });
        for room in lock().rooms.values_mut() {
            room.members.retain(|member| member.connection != connection);
        }
        let _ = stream.shutdown(Shutdown::Both);
    })
}

struct Conversation {
    connection: u64,
    format: Format,
    stream: TcpStream,
}

impl Server {
    fn handle(&mut self, with: &Conversation, command: &Command<'_>) -> bool {
        match command {
            Command::Hello(hello) => {
                let resumed = hello.resume.and_then(|secret| secret.parse().ok());
                let session = resumed.unwrap_or(with.connection);
                self.tell(
                    with,
                    &Event::Welcome(Welcome {
                        id: hello.id,
                        session: SessionId(session),
                        resume: &session.to_string(),
                        user: "user",
                        node: "test",
                        time: UnixMicros(1),
                        heartbeat_ms: 25_000,
                        limits: SessionLimits { join_many: 64, ..SessionLimits::default() },
                        features: Vec::new(),
                        expires: None,
                    }),
                )
            }
            Command::Join(join) => self.join(with, join),
            Command::JoinMany(many) => many.rooms.iter().all(|join| self.join(with, join)),
            Command::Publish(publish) => self.publish(with, publish),
            Command::Leave(leave) => {
                let name = leave.room.as_str();
                if let Some(room) = self.rooms.get_mut(name) {
                    room.members.retain(|member| member.connection != with.connection);
                }
                if self.fault != Fault::ForgetsWhoLeft {
                    self.tell_presence(name);
                }
                self.tell(with, &Event::Left { id: leave.id, room: name })
            }
            Command::Ping { id } => self.tell(with, &Event::Pong { id: *id, time: UnixMicros(1) }),
            other => panic!("the load generator does not say {other:?}"),
        }
    }

    fn join(&mut self, with: &Conversation, join: &Join<'_>) -> bool {
        let name = join.room.as_str();
        let fault = self.fault;
        let room = self.rooms.entry(name.to_owned()).or_default();
        let newest = room.log.len() as u64;
        let stream = with.stream.try_clone().expect("a handle");
        let watches = join.presence;
        room.members.push(Member { connection: with.connection, format: with.format, stream, watches });
        let count = room.members.len() as u32;
        let since = match join.since {
            Some(Since::Position(position)) => position.offset.0,
            Some(Since::Last(count)) => newest.saturating_sub(count.into()),
            None => newest,
        };
        let mut from = since;
        let mut recovered = true;
        match fault {
            Fault::RecoversLess | Fault::RecoversLessAndCountsRight if from < newest => from += 1,
            Fault::TellsGaps if newest.saturating_sub(from) > 2 => {
                from = newest - 2;
                recovered = false;
            }
            _ => {}
        }
        let replay = if fault == Fault::RecoversLess { newest - since } else { newest - from };
        let mut sent = self.tell(
            with,
            &Event::Joined(Joined {
                id: join.id,
                room: name,
                handle: handle(name),
                position: Position { epoch: EPOCH, offset: Offset(newest) },
                version: Version(0),
                recovered,
                replay: replay as u32,
                count,
                members: Vec::new(),
            }),
        );
        self.tell_presence(name);
        if !recovered {
            let gap = Event::Gap { room: name, from: Offset(since + 1), to: Offset(from) };
            sent &= self.tell(with, &gap);
        }
        let room = &self.rooms[name];
        let again = room.log[from as usize..].iter().chain(room.latest.values());
        let replayed: Vec<_> = again.map(|kept| encode(&mut self.encoder, with.format, name, kept)).collect();
        // A replay goes out in as few messages as the format allows.
        match with.format {
            Format::Binary if replayed.is_empty() => sent,
            Format::Binary => sent && send(&with.stream, with.format, &replayed.concat()),
            Format::Json => replayed.iter().all(|text| send(&with.stream, with.format, text)),
        }
    }

    fn tell_presence(&mut self, name: &str) {
        let Some(room) = self.rooms.get(name) else { return };
        let count = room.members.len() as u32;
        let (joined, left) = (Vec::new(), Vec::new());
        let event =
            Event::PresenceChanged(PresenceChanged { room: name, count, joined, left, truncated: true });
        for member in room.members.iter().filter(|member| member.watches) {
            let mut text = Vec::new();
            match member.format {
                Format::Binary => text.extend_from_slice(self.encoder.event(&event)),
                Format::Json => json::encode_event(&event, &mut text),
            }
            send(&member.stream, member.format, &text);
        }
    }

    fn publish(&mut self, with: &Conversation, publish: &Publish<'_>) -> bool {
        let name = publish.room.as_str();
        if self.fault == Fault::Refuses {
            let (code, message) = (ErrorCode::RateLimited, "slow down");
            let error = ErrorEvent { id: publish.id, room: None, code, retry_after_ms: Some(1), message };
            return self.tell(with, &Event::Error(error));
        }
        if self.is_refused_for_now(with, publish) {
            let (code, message) = (ErrorCode::Unavailable, "in a moment");
            let error = ErrorEvent { id: publish.id, room: None, code, retry_after_ms: Some(1), message };
            return self.tell(with, &Event::Error(error));
        }
        let room = self.rooms.entry(name.to_owned()).or_default();
        if self.fault == Fault::AcksAndForgets
            && room.log.len() == 9
            && let Some(id) = publish.id
        {
            let place = Place::Offset(Offset(10));
            let (time, duplicate) = (UnixMicros(1), false);
            let published = Published { id, room: name, epoch: EPOCH, place, time, duplicate };
            return self.tell(with, &Event::Published(published));
        }
        let place = if publish.lane == Lane::Reliable {
            Place::Offset(Offset(room.log.len() as u64 + 1))
        } else {
            room.version += 1;
            Place::Version(Version(room.version))
        };
        let kept = Kept {
            lane: publish.lane,
            place,
            session: SessionId(with.connection),
            key: publish.key.map(str::to_owned),
            kind: publish.body.kind,
            body: publish.body.bytes.to_vec(),
        };
        let except = (!publish.echo).then_some(with.connection);
        self.deliver(name, &kept, except);
        let room = self.rooms.get_mut(name).expect("just there");
        match publish.lane {
            Lane::Reliable => room.log.push(kept),
            Lane::Latest => {
                room.latest.insert(kept.key.clone().unwrap_or_default(), kept);
            }
            Lane::Unreliable => {}
        }
        if let Some(held) = room.swapped.filter(|held| *held + 1 < room.log.len()) {
            room.swapped = None;
            let late = room.log.remove(held);
            self.send_to_members(name, &late, None);
            self.rooms.get_mut(name).expect("just there").log.insert(held, late);
        }
        let Some(id) = publish.id else { return true };
        let (time, duplicate) = (UnixMicros(1), false);
        self.tell(with, &Event::Published(Published { id, room: name, epoch: EPOCH, place, time, duplicate }))
    }

    fn is_refused_for_now(&mut self, with: &Conversation, publish: &Publish<'_>) -> bool {
        let every = match self.fault {
            Fault::RefusesForNow => 5,
            Fault::LetsOvertake | Fault::PublishesAgain => 10,
            _ => return false,
        };
        let key = (with.connection, publish.room.as_str().to_owned());
        let Asked { publications, awaited } = self.asked.entry(key).or_default();
        let msg_id = publish.msg_id.map(<[u8]>::to_vec);
        if let Some(first) = awaited.clone() {
            if msg_id.as_ref() == Some(&first) {
                *awaited = None;
                return false;
            }
            return self.fault == Fault::RefusesForNow;
        }
        *publications += 1;
        let refused = *publications % every == 0 && (every == 5 || *publications == every);
        if refused {
            *awaited = msg_id;
        }
        if refused && self.fault == Fault::PublishesAgain {
            // It was published all the same.
            let name = publish.room.as_str();
            let room = self.rooms.entry(name.to_owned()).or_default();
            let kept = Kept {
                lane: publish.lane,
                place: Place::Offset(Offset(room.log.len() as u64 + 1)),
                session: SessionId(with.connection),
                key: None,
                kind: publish.body.kind,
                body: publish.body.bytes.to_vec(),
            };
            self.send_to_members(name, &kept, None);
            self.rooms.get_mut(name).expect("just there").log.push(kept);
        }
        refused
    }

    fn deliver(&mut self, name: &str, kept: &Kept, except: Option<u64>) {
        let number = kept.place.number();
        let room = self.rooms.get_mut(name).expect("published in");
        match self.fault {
            Fault::Loses if number == 10 => return,
            Fault::Swaps if number == 10 => return room.swapped = Some(room.log.len()),
            Fault::Duplicates if number == 10 => self.send_to_members(name, kept, except),
            Fault::Garbles if number == 64 => {
                let mut body = kept.body.clone();
                body[13] ^= 1;
                let (key, session) = (kept.key.clone(), kept.session);
                let garbled =
                    Kept { body, key, session, lane: kept.lane, place: kept.place, kind: kept.kind };
                return self.send_to_members(name, &garbled, except);
            }
            Fault::WithholdsTheEnd if number > 10 => {
                // Whoever joined first may be the publisher, of whom nothing is checked.
                let publisher = kept.session.0;
                let first = room.members.iter().position(|member| member.connection != publisher);
                let first = first.expect("a subscriber joined before the first publish");
                let without = room.members.remove(first);
                self.send_to_members(name, kept, except);
                return self.rooms.get_mut(name).expect("still there").members.insert(first, without);
            }
            _ => {}
        }
        self.send_to_members(name, kept, except);
    }

    fn send_to_members(&mut self, name: &str, kept: &Kept, except: Option<u64>) {
        let room = &self.rooms[name];
        for member in room.members.iter().filter(|member| Some(member.connection) != except) {
            send(&member.stream, member.format, &encode(&mut self.encoder, member.format, name, kept));
        }
    }

    fn tell(&mut self, with: &Conversation, event: &Event<'_>) -> bool {
        match with.format {
            Format::Binary => send(&with.stream, with.format, self.encoder.event(event)),
            Format::Json => {
                let mut text = Vec::new();
                json::encode_event(event, &mut text);
                send(&with.stream, with.format, &text)
            }
        }
    }
}

fn handle(room: &str) -> RoomHandle {
    RoomHandle(room.bytes().fold(1, |sum, byte| sum * 31 + u64::from(byte)))
}

fn encode(encoder: &mut BinaryEncoder, format: Format, room: &str, kept: &Kept) -> Vec<u8> {
    let event = Event::Message(Message {
        room: (format == Format::Json).then_some(room),
        handle: handle(room),
        lane: kept.lane,
        place: kept.place,
        time: UnixMicros(1),
        from: Sender { user: Some("user"), session: kept.session },
        key: kept.key.as_deref(),
        body: Body { kind: kept.kind, bytes: &kept.body },
    });
    match format {
        Format::Binary => encoder.event(&event).to_vec(),
        Format::Json => {
            let mut text = Vec::new();
            json::encode_event(&event, &mut text);
            text
        }
    }
}

fn send(mut stream: &TcpStream, format: Format, payload: &[u8]) -> bool {
    let opcode = if format == Format::Json { Opcode::Text } else { Opcode::Binary };
    let mut frame = Vec::new();
    write_frame(&mut frame, opcode, payload);
    stream.write_all(&frame).is_ok()
}

/// A server that closes every connection with this code after the upgrade.
pub(crate) fn closing_server(code: u16) -> SocketAddr {
    listen(move |mut stream| {
        if accept(&mut stream).is_some() {
            let mut frame = Vec::new();
            write_close(&mut frame, code, "go away");
            let _ = stream.write_all(&frame);
            read_messages(&stream, Vec::new(), |_, _| true);
        }
    })
}
