//! One connection to another node.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use quinn_proto::{Connection, Dir, Side, StreamId, VarInt};
use ringway_link::{Window, Word, limit};
use ringway_protocol::NodeId;

use super::stream::Stream;

/// A stream of a link: 0 to 15.
pub(super) type StreamNumber = u16;

/// How far a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// TLS, or hellos.
    Greeting,
    Up,
    /// Its last word is on its way; nothing is read any more.
    Ending,
    /// What is left is QUIC's own goodbye.
    Over,
}

/// Who the peer is, by a hello that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Met {
    pub(super) node: NodeId,
    pub(super) incarnation: u64,
    pub(super) version: u16,
    pub(super) shards: u16,
}

/// One connection.
pub(super) struct Link {
    pub(super) connection: Connection,
    /// Which of the shard's sockets it uses.
    pub(super) socket: usize,
    pub(super) address: SocketAddr,
    pub(super) stage: Stage,
    /// When the stage must be over: of the hellos, of the last word.
    pub(super) until: Option<Instant>,
    /// Whom this node dialled.
    pub(super) dialled: Option<NodeId>,
    /// TLS is done.
    pub(super) connected: bool,
    /// Whom its certificate names.
    pub(super) certified: Option<NodeId>,
    pub(super) met: Option<Met>,
    /// The peer accepted our hello.
    pub(super) accepted: bool,
    pub(super) up_since: Option<Instant>,
    /// The code and text of the close behind the last word.
    pub(super) close: Option<(u16, String)>,
    pub(super) streams: Vec<Stream>,
    /// How many streams there are yet: the accepting end learns of them as the dialling end uses them.
    pub(super) open: StreamNumber,
    /// Streams that have more to read, that have something to write, that take nothing now.
    pub(super) unread: Streams,
    pub(super) dirty: Streams,
    pub(super) blocked: Streams,
    /// Bytes in the streams' writers.
    pub(super) unsent: usize,
    /// On the list of the turn.
    pub(super) touched: bool,
    /// When its timer is due.
    pub(super) timer: Option<Instant>,
    /// Trains of packets sent in this turn.
    pub(super) trains: usize,
}

impl Link {
    pub(super) fn new(
        connection: Connection,
        socket: usize,
        dialled: Option<NodeId>,
        until: Instant,
        span: Window,
    ) -> Self {
        Self {
            address: connection.remote_address(),
            connection,
            socket,
            stage: Stage::Greeting,
            until: Some(until),
            dialled,
            connected: false,
            certified: None,
            met: None,
            accepted: false,
            up_since: None,
            close: None,
            streams: (0..limit::STREAMS).map(|_| Stream::new(span)).collect(),
            open: 0,
            unread: Streams::default(),
            dirty: Streams::default(),
            blocked: Streams::default(),
            unsent: 0,
            touched: false,
            timer: None,
            trains: 0,
        }
    }

    /// Whom the link is with, as far as that is known.
    pub(super) fn node(&self) -> Option<NodeId> {
        self.met.map(|met| met.node).or(self.dialled).or(self.certified)
    }

    pub(super) fn stream(&mut self, number: StreamNumber) -> &mut Stream {
        &mut self.streams[usize::from(number)]
    }

    /// Puts a word on stream 0, about the link or its end.
    pub(super) fn say(&mut self, word: Word<'_>) {
        self.unsent += self.streams[0].put_word(word);
        self.dirty.add(0);
    }

    /// Closes the connection, with what its last word said.
    pub(super) fn shut(&mut self, now: Instant) {
        let (code, text) = self.close.take().unwrap_or_default();
        self.connection.close(now, VarInt::from(code), Bytes::from(text.into_bytes()));
        (self.stage, self.until) = (Stage::Over, None);
    }

    /// Of the streams whose frames may be read now, one that has some.
    pub(super) fn next_unread(&self) -> Option<StreamNumber> {
        match self.stage {
            Stage::Greeting => (self.connected && self.unread.has(0)).then_some(0),
            Stage::Up => self.unread.first(),
            Stage::Ending | Stage::Over => None,
        }
    }
}

/// QUIC's number of a stream: the dialling end opens them all.
pub(super) fn id_of(number: StreamNumber) -> StreamId {
    StreamId::new(Side::Client, Dir::Bi, u64::from(number))
}

/// A stream's number; `None` for one that a link does not have.
pub(super) fn number_of(id: StreamId) -> Option<StreamNumber> {
    let number = u16::try_from(id.index()).ok()?;
    (number < limit::STREAMS && id == id_of(number)).then_some(number)
}

/// Some of the streams of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Streams(u16);

const _: () = assert!(limit::STREAMS as u32 == u16::BITS);

impl Streams {
    pub(super) const ALL: Self = Self(u16::MAX);

    pub(super) const fn add(&mut self, number: StreamNumber) {
        self.0 |= 1 << number;
    }

    pub(super) const fn merge(&mut self, others: Self) {
        self.0 |= others.0;
    }

    pub(super) const fn remove(&mut self, number: StreamNumber) {
        self.0 &= !(1 << number);
    }

    pub(super) const fn has(self, number: StreamNumber) -> bool {
        self.0 & 1 << number != 0
    }

    pub(super) fn first(self) -> Option<StreamNumber> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as StreamNumber)
    }

    /// Those that are not in `others`, of the first `open`.
    pub(super) fn without(self, others: Self, open: StreamNumber) -> impl Iterator<Item = StreamNumber> {
        (0..open).filter(move |number| self.has(*number) && !others.has(*number))
    }
}
