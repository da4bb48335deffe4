//! Tokens: who a client is ([`jwt`]), and which session it had ([`resume`]). Pure: keys and time are arguments.
//!
//! Both are checked before anything else of a `hello` counts, on bytes that anyone may send: every door is bounded,
//! nothing of a token is believed before its MAC, and MACs are compared in constant time.

pub mod jwt;
pub mod resume;

pub use jwt::{Claims, JwtKey, RoomGrant, TokenFault, Verifier};
pub use resume::{Resume, ResumeFault, ResumeSecret, ResumeSecrets, next_generation};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A secret that is too short to be one: fewer than 32 bytes (RFC 7518 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretTooShort {
    /// The bytes it has.
    pub bytes: usize,
}

impl core::fmt::Display for SecretTooShort {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "the secret has {} bytes; it needs at least {SECRET_BYTES_MIN}", self.bytes)
    }
}

impl core::error::Error for SecretTooShort {}

/// Shortest secret, of any token.
pub const SECRET_BYTES_MIN: usize = 32;

/// Base64url without padding; any other character, padding and unused bits that are not zero are refused, so that a
/// token has one spelling.
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
