//! Making tokens: for the operator's `token` command, for back ends in Rust, and for tests.

use super::super::encode;
use super::{Claims, JwtKey, RoomGrant};
use crate::UnixMicros;
use hmac::Mac as _;
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Payload<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rooms: Vec<Grant<'a>>,
}

#[derive(Serialize)]
struct Grant<'a> {
    room: &'a str,
    join: bool,
    publish: bool,
}

/// Signs a token.
///
/// # Errors
/// `info` is not JSON. The other bounds of [`Claims`] are the verifier's business.
pub fn sign(
    key: &JwtKey,
    claims: &Claims,
    audience: Option<&str>,
    issued: UnixMicros,
) -> Result<String, serde_json::Error> {
    let header = Header { alg: "HS256", typ: "JWT", kid: key.id() };
    let payload = Payload {
        sub: &claims.user,
        iat: issued.0 / 1_000_000,
        exp: claims.expires.0 / 1_000_000,
        aud: audience,
        info: claims.info.as_deref().map(serde_json::from_str).transpose()?,
        rooms: claims
            .grants
            .iter()
            .map(|RoomGrant { room, join, publish }| Grant { room, join: *join, publish: *publish })
            .collect(),
    };
    Ok(sign_parts(key, &serde_json::to_string(&header)?, &serde_json::to_string(&payload)?))
}

/// Signs a header and claims as they are, valid or not: tests say with it what no honest issuer would.
#[doc(hidden)]
#[must_use]
pub fn sign_parts(key: &JwtKey, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let mut mac = key.mac.clone();
    mac.update(signed.as_bytes());
    let signature = encode(&mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}
