//! One client: with Ringway it says hello and joins, with the floor it only listens. Then it counts whole frames, whatever brings them.

use std::time::Instant;

use bytes::Bytes;
use hdrhistogram::Histogram;
use quinn_proto::{Connection, Dir, Event as Happening, ReadError, StreamEvent, StreamId};
use ringway_protocol::codec::binary::decode_event;
use ringway_protocol::codec::{BinaryEncoder, FrameReader, frames};
use ringway_protocol::command::{Command, Hello, Join};
use ringway_protocol::{Event, RequestId, RoomName};

use super::check::Check;
use super::driver::Guest;

/// Largest frame of a server.
const FRAME_BYTES_MAX: usize = 1 << 20;

/// What all sessions of a run share.
pub(super) struct Host {
    /// The room; without one the server is the floor.
    pub(super) room: Option<String>,
    pub(super) encoder: BinaryEncoder,
    /// Where the stamps in bodies count from.
    pub(super) clock: Instant,
    /// Sessions that have got where they shall be.
    pub(super) ready: usize,
    pub(super) tally: Tally,
    /// Ages of what the checking sessions got, in microseconds.
    pub(super) ages: Histogram<u64>,
    /// The first thing that went wrong.
    pub(super) fault: Option<String>,
    /// Connections may end from now on.
    pub(super) closing: bool,
}

/// Frames by what brought them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// On the control stream; of the floor, on its one stream.
    pub(super) stream: u64,
    /// On streams of their own.
    pub(super) short_streams: u64,
    pub(super) datagrams: u64,
    pub(super) bytes: u64,
}

impl Host {
    /// Of sessions that join this room, or listen to the floor.
    pub(super) fn new(room: Option<String>, ages: Histogram<u64>) -> Self {
        Self {
            room,
            encoder: BinaryEncoder::new(),
            clock: Instant::now(),
            ready: 0,
            tally: Tally::default(),
            ages,
            fault: None,
            closing: false,
        }
    }

    fn blame(&mut self, what: impl FnOnce() -> String) {
        if !self.closing {
            self.fault.get_or_insert_with(what);
        }
    }
}

/// What a session wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Reads and counts.
    Counts,
    /// Looks at each frame, too.
    Checks,
    /// Only publishes.
    Publishes,
    /// The same as a member: values of the latest lane vanish with their publisher, so it must be there.
    PublishesInside,
}

impl Part {
    const fn reads(self) -> bool {
        matches!(self, Self::Counts | Self::Checks)
    }
}

/// One client's state.
pub(super) struct Session {
    part: Part,
    control: Option<StreamId>,
    reader: FrameReader,
    /// Streams of single frames that are not whole yet.
    cut: Vec<(StreamId, FrameReader)>,
    ready: bool,
    check: Option<Box<Check>>,
}

impl Session {
    pub(super) const fn new(part: Part) -> Self {
        let reader = FrameReader::new(FRAME_BYTES_MAX);
        Self { part, control: None, reader, cut: Vec::new(), ready: false, check: None }
    }

    /// Writes to the control stream; how much of it the stream took.
    pub(super) fn say(&self, connection: &mut Connection, bytes: &[u8]) -> usize {
        let Some(control) = self.control else { return 0 };
        connection.send_stream(control).write(bytes).unwrap_or(0)
    }

    fn begin(&mut self, connection: &mut Connection, host: &mut Host) {
        if host.room.is_none() {
            self.ready(host);
            return;
        }
        self.control = connection.streams().open(Dir::Bi);
        let hello = Command::Hello(Hello { id: RequestId::new(1), protocol: 1, ..Hello::default() });
        self.say(connection, host.encoder.command(&hello));
    }

    fn ready(&mut self, host: &mut Host) {
        self.ready = true;
        host.ready += 1;
    }

    /// A frame that came before this session was where it shall be.
    fn greet(&mut self, frame: &[u8], connection: &mut Connection, host: &mut Host) {
        match decode_event(frame) {
            Ok(Event::Welcome(_)) if self.part == Part::Publishes => self.ready(host),
            Ok(Event::Welcome(_)) => {
                let Some(room) = host.room.as_deref().and_then(RoomName::new) else {
                    return host.blame(|| "the room's name is none".into());
                };
                let id = RequestId::new(2);
                let join = Command::Join(Join {
                    id,
                    room,
                    since: None,
                    versions: Vec::new(),
                    presence: false,
                    stream: false,
                });
                self.say(connection, host.encoder.command(&join));
            }
            Ok(Event::Joined(joined)) => {
                if self.part == Part::Checks {
                    self.check = Some(Box::new(Check::new(joined.handle, joined.position.offset.0)));
                }
                self.ready(host);
            }
            other => host.blame(|| format!("{other:?} before the session stands")),
        }
    }

    /// A frame to a publisher, which is none of the deliveries.
    fn overhear(frame: &[u8], host: &mut Host) {
        if let Ok(event @ (Event::Error(_) | Event::Closing { .. })) = decode_event(frame) {
            host.blame(|| format!("{event:?} to the publisher"));
        }
    }

    /// A frame of a session that stands.
    fn frame(check: Option<&mut Check>, frame: &[u8], host: &mut Host) {
        host.tally.bytes += frame.len() as u64;
        match check.map(|check| check.frame(frame, host.clock)) {
            None => {}
            Some(Ok(age_us)) => host.ages.saturating_record(age_us),
            Some(Err(fault)) => host.blame(|| fault),
        }
    }

    fn datagrams(&mut self, connection: &mut Connection, host: &mut Host) {
        while let Some(bytes) = connection.datagrams().recv() {
            for frame in frames(&bytes, FRAME_BYTES_MAX) {
                match frame {
                    Ok(frame) => {
                        host.tally.datagrams += 1;
                        Self::frame(self.check.as_deref_mut(), frame, host);
                    }
                    Err(error) => host.blame(|| format!("in a datagram: {error:?}")),
                }
            }
        }
    }

    /// Reads the stream of a session's life, frame by frame.
    fn control(&mut self, id: StreamId, connection: &mut Connection, host: &mut Host) {
        while let Next::Bytes(bytes) = next(connection, id) {
            let mut input = &bytes[..];
            let mut reader = std::mem::replace(&mut self.reader, FrameReader::new(0));
            loop {
                match reader.next(&mut input) {
                    Ok(Some(frame)) if self.ready && !self.part.reads() => Self::overhear(frame, host),
                    Ok(Some(frame)) if self.ready => {
                        host.tally.stream += 1;
                        Self::frame(self.check.as_deref_mut(), frame, host);
                    }
                    Ok(Some(frame)) => self.greet(frame, connection, host),
                    Ok(None) => break,
                    Err(error) => {
                        host.blame(|| format!("in the stream: {error:?}"));
                        break;
                    }
                }
            }
            self.reader = reader;
        }
    }

    /// Reads a stream of one update: most are whole at once, the others are kept until they are.
    fn short(&mut self, id: StreamId, connection: &mut Connection, host: &mut Host) {
        let known = self.cut.iter().position(|(cut, _)| *cut == id);
        let mut reader =
            known.map_or_else(|| FrameReader::new(FRAME_BYTES_MAX), |at| self.cut.swap_remove(at).1);
        loop {
            match next(connection, id) {
                Next::Bytes(bytes) => {
                    let mut input = &bytes[..];
                    while let Ok(Some(frame)) = reader.next(&mut input) {
                        host.tally.short_streams += 1;
                        Self::frame(self.check.as_deref_mut(), frame, host);
                    }
                }
                Next::Blocked if reader.is_partial() => return self.cut.push((id, reader)),
                Next::Blocked | Next::Over => return,
            }
        }
    }

    fn streams(&mut self, event: StreamEvent, connection: &mut Connection, host: &mut Host) {
        match event {
            StreamEvent::Opened { dir: Dir::Uni } => {
                while let Some(id) = connection.streams().accept(Dir::Uni) {
                    if host.room.is_none() {
                        self.control = Some(id);
                        self.control(id, connection, host);
                    } else {
                        self.short(id, connection, host);
                    }
                }
            }
            StreamEvent::Readable { id } if self.control == Some(id) => self.control(id, connection, host),
            StreamEvent::Readable { id } => self.short(id, connection, host),
            _ => {}
        }
    }
}

impl Guest for Session {
    type Host = Host;

    fn hear(&mut self, event: Happening, connection: &mut Connection, host: &mut Host) {
        match event {
            Happening::Connected => self.begin(connection, host),
            Happening::ConnectionLost { reason } => host.blame(|| format!("a connection is lost: {reason}")),
            Happening::Stream(event) => self.streams(event, connection, host),
            Happening::DatagramReceived => self.datagrams(connection, host),
            Happening::HandshakeDataReady | Happening::DatagramsUnblocked => {}
        }
    }
}

/// What a stream has next.
enum Next {
    Bytes(Bytes),
    /// Nothing now.
    Blocked,
    /// Nothing more: ended, or reset because a newer value is on its way.
    Over,
}

fn next(connection: &mut Connection, id: StreamId) -> Next {
    let mut stream = connection.recv_stream(id);
    let Ok(mut chunks) = stream.read(true) else { return Next::Over };
    let next = match chunks.next(usize::MAX) {
        Ok(Some(chunk)) => Next::Bytes(chunk.bytes),
        Err(ReadError::Blocked) => Next::Blocked,
        Ok(None) | Err(ReadError::Reset(_)) => Next::Over,
    };
    // Credit goes out with the turn's packets.
    let _ = chunks.finalize();
    next
}
