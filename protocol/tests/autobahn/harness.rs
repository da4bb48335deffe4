//! One case: frames of the client in pieces as they are sent, and what the server must answer.

use ringway_protocol::websocket::{
    Decoder, Item, Opcode, RfcClose, Role, apply_mask, write_close, write_close_reply, write_frame,
};

/// The suite's echo server takes messages up to this size.
pub(crate) const ECHO_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// What the server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
}

/// Echoes messages, answers pings and close frames, and fails the connection as RFC 6455 §7.1.7 says.
pub(crate) struct EchoServer {
    decoder: Decoder,
    out: Vec<u8>,
    closed: bool,
}

impl EchoServer {
    pub(crate) fn new(message_bytes_max: u32) -> Self {
        Self { decoder: Decoder::new(Role::Server, message_bytes_max), out: Vec::new(), closed: false }
    }

    /// One read of the socket.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        if self.closed {
            return;
        }
        let mut scratch = bytes.to_vec();
        let mut at = 0;
        loop {
            let decoded = match self.decoder.decode(&mut scratch[at..]) {
                Ok(decoded) => decoded,
                Err(violation) => {
                    write_close(&mut self.out, violation.close(), violation.text());
                    self.closed = true;
                    return;
                }
            };
            at += decoded.consumed;
            match decoded.item {
                Some(Item::Text(text)) => write_frame(&mut self.out, Opcode::Text, text.as_bytes()),
                Some(Item::Binary(bytes)) => write_frame(&mut self.out, Opcode::Binary, bytes),
                Some(Item::Ping(payload)) => write_frame(&mut self.out, Opcode::Pong, payload),
                Some(Item::Pong(_)) => {}
                Some(Item::Close { code, .. }) => {
                    write_close_reply(&mut self.out, code);
                    self.closed = true;
                    return;
                }
                None => break,
            }
        }
        assert_eq!(at, scratch.len(), "without an item all bytes are consumed");
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Everything said since the last call.
    pub(crate) fn answers(&mut self) -> Vec<Answer> {
        let mut decoder = Decoder::new(Role::Client, ECHO_BYTES_MAX);
        let mut answers = Vec::new();
        let mut at = 0;
        loop {
            let decoded = decoder.decode(&mut self.out[at..]).expect("the server keeps the RFC");
            at += decoded.consumed;
            answers.push(match decoded.item {
                Some(Item::Text(text)) => Answer::Text(text.as_bytes().to_vec()),
                Some(Item::Binary(bytes)) => Answer::Binary(bytes.to_vec()),
                Some(Item::Pong(payload)) => Answer::Pong(payload.to_vec()),
                Some(Item::Close { code, .. }) => Answer::Close(code),
                Some(Item::Ping(_)) => panic!("the server asked for a pong"),
                None => break,
            });
        }
        self.out.clear();
        answers
    }
}

/// A client's frame as raw as the suite builds them: any opcode, any reserved bits.
pub(crate) fn frame(opcode: u8, fin: bool, rsv: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x9a, 0x01, 0xfe, 0x5c];
    let mut out = vec![u8::from(fin) << 7 | rsv << 4 | opcode];
    match payload.len() {
        length @ 0..=125 => out.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&KEY);
    let start = out.len();
    out.extend_from_slice(payload);
    apply_mask(&mut out[start..], KEY);
    out
}

/// The payload of a close frame.
pub(crate) fn close_payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// A case in the making.
pub(crate) struct Case {
    id: String,
    sent: Vec<Vec<u8>>,
    expected: Vec<Answer>,
}

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

impl Case {
    pub(crate) fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), sent: Vec::new(), expected: Vec::new() }
    }

    /// Sends a frame.
    pub(crate) fn frame(self, opcode: u8, fin: bool, payload: impl AsRef<[u8]>) -> Self {
        self.raw(frame(opcode, fin, 0, payload.as_ref()))
    }

    /// Sends a final frame with reserved bits.
    pub(crate) fn reserved(self, opcode: u8, rsv: u8, payload: impl AsRef<[u8]>) -> Self {
        self.raw(frame(opcode, true, rsv, payload.as_ref()))
    }

    /// Sends the last frame again in pieces of so many bytes.
    pub(crate) fn chopped(mut self, bytes: usize) -> Self {
        let last = self.sent.pop().expect("a frame to chop");
        self.sent.extend(last.chunks(bytes).map(<[u8]>::to_vec));
        self
    }

    /// Sends a message in fragments of so many bytes.
    pub(crate) fn fragmented(mut self, opcode: u8, payload: &[u8], bytes: usize) -> Self {
        let count = payload.len().div_ceil(bytes);
        for (index, fragment) in payload.chunks(bytes).enumerate() {
            let opcode = if index == 0 { opcode } else { 0 };
            self.sent.push(frame(opcode, index + 1 == count, 0, fragment));
        }
        self
    }

    fn raw(mut self, bytes: Vec<u8>) -> Self {
        self.sent.push(bytes);
        self
    }

    pub(crate) fn text(mut self, payload: impl AsRef<[u8]>) -> Self {
        self.expected.push(Answer::Text(payload.as_ref().to_vec()));
        self
    }

    pub(crate) fn binary(mut self, payload: impl AsRef<[u8]>) -> Self {
        self.expected.push(Answer::Binary(payload.as_ref().to_vec()));
        self
    }

    pub(crate) fn pong(mut self, payload: impl AsRef<[u8]>) -> Self {
        self.expected.push(Answer::Pong(payload.as_ref().to_vec()));
        self
    }

    /// The client closes with 1000 and gets the same back.
    pub(crate) fn closes_cleanly(self) {
        self.frame(CLOSE, true, close_payload(1000, b"")).answered(Some(1000));
    }

    /// The client's own frames brought this code about.
    pub(crate) fn answered(mut self, code: Option<u16>) {
        self.expected.push(Answer::Close(code));
        self.play();
    }

    /// The server fails the connection.
    pub(crate) fn fails(self, code: RfcClose) {
        self.answered(Some(code.number()));
    }

    /// Plays the pieces as they were sent, all at once, and byte by byte (unless that is very many).
    fn play(self) {
        let joined = self.sent.concat();
        let mut ways: Vec<(&str, Vec<&[u8]>)> =
            vec![("as sent", self.sent.iter().map(Vec::as_slice).collect()), ("at once", vec![&joined])];
        if joined.len() <= 70_000 {
            ways.push(("byte by byte", joined.chunks(1).collect()));
        }
        for (way, pieces) in ways {
            let mut server = EchoServer::new(ECHO_BYTES_MAX);
            for piece in pieces {
                server.receive(piece);
            }
            let answers = server.answers();
            assert!(
                answers == self.expected,
                "case {} {way}: {}",
                self.id,
                difference(&answers, &self.expected)
            );
            assert!(server.is_closed(), "case {} {way}: still open", self.id);
        }
    }
}

/// What differs, without printing megabytes.
fn difference(answers: &[Answer], expected: &[Answer]) -> String {
    let shown = |answers: &[Answer]| {
        answers
            .iter()
            .map(|answer| format!("{answer:?}").chars().take(200).collect::<String>())
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!("got [{}], expected [{}]", shown(answers), shown(expected))
}
