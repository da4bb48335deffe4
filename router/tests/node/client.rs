//! A client of either format, which blocks; and JSON where a test only looks at what comes.

use ringway_protocol::codec::{BinaryEncoder, binary, frames};
use ringway_protocol::command::{Command, Hello, Join, Publish};
use ringway_protocol::event::{ErrorEvent, Event};
use ringway_protocol::{Body, BodyKind, Format, Lane, RequestId, RoomName};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::patient::Patient;
use crate::support::Node;

/// A connection that speaks one format and understands what comes as JSON values.
pub(crate) struct Client {
    pub(crate) socket: WebSocket<Patient>,
    format: Format,
    encoder: BinaryEncoder,
    /// Frames of a message that held several.
    waiting: Vec<Value>,
    pub(crate) welcome: Value,
}

pub(crate) fn id(id: u32) -> Option<RequestId> {
    RequestId::new(id)
}

impl Client {
    /// Connects and says nothing yet.
    pub(crate) fn silent(node: &Node, format: Format) -> Self {
        Self::over(node.open("/v1"), format)
    }

    /// Over a WebSocket connection on which nothing was said yet.
    pub(crate) fn over(socket: WebSocket<Patient>, format: Format) -> Self {
        Self { socket, format, encoder: BinaryEncoder::new(), waiting: Vec::new(), welcome: Value::Null }
    }

    /// Connects and is welcomed.
    pub(crate) fn open(node: &Node, format: Format) -> Self {
        let mut client = Self::silent(node, format);
        client.hello(None);
        assert_eq!(client.welcome["type"], "welcome");
        client
    }

    /// Says hello; whatever is answered is the `welcome`.
    pub(crate) fn hello(&mut self, resume: Option<&str>) {
        self.say(&Command::Hello(Hello { id: id(1), protocol: 1, token: None, client: None, resume }));
        self.welcome = self.read();
    }

    pub(crate) fn say(&mut self, command: &Command<'_>) {
        self.say_later(command);
        self.socket.flush().unwrap();
    }

    /// As `say`, but it may wait for what is said next, to go out together with it.
    fn say_later(&mut self, command: &Command<'_>) {
        let message = match self.format {
            Format::Binary => Message::binary(self.encoder.command(command).to_vec()),
            Format::Json => {
                let mut text = Vec::new();
                ringway_protocol::codec::json::encode_command(command, &mut text);
                Message::text(String::from_utf8(text).unwrap())
            }
        };
        self.socket.write(message).unwrap();
    }

    /// The next frame; a binary one in the shape of its JSON form, without a room's name in messages.
    pub(crate) fn read(&mut self) -> Value {
        if self.waiting.is_empty() {
            match self.socket.read().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Binary(bytes) => {
                    for frame in frames(&bytes, 16 << 20) {
                        self.waiting.push(as_json(&binary::decode_event(frame.unwrap()).unwrap()));
                    }
                }
                other => panic!("{other:?} instead of a frame"),
            }
        }
        self.waiting.remove(0)
    }

    /// The next frame of this type.
    pub(crate) fn read_type(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.read();
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    pub(crate) fn join(&mut self, room: &str) -> Value {
        let room = RoomName::new(room).unwrap();
        let join =
            Join { id: id(2), room, since: None, versions: Vec::new(), presence: false, stream: false };
        self.say(&Command::Join(join));
        self.read_type("joined")
    }

    pub(crate) fn publish(&mut self, room: &str, text: &str, lane: Lane, wants_answer: bool) {
        self.publish_later(room, text, lane, wants_answer);
        self.socket.flush().unwrap();
    }

    /// Publishes all of them in as few writes as the buffer lets.
    pub(crate) fn publish_at_once(&mut self, room: &str, texts: impl Iterator<Item = String>) {
        for text in texts {
            self.publish_later(room, &text, Lane::Reliable, false);
        }
        self.socket.flush().unwrap();
    }

    fn publish_later(&mut self, room: &str, text: &str, lane: Lane, wants_answer: bool) {
        self.say_later(&Command::Publish(Publish {
            id: if wants_answer { id(3) } else { None },
            room: RoomName::new(room).unwrap(),
            body: Body { kind: BodyKind::Text, bytes: text.as_bytes() },
            lane,
            key: None,
            msg_id: None,
            retry: None,
            echo: true,
        }));
    }

    /// The text of the next message.
    pub(crate) fn text(&mut self) -> String {
        self.read_type("message")["text"].as_str().unwrap().to_owned()
    }

    /// Reads to the end: the code of the close frame.
    pub(crate) fn close_code(&mut self) -> u16 {
        loop {
            match self.socket.read() {
                Ok(Message::Close(Some(frame))) => return frame.code.into(),
                Ok(_) => {}
                Err(error) => panic!("no close frame: {error}"),
            }
        }
    }
}

pub(crate) fn as_json(event: &Event<'_>) -> Value {
    let mut text = Vec::new();
    ringway_protocol::codec::json::encode_event(event, &mut text);
    let mut value: Value = serde_json::from_slice(&text).unwrap();
    if let Event::Error(ErrorEvent { code, .. }) = event {
        value["name"] = json!(code.name());
    }
    value
}
