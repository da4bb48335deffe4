//! How an event came. Session view.

/// A way down: what comes the same way keeps its order, between any two ways there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// The control stream, or all that a WebSocket brings.
    #[default]
    Control,
    /// A stream that the server opened, by a number that is used once in a connection: a room's order, or one value.
    Stream(u64),
    /// In no order to anything: a datagram, or what was [held](super::Client::hold).
    Apart,
}
