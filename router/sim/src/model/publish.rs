//! What clients meant to publish, and where it went: each intent at most once, under its own key, by its own user.

use ringway_protocol::{Epoch, Lane, Position, SessionId};

/// One thing that somebody wanted to say, however often it was sent.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Which room.
    pub room: usize,
    /// Whose.
    pub user: String,
    /// Sessions that sent it.
    pub sessions: Vec<SessionId>,
    /// How it travels.
    pub lane: Lane,
    /// Its key; `""` without one.
    pub key: String,
    /// Idempotency.
    pub msg_id: Option<Vec<u8>>,
    /// The publisher's position when it was first sent, if it knew one.
    pub first_sent: Option<Position>,
    /// Bytes of the body.
    pub body_bytes: usize,
    /// Where it was published: the order and the number in it.
    pub places: Vec<(Epoch, u64)>,
}

/// Length of the number at the start of every body.
pub const NUMBER_BYTES: usize = 8;

/// The body of an intent: its number and so much padding.
#[must_use]
pub fn body(intent: usize, padding: u64) -> Vec<u8> {
    let mut body = (intent as u64).to_le_bytes().to_vec();
    body.resize(NUMBER_BYTES + padding as usize, b'.');
    body
}

/// The intent that a body is of.
#[must_use]
pub fn intent_of(body: &[u8]) -> Option<usize> {
    let number: [u8; NUMBER_BYTES] = body.get(..NUMBER_BYTES)?.try_into().ok()?;
    usize::try_from(u64::from_le_bytes(number)).ok()
}
