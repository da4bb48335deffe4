//! WebTransport: the same session over HTTP/3, for browsers. What HTTP/3 needs is in
//! [`ringway_protocol::webtransport`]; here its streams meet QUIC's. Once the session stands, the client's first stream in
//! it is the control stream, and everything else is as on `ringway/1`, behind a header.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use quinn_proto::{Dir, ReadError, StreamId, VarInt};
use ringway_core::Departure;
use ringway_protocol::Format;
use ringway_protocol::websocket::handshake::{Refusal, subprotocol_of_format};
use ringway_protocol::webtransport::server::{BidiStep, BidiStream};
use ringway_protocol::webtransport::{
    Code, Connection, End, Ended, Fault, Request, Role, Step, UniStream, application_to_http3, write_close,
    write_control_stream,
};

use super::Quic;
use super::events::{STREAM_UNKNOWN, departure_by};
use super::peer::Peer;
use crate::shard::context::Rim;
use crate::shard::ingest::PATH_CLIENTS;

/// Bytes taken at a time of a stream that is not known yet, and held while it must wait.
const CHUNK_BYTES: usize = 4 * 1024;
/// Chunks of one stream in a turn; HTTP/3 has little to say.
const CHUNKS_PER_TURN: usize = 16;

/// Ends a connection of HTTP/3 with which nothing is wrong.
pub(super) const NO_ERROR: VarInt = VarInt::from_u32(Code::NoError.number() as u32);

/// What a connection that speaks HTTP/3 needs besides.
pub(super) struct Web {
    connection: Connection,
    /// Streams of the client that HTTP/3 reads.
    streams: BTreeMap<StreamId, Incoming>,
    /// The request that became the session: its stream lives as long as the session.
    connect: Option<StreamId>,
    stream_head: Vec<u8>,
    datagram_head: Vec<u8>,
    /// The close is said.
    closing: bool,
}

struct Incoming {
    reader: Reader,
    /// Read already, to be looked at once the session stands.
    kept: Option<Bytes>,
}

enum Reader {
    Uni(UniStream),
    Bidi(BidiStream),
}

/// What bytes of a stream led to.
enum Outcome {
    Nothing,
    /// It can't be read on now.
    Waits,
    /// Streams that had to wait can be looked at again.
    Unblocked,
    /// This is the control stream, and these are its first bytes.
    Control(Bytes),
    Ended(Ended),
}

impl Web {
    fn new() -> Box<Self> {
        Box::new(Self {
            connection: Connection::new(Role::Server),
            streams: BTreeMap::new(),
            connect: None,
            stream_head: Vec::new(),
            datagram_head: Vec::new(),
            closing: false,
        })
    }

    pub(super) fn stream_head(&self) -> &[u8] {
        &self.stream_head
    }

    pub(super) fn datagram_head(&self) -> &[u8] {
        &self.datagram_head
    }

    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl Quic {
    /// The client's streams that were opened, to be read by HTTP/3.
    pub(super) fn accept_web(&mut self, index: u32, dir: Dir, rim: &mut Rim, now: Instant) {
        let mut opened = Vec::new();
        let Some(peer) = self.peer_mut(index) else { return };
        let Some(web) = &mut peer.web else { return };
        while let Some(id) = peer.connection.streams().accept(dir) {
            let reader = match dir {
                Dir::Bi => Reader::Bidi(BidiStream::new(u64::from(id))),
                Dir::Uni => Reader::Uni(UniStream::new()),
            };
            web.streams.insert(id, Incoming { reader, kept: None });
            opened.push(id);
        }
        for id in opened {
            self.read_web(index, id, rim, now);
        }
    }

    /// Reads a stream of HTTP/3's as far as it goes.
    pub(super) fn read_web(&mut self, index: u32, id: StreamId, rim: &mut Rim, now: Instant) {
        for _ in 0..CHUNKS_PER_TURN {
            let Some(peer) = self.peer_mut(index) else { return };
            let outcome = match peer.next_of_web(id, rim) {
                None => return,
                Some(Ok(outcome)) => outcome,
                Some(Err(fault)) => {
                    rim.tell_refusal(peer.connection.remote_address(), fault.text);
                    peer.connection.close(now, number(fault.code), Bytes::from_static(fault.text.as_bytes()));
                    return self.gone(index, Departure::Detached, rim);
                }
            };
            match outcome {
                Outcome::Nothing => {}
                Outcome::Waits => return,
                Outcome::Unblocked => self.read_waiting(index, rim, now),
                Outcome::Control(first) => {
                    peer.control = Some(id);
                    peer.find_ways();
                    if !first.is_empty() {
                        peer.hear_of(rim);
                        peer.feed(index, first, rim);
                    }
                    return self.read_control(index, rim);
                }
                Outcome::Ended(ended) => {
                    peer.connection.close(now, NO_ERROR, Bytes::new());
                    return self.gone(index, departure_by(ended.code.into()), rim);
                }
            }
        }
        // The rest comes with the next turn.
        if let Some(peer) = self.peer_mut(index) {
            peer.unread_web = Some(id);
        }
        self.touch(index);
    }

    /// The session stands, or the client's settings are here: what had to wait for it.
    fn read_waiting(&mut self, index: u32, rim: &mut Rim, now: Instant) {
        let Some(web) = self.peer_mut(index).and_then(|peer| peer.web.as_ref()) else { return };
        let waiting: Vec<_> =
            web.streams.iter().filter(|(_, stream)| stream.kept.is_some()).map(|(id, _)| *id).collect();
        for id in waiting {
            self.read_web(index, id, rim, now);
        }
    }
}

impl Peer {
    /// The client speaks HTTP/3.
    pub(super) fn begin_web(&mut self) {
        let mut settings = Vec::new();
        write_control_stream(Role::Server, &mut settings);
        if let Some(id) = self.connection.streams().open(Dir::Uni) {
            let _ = self.connection.send_stream(id).write(&settings);
        }
        self.web = Some(Web::new());
    }

    /// Whether HTTP/3 reads this stream.
    pub(super) fn is_of_web(&self, id: StreamId) -> bool {
        self.web.as_ref().is_some_and(|web| web.streams.contains_key(&id))
    }

    /// The session's own stream.
    pub(super) fn is_connect(&self, id: StreamId) -> bool {
        self.web.as_ref().is_some_and(|web| web.connect == Some(id))
    }

    /// Tells the client why its session ends; true if the connection can be closed at once.
    pub(super) fn close_web(&mut self, code: u16, reason: &str) -> bool {
        let Some(web) = &mut self.web else { return true };
        let Some(connect) = web.connect.filter(|_| !std::mem::replace(&mut web.closing, true)) else {
            return true;
        };
        let mut capsule = Vec::new();
        write_close(code.into(), reason, &mut capsule);
        web.connection.end_session();
        let mut stream = self.connection.send_stream(connect);
        stream.write(&capsule) != Ok(capsule.len()) || stream.finish().is_err()
    }

    /// The code that resets or stops a stream, as the client's application will read it.
    pub(super) fn stream_code(&self, code: u32) -> VarInt {
        match self.web {
            Some(_) => VarInt::from_u64(application_to_http3(code)).unwrap_or_default(),
            None => VarInt::from_u32(code),
        }
    }

    /// Takes the next bytes of a stream of HTTP/3's; `None` when there are none.
    fn next_of_web(&mut self, id: StreamId, rim: &mut Rim) -> Option<Result<Outcome, Fault>> {
        let web = self.web.as_mut()?;
        let mut incoming = web.streams.remove(&id)?;
        let bytes = match incoming.kept.take() {
            Some(kept) => kept,
            None => {
                let mut stream = self.connection.recv_stream(id);
                let mut chunks = stream.read(true).ok()?;
                let chunk = chunks.next(CHUNK_BYTES);
                let _ = chunks.finalize();
                match chunk {
                    Ok(Some(chunk)) => chunk.bytes,
                    Err(ReadError::Blocked) => {
                        web.streams.insert(id, incoming);
                        return None;
                    }
                    Ok(None) => return Some(self.end_of_web(id, incoming, End::Finished)),
                    Err(ReadError::Reset(_)) => return Some(self.end_of_web(id, incoming, End::Reset)),
                }
            }
        };
        let mut input = &bytes[..];
        Some(match &mut incoming.reader {
            Reader::Uni(reader) => match reader.read(&mut web.connection, &mut input) {
                Ok(step) => Ok(self.step_of_uni(id, incoming, step, &bytes, input)),
                Err(fault) => Err(fault),
            },
            Reader::Bidi(reader) => match reader.read(&mut web.connection, &mut input) {
                Ok(step) => Ok(self.step_of_bidi(id, incoming, step, &bytes, input, rim)),
                Err(fault) => Err(fault),
            },
        })
    }

    fn step_of_uni(
        &mut self,
        id: StreamId,
        incoming: Incoming,
        step: Step,
        bytes: &Bytes,
        rest: &[u8],
    ) -> Outcome {
        match step {
            Step::More => self.keep(id, incoming, None),
            Step::Wait => {
                self.keep(id, incoming, Some(bytes.slice_ref(rest)));
                return Outcome::Waits;
            }
            Step::GoAway => self.keep(id, incoming, Some(bytes.slice_ref(rest))),
            Step::Settings => {
                self.keep(id, incoming, Some(bytes.slice_ref(rest)));
                return Outcome::Unblocked;
            }
            Step::Data => self.give_up(id, self.stream_code(STREAM_UNKNOWN)),
            Step::Stop(fault) => self.give_up(id, number(fault.code)),
        }
        Outcome::Nothing
    }

    fn step_of_bidi(
        &mut self,
        id: StreamId,
        mut incoming: Incoming,
        step: BidiStep,
        bytes: &Bytes,
        rest: &[u8],
        rim: &mut Rim,
    ) -> Outcome {
        match step {
            BidiStep::More => self.keep(id, incoming, None),
            BidiStep::Wait => {
                self.keep(id, incoming, Some(bytes.slice_ref(rest)));
                return Outcome::Waits;
            }
            BidiStep::Drain => self.keep(id, incoming, Some(bytes.slice_ref(rest))),
            BidiStep::Data if self.control.is_none() => return Outcome::Control(bytes.slice_ref(rest)),
            BidiStep::Data => self.give_up(id, self.stream_code(STREAM_UNKNOWN)),
            BidiStep::Reset(fault) => self.give_up(id, number(fault.code)),
            BidiStep::Refuse(status) => self.answer(id, &mut incoming, |reader, connection, out| {
                reader.refuse(connection, status, out);
            }),
            BidiStep::Request(request) => {
                return self.decide(id, incoming, &request, bytes.slice_ref(rest), rim);
            }
            BidiStep::Closed(ended) => {
                let _ = self.connection.send_stream(id).finish();
                return Outcome::Ended(ended);
            }
            BidiStep::Broken(fault) => {
                self.give_up(id, number(fault.code));
                return Outcome::Ended(Ended { code: 0, reason: fault.text.into() });
            }
        }
        Outcome::Nothing
    }

    /// A browser asks for a session.
    fn decide(
        &mut self,
        id: StreamId,
        mut incoming: Incoming,
        request: &Request,
        rest: Bytes,
        rim: &mut Rim,
    ) -> Outcome {
        let refusal = if request.path() != PATH_CLIENTS {
            Some(Refusal::NotFound)
        } else if !rim.door.origins.allows(request.origin()) {
            Some(Refusal::OriginDenied)
        } else if rim.draining.is_some() {
            Some(Refusal::Unavailable)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            rim.figures.rim.refused += 1;
            rim.tell_refusal(self.connection.remote_address(), refusal.text());
            self.answer(id, &mut incoming, |reader, connection, out| {
                reader.refuse(connection, refusal.into(), out);
            });
            return Outcome::Nothing;
        }
        let binary = subprotocol_of_format(Format::Binary);
        let protocol = request.protocols().any(|offered| offered == binary).then_some(binary);
        let (Some(web), Reader::Bidi(reader)) = (&mut self.web, &mut incoming.reader) else {
            return Outcome::Nothing;
        };
        let mut answer = Vec::new();
        let session = reader.accept(&mut web.connection, protocol, &mut answer);
        session.write_uni_header(&mut web.stream_head);
        session.write_datagram_prefix(&mut web.datagram_head);
        web.connect = Some(id);
        let _ = self.connection.send_stream(id).write(&answer);
        self.keep(id, incoming, Some(rest));
        Outcome::Unblocked
    }

    /// Answers a request and is done with its stream.
    fn answer(
        &mut self,
        id: StreamId,
        incoming: &mut Incoming,
        answer: impl FnOnce(&mut BidiStream, &mut Connection, &mut Vec<u8>),
    ) {
        let (Some(web), Reader::Bidi(reader)) = (&mut self.web, &mut incoming.reader) else { return };
        let mut bytes = Vec::new();
        answer(reader, &mut web.connection, &mut bytes);
        let mut stream = self.connection.send_stream(id);
        let _ = stream.write(&bytes);
        let _ = stream.finish();
        let _ = self.connection.recv_stream(id).stop(number(Code::NoError));
    }

    fn end_of_web(&mut self, id: StreamId, mut incoming: Incoming, end: End) -> Result<Outcome, Fault> {
        let Some(web) = &mut self.web else { return Ok(Outcome::Nothing) };
        let step = match &mut incoming.reader {
            Reader::Uni(reader) => {
                reader.end()?;
                return Ok(Outcome::Nothing);
            }
            Reader::Bidi(reader) => reader.end(&mut web.connection, end)?,
        };
        Ok(match step {
            BidiStep::Closed(ended) => {
                let _ = self.connection.send_stream(id).finish();
                Outcome::Ended(ended)
            }
            BidiStep::Broken(fault) | BidiStep::Reset(fault) => {
                let was_session = self.is_connect(id);
                let _ = self.connection.send_stream(id).reset(number(fault.code));
                if was_session { Outcome::Ended(Ended::default()) } else { Outcome::Nothing }
            }
            _ => Outcome::Nothing,
        })
    }

    fn keep(&mut self, id: StreamId, mut incoming: Incoming, kept: Option<Bytes>) {
        incoming.kept = kept;
        if let Some(web) = &mut self.web {
            web.streams.insert(id, incoming);
        }
    }

    /// Neither reads nor writes this stream any more.
    pub(super) fn give_up(&mut self, id: StreamId, code: VarInt) {
        let _ = self.connection.recv_stream(id).stop(code);
        if id.dir() == Dir::Bi {
            let _ = self.connection.send_stream(id).reset(code);
        }
    }
}

/// As it goes on the wire.
pub(super) fn number(code: Code) -> VarInt {
    VarInt::from_u64(code.number()).unwrap_or_default()
}
