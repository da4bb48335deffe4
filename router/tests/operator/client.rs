//! A client of the JSON format.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::patient::Patient;
use crate::process::PATIENCE;

pub(crate) struct Client {
    socket: WebSocket<Patient>,
    pub(crate) welcome: Value,
}

impl Client {
    /// Connects and says hello; the answer is `welcome` or an error.
    pub(crate) fn connect(address: SocketAddr, token: Option<&str>) -> Self {
        let stream = Patient::connect(address, PATIENCE).expect("clients are let in");
        let url = format!("ws://{address}/v1");
        let (socket, _) = tungstenite::client(url, stream).expect("a WebSocket");
        let mut client = Self { socket, welcome: Value::Null };
        client.send(&json!({ "type": "hello", "id": 1, "protocol": 1, "token": token }));
        client.welcome = client.read();
        client
    }

    pub(crate) fn send(&mut self, value: &Value) {
        self.socket.send(Message::text(value.to_string())).expect("sent");
    }

    /// The next frame.
    pub(crate) fn read(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().expect("a frame") {
                return serde_json::from_str(&text).expect("JSON");
            }
        }
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
        self.send(&json!({ "type": "join", "id": 2, "room": room }));
        loop {
            let frame = self.read();
            if frame["id"] == 2 {
                return frame;
            }
        }
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
