//! A server's half with its streams, driven the way a router drives it: what must wait is kept and offered again.

use std::collections::BTreeMap;

use ringway_protocol::webtransport::server::{BidiStep, BidiStream};
use ringway_protocol::webtransport::{Connection, End, Fault, Role, Status, Step, UniStream};

/// What the server was told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Settings,
    GoAway,
    /// Raw bytes of a stream of the session.
    Data(u64, Vec<u8>),
    Stop(u64, Fault),
    Request(u64, String),
    Refuse(u64, Status),
    Reset(u64, Fault),
    Drain,
    Closed(u32, String),
    Broken(Fault),
}

enum Stream {
    Uni(UniStream),
    Bidi(BidiStream),
    Raw,
    Gone,
}

/// The server; requests are accepted as they come, with the protocol offered first.
pub(crate) struct Server {
    pub(crate) connection: Connection,
    streams: BTreeMap<u64, (Stream, Vec<u8>)>,
    pub(crate) told: Vec<Told>,
    pub(crate) answer: Vec<u8>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let connection = Connection::new(Role::Server);
        Self { connection, streams: BTreeMap::new(), told: Vec::new(), answer: Vec::new() }
    }

    /// Bytes of a stream of the client's. Those of one stream that follow each other are told as one.
    pub(crate) fn receive(&mut self, id: u64, bytes: &[u8]) -> Result<(), Fault> {
        let fresh =
            if id & 2 == 0 { Stream::Bidi(BidiStream::new(id)) } else { Stream::Uni(UniStream::new()) };
        let (_, kept) = self.streams.entry(id).or_insert((fresh, Vec::new()));
        kept.extend_from_slice(bytes);
        self.read(id, &[])
    }

    pub(crate) fn end(&mut self, id: u64, end: End) -> Result<(), Fault> {
        match self.streams.get_mut(&id) {
            Some((Stream::Uni(stream), _)) => stream.end(),
            Some((Stream::Bidi(stream), _)) => {
                let step = stream.end(&mut self.connection, end)?;
                self.hear(id, step);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Reads what it can of a stream, and of those that waited for it; `busy` ones are being read further up.
    fn read(&mut self, id: u64, busy: &[u64]) -> Result<(), Fault> {
        let busy = &[busy, &[id]].concat()[..];
        loop {
            let (stream, kept) = self.streams.get_mut(&id).unwrap();
            let mut input = &kept[..];
            let step = match stream {
                Stream::Uni(stream) => BidiOrUni::Uni(stream.read(&mut self.connection, &mut input)?),
                Stream::Bidi(stream) => BidiOrUni::Bidi(stream.read(&mut self.connection, &mut input)?),
                Stream::Raw | Stream::Gone => {
                    let bytes = core::mem::take(kept);
                    if matches!(stream, Stream::Raw) {
                        self.data(id, bytes);
                    }
                    return Ok(());
                }
            };
            let taken = kept.len() - input.len();
            kept.drain(..taken);
            let goes_on = match step {
                BidiOrUni::Bidi(BidiStep::More) | BidiOrUni::Uni(Step::More) => {
                    assert!(kept.is_empty(), "all was taken");
                    return Ok(());
                }
                BidiOrUni::Bidi(BidiStep::Wait) | BidiOrUni::Uni(Step::Wait) => return Ok(()),
                BidiOrUni::Uni(step) => self.hear_uni(id, step),
                BidiOrUni::Bidi(step) => self.hear(id, step),
            };
            if goes_on {
                let waiting: Vec<u64> =
                    self.streams.keys().copied().filter(|other| !busy.contains(other)).collect();
                for other in waiting {
                    self.read(other, busy)?;
                }
            }
        }
    }

    /// Whether streams that waited can go on.
    fn hear_uni(&mut self, id: u64, step: Step) -> bool {
        match step {
            Step::Data => self.become_raw(id),
            Step::Stop(fault) => {
                self.told.push(Told::Stop(id, fault));
                self.streams.get_mut(&id).unwrap().0 = Stream::Gone;
            }
            Step::Settings => {
                self.told.push(Told::Settings);
                return true;
            }
            Step::GoAway => self.told.push(Told::GoAway),
            Step::More | Step::Wait => unreachable!(),
        }
        false
    }

    fn hear(&mut self, id: u64, step: BidiStep) -> bool {
        let (stream, _) = self.streams.get_mut(&id).unwrap();
        let Stream::Bidi(bidi) = stream else { unreachable!() };
        match step {
            BidiStep::Data => self.become_raw(id),
            BidiStep::Request(request) => {
                let first = request.protocols().next().map(str::to_owned);
                bidi.accept(&mut self.connection, first.as_deref(), &mut self.answer);
                self.told.push(Told::Request(id, format!("{request:?}")));
                return true;
            }
            BidiStep::Refuse(status) => {
                bidi.refuse(&mut self.connection, status, &mut self.answer);
                self.told.push(Told::Refuse(id, status));
            }
            BidiStep::Reset(fault) => {
                *stream = Stream::Gone;
                self.told.push(Told::Reset(id, fault));
            }
            BidiStep::Drain => self.told.push(Told::Drain),
            BidiStep::Closed(ended) => self.told.push(Told::Closed(ended.code, ended.reason.into())),
            BidiStep::Broken(fault) => {
                *stream = Stream::Gone;
                self.told.push(Told::Broken(fault));
            }
            BidiStep::More | BidiStep::Wait => {}
        }
        false
    }

    fn become_raw(&mut self, id: u64) {
        self.streams.get_mut(&id).unwrap().0 = Stream::Raw;
    }

    fn data(&mut self, id: u64, bytes: Vec<u8>) {
        let known = self.told.iter_mut().find_map(|told| match told {
            Told::Data(other, bytes) if *other == id => Some(bytes),
            _ => None,
        });
        match known {
            Some(known) => known.extend_from_slice(&bytes),
            None if bytes.is_empty() => {}
            None => self.told.push(Told::Data(id, bytes)),
        }
    }
}

enum BidiOrUni {
    Uni(Step),
    Bidi(BidiStep),
}

/// What a server is told by these streams, each whole before the next, and what ends the connection, if anything.
pub(crate) fn told(streams: &[(u64, &[u8])], cut: impl Fn(usize) -> usize) -> (Vec<Told>, Option<Fault>) {
    let mut server = Server::new();
    for (id, bytes) in streams {
        let mut rest = *bytes;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(cut(rest.len()).clamp(1, rest.len()));
            rest = after;
            if let Err(fault) = server.receive(*id, piece) {
                return (server.told, Some(fault));
            }
        }
    }
    (server.told, None)
}

/// The same whole, byte by byte, and cut once at every place.
pub(crate) fn told_however_cut(streams: &[(u64, &[u8])]) -> (Vec<Told>, Option<Fault>) {
    let whole = told(streams, |rest| rest);
    assert_eq!(told(streams, |_| 1), whole, "byte by byte");
    for at in 1..streams.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0) {
        let once = |rest: usize| {
            let all = streams.iter().map(|(_, bytes)| bytes.len()).find(|&all| all == rest);
            if all.is_some() { at } else { rest }
        };
        assert_eq!(told(streams, once), whole, "cut at {at}");
    }
    whole
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// An integer of QUIC in a form of eight bytes.
pub(crate) fn long(value: u64) -> [u8; 8] {
    (value | 3 << 62).to_be_bytes()
}

/// A frame or a capsule.
pub(crate) fn record(kind: u64, payload: &[u8]) -> Vec<u8> {
    [&long(kind)[..], &long(payload.len() as u64), payload].concat()
}
