//! Streams of a peer cut anywhere give the answers that the whole gives; what is gathered stays within its bound; a
//! request that was read can be asked again, and reads the same.
//!
//! The first byte says which end reads, the second how the pieces are cut further. Then pieces: a byte for the stream
//! (or a datagram, or an end), a byte for the length, the bytes.

use std::collections::BTreeMap;

use ringway_protocol::webtransport::client::{self, Ask, ConnectStep, ConnectStream};
use ringway_protocol::webtransport::server::{self, BidiStep};
use ringway_protocol::webtransport::{
    CLOSE_REASON_BYTES_MAX, Connection, End, Fault, Request, Role, Step, UniStream, application_from_http3,
    application_to_http3, write_close, write_control_stream,
};

pub(crate) fn run(data: &[u8]) {
    let [setting, cut, script @ ..] = data else { return };
    let role = if setting & 1 == 0 { Role::Server } else { Role::Client };
    let whole = Half::play(role, script, None);
    assert_eq!(Half::play(role, script, Some(*cut)), whole);
    assert_eq!(Half::play(role, script, Some(0)), whole);
    if let Some(code) = script.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
        && let Some(application) = application_from_http3(code)
    {
        assert_eq!(application_to_http3(application), code);
    }
}

enum Stream {
    Uni(UniStream),
    Server(server::BidiStream),
    Client(client::BidiStream),
    Connect(ConnectStream),
    Raw,
    Gone,
}

/// What was told of a stream; raw bytes of one stream are one.
type Told = (Vec<(u64, String)>, BTreeMap<u64, Vec<u8>>, Option<Fault>);

struct Half {
    connection: Connection,
    streams: BTreeMap<u64, (Stream, Vec<u8>)>,
    told: Vec<(u64, String)>,
    raw: BTreeMap<u64, Vec<u8>>,
}

impl Half {
    fn play(role: Role, script: &[u8], cut: Option<u8>) -> Told {
        let connection = Connection::new(role);
        let mut half = Self { connection, streams: BTreeMap::new(), told: Vec::new(), raw: BTreeMap::new() };
        if role == Role::Client {
            half.ask();
        }
        let fault = half.receive_all(role, script, cut).err();
        (half.told, half.raw, fault)
    }

    /// The server's SETTINGS are here, and the request is out.
    fn ask(&mut self) {
        let mut control = Vec::new();
        write_control_stream(Role::Server, &mut control);
        let mut stream = UniStream::new();
        assert_eq!(stream.read(&mut self.connection, &mut &control[..]), Ok(Step::Settings));
        let ask = Ask { authority: "a", target: "/v1", origin: None, protocols: &["p"] };
        let connect = ConnectStream::ask(&self.connection, 0, &ask, &mut Vec::new()).unwrap();
        self.streams.insert(3, (Stream::Uni(stream), Vec::new()));
        self.streams.insert(0, (Stream::Connect(connect), Vec::new()));
    }

    fn receive_all(&mut self, role: Role, mut script: &[u8], cut: Option<u8>) -> Result<(), Fault> {
        while let [operation, length, rest @ ..] = script {
            let (bytes, after) = rest.split_at_checked(usize::from(*length)).unwrap_or((rest, &[]));
            script = after;
            // Eight streams of each kind; the client's first bidirectional one is the session's at both ends.
            let place = u64::from(operation & 0x07) * 4;
            let is_uni = operation & 0x08 != 0;
            let id = match role {
                Role::Server => place | u64::from(is_uni) << 1,
                Role::Client if place == 0 && !is_uni => 0,
                Role::Client => place | u64::from(is_uni) << 1 | 1,
            };
            match operation >> 6 {
                0..=1 => {
                    for piece in pieces(bytes, cut) {
                        self.receive(role, id, piece)?;
                    }
                }
                2 => self.end(id, if operation & 0x10 == 0 { End::Finished } else { End::Reset })?,
                _ => {
                    let datagram = self.connection.handle_datagram(bytes)?;
                    self.told.push((id, format!("{datagram:?}")));
                }
            }
        }
        Ok(())
    }

    fn receive(&mut self, role: Role, id: u64, bytes: &[u8]) -> Result<(), Fault> {
        let (_, kept) = self.streams.entry(id).or_insert_with(|| {
            let fresh = match role {
                _ if id & 2 != 0 => Stream::Uni(UniStream::new()),
                Role::Server => Stream::Server(server::BidiStream::new(id)),
                Role::Client => Stream::Client(client::BidiStream::new()),
            };
            (fresh, Vec::new())
        });
        kept.extend_from_slice(bytes);
        self.read(id, &[])
    }

    /// Reads what it can of a stream, and of those that waited for it; `busy` ones are being read further up.
    fn read(&mut self, id: u64, busy: &[u64]) -> Result<(), Fault> {
        let busy = &[busy, &[id]].concat()[..];
        loop {
            let (stream, kept) = self.streams.get_mut(&id).unwrap();
            let mut input = &kept[..];
            let (connection, before) = (&mut self.connection, kept.len());
            let step = match stream {
                Stream::Uni(stream) => AnyStep::of(stream.read(connection, &mut input)?),
                Stream::Client(stream) => AnyStep::of(stream.read(connection, &mut input)?),
                Stream::Server(stream) => {
                    AnyStep::of_server(stream.read(connection, &mut input)?, stream, connection)
                }
                Stream::Connect(stream) => AnyStep::of_connect(stream.read(connection, &mut input)?),
                Stream::Raw => {
                    self.raw.entry(id).or_default().append(kept);
                    return Ok(());
                }
                Stream::Gone => {
                    kept.clear();
                    return Ok(());
                }
            };
            let left = input.len();
            kept.drain(..before - left);
            match step {
                AnyStep::More => {
                    assert_eq!(left, 0, "all was taken");
                    return Ok(());
                }
                AnyStep::Wait => return Ok(()),
                AnyStep::Become(become_what) => *stream = become_what,
                AnyStep::Told(told, ends) => {
                    self.told.push((id, told));
                    if ends {
                        *stream = Stream::Gone;
                    }
                }
                AnyStep::Opened(told) => {
                    self.told.push((id, told));
                    let waiting: Vec<u64> =
                        self.streams.keys().copied().filter(|other| !busy.contains(other)).collect();
                    for other in waiting {
                        self.read(other, busy)?;
                    }
                }
            }
        }
    }

    fn end(&mut self, id: u64, end: End) -> Result<(), Fault> {
        let Some((stream, kept)) = self.streams.get_mut(&id) else { return Ok(()) };
        if !kept.is_empty() {
            return Ok(());
        }
        let step = match stream {
            Stream::Uni(stream) => return stream.end(),
            Stream::Server(stream) => format!("{:?}", stream.end(&mut self.connection, end)?),
            Stream::Connect(stream) => format!("{:?}", stream.end(&mut self.connection, end)?),
            Stream::Client(_) | Stream::Raw | Stream::Gone => return Ok(()),
        };
        self.told.push((id, step));
        *stream = Stream::Gone;
        Ok(())
    }
}

enum AnyStep {
    More,
    Wait,
    Become(Stream),
    /// Something was said; whether the stream is over with it.
    Told(String, bool),
    /// Streams that waited can go on.
    Opened(String),
}

impl AnyStep {
    fn of(step: Step) -> Self {
        match step {
            Step::More => Self::More,
            Step::Wait => Self::Wait,
            Step::Data => Self::Become(Stream::Raw),
            Step::Stop(_) => Self::Told(format!("{step:?}"), true),
            Step::Settings => Self::Opened(format!("{step:?}")),
            Step::GoAway => Self::Told(format!("{step:?}"), false),
        }
    }

    fn of_server(step: BidiStep, stream: &mut server::BidiStream, connection: &mut Connection) -> Self {
        let text = format!("{step:?}");
        match step {
            BidiStep::More => Self::More,
            BidiStep::Wait => Self::Wait,
            BidiStep::Data => Self::Become(Stream::Raw),
            BidiStep::Request(request) => {
                ask_again(&request);
                stream.accept(connection, None, &mut Vec::new());
                Self::Opened(text)
            }
            BidiStep::Refuse(status) => {
                stream.refuse(connection, status, &mut Vec::new());
                Self::Told(text, false)
            }
            BidiStep::Closed(ended) => {
                check_close(ended.code, &ended.reason);
                Self::Told(text, false)
            }
            BidiStep::Drain => Self::Told(text, false),
            BidiStep::Reset(_) | BidiStep::Broken(_) => Self::Told(text, true),
        }
    }

    fn of_connect(step: ConnectStep) -> Self {
        let text = format!("{step:?}");
        match step {
            ConnectStep::More => Self::More,
            ConnectStep::Accepted { .. } => Self::Opened(text),
            ConnectStep::Closed(ended) => {
                check_close(ended.code, &ended.reason);
                Self::Told(text, false)
            }
            ConnectStep::Drain | ConnectStep::Refused(_) => Self::Told(text, false),
            ConnectStep::Broken(_) => Self::Told(text, true),
        }
    }
}

/// Pieces of 1 to 8 bytes by a small generator; of one byte for 0; all of it for `None`.
fn pieces(bytes: &[u8], cut: Option<u8>) -> impl Iterator<Item = &[u8]> {
    let (mut rest, mut state) = (bytes, u32::from(cut.unwrap_or(0)));
    core::iter::from_fn(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let size = match cut {
            None => rest.len(),
            Some(0) => 1,
            Some(_) => (state >> 24 & 7) as usize + 1,
        };
        let (piece, after) = rest.split_at_checked(size).unwrap_or((rest, &[]));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Our client asks the same, and our server reads the same.
fn ask_again(request: &Request) {
    let mut client = Connection::new(Role::Client);
    let mut server = Connection::new(Role::Server);
    for (role, connection) in [(Role::Server, &mut client), (Role::Client, &mut server)] {
        let mut control = Vec::new();
        write_control_stream(role, &mut control);
        assert_eq!(UniStream::new().read(connection, &mut &control[..]), Ok(Step::Settings));
    }
    let query = request.query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("{}{query}", request.path());
    let protocols: Vec<&str> = request.protocols().collect();
    let ask = Ask {
        authority: request.authority(),
        target: &target,
        origin: request.origin(),
        protocols: &protocols,
    };
    let mut bytes = Vec::new();
    ConnectStream::ask(&client, 0, &ask, &mut bytes).unwrap();
    match server::BidiStream::new(0).read(&mut server, &mut &bytes[..]) {
        Ok(BidiStep::Request(again)) => assert_eq!(&*again, request),
        // What is larger uncompressed may be more than is taken.
        Ok(BidiStep::Refuse(status)) => assert_eq!(status.number(), 431),
        other => panic!("{other:?}"),
    }
}

fn check_close(code: u32, reason: &str) {
    assert!(reason.len() <= CLOSE_REASON_BYTES_MAX);
    let mut close = Vec::new();
    write_close(code, reason, &mut close);
    assert!(close.len() <= CLOSE_REASON_BYTES_MAX + 16);
}
