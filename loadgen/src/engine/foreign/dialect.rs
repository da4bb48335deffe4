//! What the engine asks of another server's protocol: one connection's side of it, without socket or clock. Client
//! view.

use std::time::Duration;

use ringway_protocol::Body;

use super::super::Out;

/// What a dialect made of the bytes it was given.
#[derive(Debug)]
pub(super) enum Heard<'a> {
    /// The server takes subscriptions and publications.
    Ready,
    /// The room is subscribed to.
    Joined,
    /// The body of a publication.
    Message(&'a [u8]),
    /// The server will not do what was asked of it, in words.
    Refused(String),
    /// Bytes that can't be, in words. Nothing more is made of this connection's bytes.
    Malformed(&'a str),
}

/// To whom a dialect tells what it heard.
pub(super) type Tell<'a> = &'a mut dyn FnMut(Heard<'_>);

/// One connection after the other of one client.
pub(super) trait Dialect {
    /// Whether the protocol begins where a WebSocket's upgrade ends, and not with the connection itself.
    fn is_websocket(&self) -> bool;

    /// A new connection without WebSocket: forgets the last one, and says what is said first, before anything is heard.
    fn greet(&mut self, out: &mut Out);

    /// The upgrade is done or, without WebSocket, the server is about to be heard for the first time.
    fn handle_open(&mut self, tell: Tell<'_>);

    /// One message; without WebSocket the next bytes, wherever they were cut.
    fn handle(&mut self, bytes: &[u8], out: &mut Out, tell: Tell<'_>);

    /// Asks for a room's publications; once, after [`Heard::Ready`].
    fn subscribe(&mut self, room: &str, out: &mut Out, tell: Tell<'_>);

    /// Says one publication; false when too many are outstanding.
    fn publish(&mut self, room: &str, body: Body<'_>, out: &mut Out) -> bool;

    /// How often to [`ping`](Self::ping), if at all. A server that is silent after one for as long is gone.
    fn ping_every(&self) -> Option<Duration>;

    /// Asks for a sign of life.
    fn ping(&mut self, out: &mut Out);

    /// Says goodbye, as far as the protocol has a word beside the WebSocket's own.
    fn leave(&mut self, out: &mut Out);

    /// Publications that the server has not acknowledged, though it should.
    fn outstanding(&self) -> u32;
}
