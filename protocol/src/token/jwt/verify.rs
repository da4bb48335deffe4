//! From a token's text to [`Claims`]: header, signature, times, audience, private claims, in this order.

use super::super::decode;
use super::{Claims, GRANTS_MAX, JwtKey, KEYS_MAX, RoomGrant, TokenFault};
use crate::limit::{INFO_BYTES_MAX, JSON_DEPTH_MAX, TOKEN_BYTES_MAX, USER_BYTES_MAX};
use crate::{RoomName, UnixMicros};
use hmac::Mac as _;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Longest id of a key that a header may name.
const KEY_ID_BYTES_MAX: usize = 256;

/// The last second of the year 9999: a time beyond it was not meant in seconds.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// Verifies tokens under the configured keys.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: Vec<JwtKey>,
    audience: Option<String>,
    leeway_s: u32,
}

impl Verifier {
    /// A verifier that takes tokens of any of the keys, so that keys can be rotated.
    ///
    /// # Panics
    /// With more than [`KEYS_MAX`] keys: configuration is checked before.
    #[must_use]
    pub fn new(keys: Vec<JwtKey>, audience: Option<String>, leeway_s: u32) -> Self {
        assert!(keys.len() <= KEYS_MAX, "at most {KEYS_MAX} token keys");
        Self { keys, audience, leeway_s }
    }

    /// Whether there is any key; without one every token is refused.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// Why it is refused; [`TokenFault::code`] is what the client is told.
    pub fn verify(&self, token: &str, now: UnixMicros) -> Result<Claims, TokenFault> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenFault::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
        // A dot inside any part is refused with all other characters that are not base64url's.
        let header = decode(header).ok_or(TokenFault::Malformed)?;
        let claims = decode(claims).ok_or(TokenFault::Malformed)?;
        let signature = decode(signature).ok_or(TokenFault::Malformed)?;

        let key_id = check_header(&header)?;
        self.check_signature(key_id.as_deref(), signed.as_bytes(), &signature)?;

        let claims = core::str::from_utf8(&claims).map_err(|_| TokenFault::BadClaims)?;
        let claims: RawClaims<'_> = object(claims).ok_or(TokenFault::BadClaims)?;
        let expires = self.check_times(&claims, now)?;
        self.check_audience(claims.aud.as_ref())?;
        Ok(Claims {
            user: subject(claims.sub)?,
            expires,
            info: claims.info.map(info).transpose()?,
            grants: claims.rooms.map_or(Ok(Vec::new()), grants)?,
        })
    }

    /// Tries the keys that the token's `kid` names, or all when it names none of ours. Each has the same authority.
    fn check_signature(&self, id: Option<&str>, signed: &[u8], signature: &[u8]) -> Result<(), TokenFault> {
        let named = |key: &&JwtKey| id.is_some() && key.id() == id;
        let any_named = self.keys.iter().any(|key| named(&key));
        let verifies = |key: &JwtKey| {
            let mut mac = key.mac.clone();
            mac.update(signed);
            mac.verify_slice(signature).is_ok()
        };
        let mut candidates = self.keys.iter().filter(|key| !any_named || named(key));
        if candidates.any(verifies) { Ok(()) } else { Err(TokenFault::BadSignature) }
    }

    /// When a session by this token must end.
    fn check_times(&self, claims: &RawClaims<'_>, now: UnixMicros) -> Result<UnixMicros, TokenFault> {
        let leeway = u64::from(self.leeway_s) * 1_000_000;
        claims.iat.map(time).transpose()?;
        let not_before = claims.nbf.map(time).transpose()?;
        let expires = time(claims.exp.ok_or(TokenFault::NoExpiry)?)?.0 + leeway;
        if now.0 >= expires {
            return Err(TokenFault::Expired);
        }
        if not_before.is_some_and(|not_before| now.0 + leeway < not_before.0) {
            return Err(TokenFault::NotYetValid);
        }
        Ok(UnixMicros(expires))
    }

    /// RFC 7519 §4.1.3: who is not named by an `aud` that is there must refuse the token.
    fn check_audience(&self, named: Option<&Audience<'_>>) -> Result<(), TokenFault> {
        let fits = match (&self.audience, named) {
            (None, None) => true,
            (Some(ours), Some(Audience::One(name))) => ours == name,
            (Some(ours), Some(Audience::Many(names))) => names.iter().any(|name| name == ours),
            _ => false,
        };
        if fits { Ok(()) } else { Err(TokenFault::WrongAudience) }
    }
}

#[derive(Deserialize)]
struct RawHeader<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "present")]
    typ: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    kid: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    cty: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct RawClaims<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    sub: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    exp: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    iat: Option<f64>,
    #[serde(borrow, default, deserialize_with = "present")]
    aud: Option<Audience<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    info: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    rooms: Option<Vec<RawGrant<'a>>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(#[serde(borrow)] Cow<'a, str>),
    Many(#[serde(borrow)] Vec<Cow<'a, str>>),
}

#[derive(Deserialize)]
struct RawGrant<'a> {
    #[serde(borrow)]
    room: Cow<'a, str>,
    #[serde(default)]
    join: bool,
    #[serde(default)]
    publish: bool,
}

/// A member that may be absent, but not `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A JSON object; serde would also take an array of the members' values.
fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    let begins = text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{');
    if begins { serde_json::from_str(text).ok() } else { None }
}

/// The key's id, if the header is one of ours.
fn check_header(header: &[u8]) -> Result<Option<Cow<'_, str>>, TokenFault> {
    let header = core::str::from_utf8(header).map_err(|_| TokenFault::BadHeader)?;
    let header: RawHeader<'_> = object(header).ok_or(TokenFault::BadHeader)?;
    if header.alg != "HS256" {
        return Err(TokenFault::WrongAlgorithm);
    }
    let typ_fits =
        header.typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt"));
    if header.crit.is_some() || header.cty.is_some() || !typ_fits {
        return Err(TokenFault::UnsupportedHeader);
    }
    match header.kid {
        Some(id) if id.len() > KEY_ID_BYTES_MAX => Err(TokenFault::BadHeader),
        id => Ok(id),
    }
}

/// A NumericDate (RFC 7519 §2), which may have a fraction.
fn time(seconds: f64) -> Result<UnixMicros, TokenFault> {
    if (0.0..=SECONDS_MAX).contains(&seconds) {
        Ok(UnixMicros((seconds * 1e6) as u64))
    } else {
        Err(TokenFault::BadTime)
    }
}

fn subject(sub: Option<Cow<'_, str>>) -> Result<String, TokenFault> {
    let sub = sub.ok_or(TokenFault::BadSubject)?;
    let fits = (1..=USER_BYTES_MAX).contains(&sub.len()) && !sub.chars().any(char::is_control);
    if fits { Ok(sub.into_owned()) } else { Err(TokenFault::BadSubject) }
}

fn info(value: &RawValue) -> Result<String, TokenFault> {
    let text = value.get();
    let fits = text.starts_with('{') && text.len() <= INFO_BYTES_MAX && depth(text) <= JSON_DEPTH_MAX;
    if fits { Ok(text.to_owned()) } else { Err(TokenFault::BadInfo) }
}

/// The deepest nesting of a valid JSON text, in open brackets.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' if !in_string => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn grants(rooms: Vec<RawGrant<'_>>) -> Result<Vec<RoomGrant>, TokenFault> {
    if rooms.len() > GRANTS_MAX {
        return Err(TokenFault::BadRooms);
    }
    let grant = |raw: RawGrant<'_>| match RoomName::new(&raw.room) {
        Some(_) => Ok(RoomGrant { room: raw.room.into_owned(), join: raw.join, publish: raw.publish }),
        None => Err(TokenFault::BadRooms),
    };
    rooms.into_iter().map(grant).collect()
}
