//! How the bytes of a connection become messages. Connection view.

use ringway_protocol::websocket::{Decoder, Item, Opcode, Role};

use super::transport::Transport;
use super::{Ending, Handler, LinkId, Nanos, Out};

/// Largest message of a server that is taken.
const MESSAGE_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// One connection's, with what it holds of a message whose end has not come.
pub(super) enum Framing {
    WebSocket(Decoder),
    /// Whoever handles the bytes knows.
    Bare,
}

impl Framing {
    pub(super) fn web_socket() -> Self {
        Self::WebSocket(Decoder::new(Role::Client, MESSAGE_BYTES_MAX))
    }

    /// Hands over what is in these bytes; control frames of WebSocket are answered here.
    pub(super) fn handle(
        &mut self,
        input: &mut [u8],
        (now, id): (Nanos, LinkId),
        out: &mut Out,
        transport: &mut Transport,
        handler: &mut impl Handler,
    ) -> Result<(), Ending> {
        match self {
            Self::WebSocket(decoder) => decode(decoder, input, (now, id), out, transport, handler),
            Self::Bare => {
                handler.handle_bytes(now, id, input, out);
                Ok(())
            }
        }
    }
}

fn decode(
    decoder: &mut Decoder,
    mut input: &mut [u8],
    (now, id): (Nanos, LinkId),
    out: &mut Out,
    transport: &mut Transport,
    handler: &mut impl Handler,
) -> Result<(), Ending> {
    loop {
        let decoded = match decoder.decode(input) {
            Ok(decoded) => decoded,
            Err(violation) => return Err(Ending::Broken(violation.text().to_owned())),
        };
        let consumed = decoded.consumed;
        match decoded.item {
            None => return Ok(()),
            Some(Item::Ping(payload)) => out.message(Opcode::Pong, payload),
            Some(Item::Pong(_)) => {}
            Some(Item::Close { code, reason }) => {
                let reason = reason.to_owned();
                out.close(code.unwrap_or(1000));
                let _ = out.flush(transport);
                return Err(Ending::Closed { code, reason });
            }
            Some(item) => handler.handle_item(now, id, item, out),
        }
        input = &mut input[consumed..];
    }
}
