//! JSON Web Tokens signed with HS256 (RFC 7519, RFC 7515), as RFC 8725 wants them verified.
//!
//! The algorithm is pinned: the header can only agree. A token needs `sub` (the user) and `exp`; `nbf` and `iat` are
//! checked when present; `aud` must name the configured audience, and may be there only if one is configured. Private
//! claims: `info`, a JSON object that member lists may show, and `rooms`, what the user may do where. Everything else
//! is ignored, but no claim that is read may stand twice.

mod sign;
mod verify;

pub use sign::sign;
#[doc(hidden)]
pub use sign::sign_parts;
pub use verify::Verifier;

use super::{SECRET_BYTES_MIN, SecretTooShort};
use crate::{ErrorCode, UnixMicros};
use core::fmt;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// Keys that one verifier tries.
pub const KEYS_MAX: usize = 8;
/// Grants in one token.
pub const GRANTS_MAX: usize = 64;
/// Default tolerance between the clocks of issuer and server.
pub const LEEWAY_S: u32 = 60;

/// A key that signs and verifies, with the id by which tokens may name it (`kid`).
#[derive(Clone)]
pub struct JwtKey {
    id: Option<String>,
    mac: Hmac<Sha256>,
}

impl JwtKey {
    /// A key of at least 32 bytes.
    ///
    /// # Errors
    /// Fewer bytes.
    pub fn new(id: Option<&str>, secret: &[u8]) -> Result<Self, SecretTooShort> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(SecretTooShort { bytes: secret.len() });
        }
        let mac = Hmac::new_from_slice(secret).map_err(|_| SecretTooShort { bytes: secret.len() })?;
        Ok(Self { id: id.map(str::to_owned), mac })
    }

    /// The id by which tokens may name the key.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "JwtKey({:?}, …)", self.id)
    }
}

/// What a token says about its bearer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `sub`: 1 to 128 bytes without control characters.
    pub user: String,
    /// From [`Verifier::verify`]: when a session by this token must end, that is `exp` and the leeway. For [`sign`]:
    /// `exp`, to the second.
    pub expires: UnixMicros,
    /// `info`: a JSON object of at most 512 bytes, as it stood in the token.
    pub info: Option<String>,
    /// `rooms`: at most 64.
    pub grants: Vec<RoomGrant>,
}

/// One element of `rooms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomGrant {
    /// A full room name; a trailing `*` stands for any rest.
    pub room: String,
    /// May join, and read history and presence. Absent: false.
    pub join: bool,
    /// May publish. Absent: false.
    pub publish: bool,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// Longer than 8 KiB.
    TooLong,
    /// Not three parts of strict base64url.
    Malformed,
    /// The header is not a JSON object as expected, or has a member twice.
    BadHeader,
    /// Any `alg` but `HS256`.
    WrongAlgorithm,
    /// The header demands to be understood (`crit`), or wraps another token (`cty`), or is of another `typ`.
    UnsupportedHeader,
    /// No configured key made this signature.
    BadSignature,
    /// The claims are not a JSON object, have a claim twice, or one is of the wrong type.
    BadClaims,
    /// `sub` is missing, empty, too long or has control characters.
    BadSubject,
    /// `exp` is missing.
    NoExpiry,
    /// `exp`, `nbf` or `iat` is no time between 1970 and 9999 in seconds.
    BadTime,
    /// `exp` is over.
    Expired,
    /// `nbf` is still to come.
    NotYetValid,
    /// `aud` does not name this server.
    WrongAudience,
    /// `info` is not an object, or longer than 512 bytes, or deeper than 32.
    BadInfo,
    /// `rooms` has more than 64 elements or one that is no room name or pattern.
    BadRooms,
}

impl TokenFault {
    /// What the client is told.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Expired => ErrorCode::TokenExpired,
            _ => ErrorCode::TokenInvalid,
        }
    }

    /// One sentence for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::TooLong => "the token is longer than 8 KiB",
            Self::Malformed => "the token is not three parts of base64url",
            Self::BadHeader => "the token's header is not valid",
            Self::WrongAlgorithm => "the token's algorithm is not HS256",
            Self::UnsupportedHeader => "the token's header asks for what is not supported (crit, cty or typ)",
            Self::BadSignature => "the token's signature does not verify",
            Self::BadClaims => "the token's claims are not valid",
            Self::BadSubject => "the token's sub must be 1 to 128 bytes without control characters",
            Self::NoExpiry => "the token has no exp",
            Self::BadTime => "the token's exp, nbf and iat must be Unix times in seconds",
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is not valid yet",
            Self::WrongAudience => "the token's aud does not name this server",
            Self::BadInfo => "the token's info must be a JSON object of at most 512 bytes, at most 32 deep",
            Self::BadRooms => "the token's rooms must be at most 64 room names or prefixes with *",
        }
    }
}

impl fmt::Display for TokenFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

impl core::error::Error for TokenFault {}
