//! The resume secret of a session: proof, without any state kept for it, that the bearer had the session.
//!
//! A binary record and its MAC (HMAC-SHA256 cut to 16 bytes) under the cluster's resume secret, as base64url; the
//! previous secret is still taken, so that secrets can be rotated. It says which session, of whom, and how new: at a
//! room's owner the higher generation wins. It grants nothing else; access is checked again at each join, and a user
//! who had a token must show one again.

use super::{SECRET_BYTES_MIN, SecretTooShort, decode, encode};
use crate::limit::USER_BYTES_MAX;
use crate::{ErrorCode, Generation, NodeId, SessionId, UnixMicros};
use core::fmt;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// First byte of the record; another layout gets another number.
const LAYOUT: u8 = 1;
/// Keeps these MACs apart from any other use of the same secret.
const PURPOSE: &[u8] = b"ringway resume\0";
const MAC_BYTES: usize = 16;
/// Layout, flags, five 64-bit fields.
const FIXED_BYTES: usize = 2 + 5 * 8;
/// Longest text: everything, a user of 128 bytes, the MAC, in base64url.
const TEXT_BYTES_MAX: usize = (FIXED_BYTES + USER_BYTES_MAX + MAC_BYTES).div_ceil(3) * 4;

const FLAG_ANONYMOUS: u8 = 1;

/// The session that a bearer had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Which session.
    pub session: SessionId,
    /// How often it was re-made, in effect: the newer one wins.
    pub generation: Generation,
    /// The node it was made on.
    pub node: NodeId,
    /// Which run of that node.
    pub incarnation: u64,
    /// From then on it is void.
    pub expires: UnixMicros,
    /// Whose session: 1 to 128 bytes.
    pub user: String,
    /// No token vouched for the user, so none is needed to resume.
    pub anonymous: bool,
}

/// Why a resume secret is refused. The client starts a new session; its positions stay valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResumeFault {
    /// Not one of ours: noise, tampered with, or sealed under a secret that was rotated out.
    Invalid,
    /// Ours, and over.
    Expired,
}

impl ResumeFault {
    /// What the client is told.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Invalid => ErrorCode::ResumeInvalid,
            Self::Expired => ErrorCode::ResumeExpired,
        }
    }
}

impl fmt::Display for ResumeFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code().text())
    }
}

impl core::error::Error for ResumeFault {}

/// One secret that seals resume tokens.
#[derive(Clone)]
pub struct ResumeSecret(Hmac<Sha256>);

impl ResumeSecret {
    /// A secret of at least 32 bytes.
    ///
    /// # Errors
    /// Fewer bytes.
    pub fn new(secret: &[u8]) -> Result<Self, SecretTooShort> {
        let short = SecretTooShort { bytes: secret.len() };
        if secret.len() < SECRET_BYTES_MIN {
            return Err(short);
        }
        let mut mac: Hmac<Sha256> = Hmac::new_from_slice(secret).map_err(|_| short)?;
        mac.update(PURPOSE);
        Ok(Self(mac))
    }

    fn of(&self, record: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(record);
        mac
    }
}

impl fmt::Debug for ResumeSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ResumeSecret(…)")
    }
}

/// The cluster's secrets: the current one seals, both open.
#[derive(Clone, Debug)]
pub struct ResumeSecrets {
    /// Seals and opens.
    pub current: ResumeSecret,
    /// Opens what was sealed before the last rotation.
    pub previous: Option<ResumeSecret>,
}

impl ResumeSecrets {
    /// The text for `welcome.resume`: at most 248 bytes.
    ///
    /// # Panics
    /// When the user is longer than 128 bytes: it was checked where the session began.
    #[must_use]
    pub fn seal(&self, resume: &Resume) -> String {
        assert!(resume.user.len() <= USER_BYTES_MAX, "a user id of {} bytes", resume.user.len());
        let mut record = Vec::with_capacity(FIXED_BYTES + resume.user.len() + MAC_BYTES);
        record.extend_from_slice(&[LAYOUT, if resume.anonymous { FLAG_ANONYMOUS } else { 0 }]);
        for field in
            [resume.session.0, resume.generation.0, resume.node.0, resume.incarnation, resume.expires.0]
        {
            record.extend_from_slice(&field.to_le_bytes());
        }
        record.extend_from_slice(resume.user.as_bytes());
        let mac = self.current.of(&record).finalize().into_bytes();
        record.extend_from_slice(&mac[..MAC_BYTES]);
        encode(&record)
    }

    /// Opens a text that a client presents.
    ///
    /// # Errors
    /// See [`ResumeFault`].
    pub fn open(&self, text: &str, now: UnixMicros) -> Result<Resume, ResumeFault> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(ResumeFault::Invalid);
        }
        let sealed = decode(text).ok_or(ResumeFault::Invalid)?;
        let (record, mac) = sealed.split_last_chunk::<MAC_BYTES>().ok_or(ResumeFault::Invalid)?;
        let ours = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .any(|secret| secret.of(record).verify_truncated_left(mac).is_ok());
        if !ours {
            return Err(ResumeFault::Invalid);
        }
        let resume = parse(record).ok_or(ResumeFault::Invalid)?;
        if now >= resume.expires { Err(ResumeFault::Expired) } else { Ok(resume) }
    }
}

/// Reads a record whose MAC was right, so only of an unknown layout it is `None`.
fn parse(record: &[u8]) -> Option<Resume> {
    let (fixed, user) = record.split_first_chunk::<FIXED_BYTES>()?;
    let [LAYOUT, flags, fields @ ..] = fixed else { return None };
    let (fields, _) = fields.as_chunks::<8>();
    let [session, generation, node, incarnation, expires] = fields else { return None };
    Some(Resume {
        session: SessionId(u64::from_le_bytes(*session)),
        generation: Generation(u64::from_le_bytes(*generation)),
        node: NodeId(u64::from_le_bytes(*node)),
        incarnation: u64::from_le_bytes(*incarnation),
        expires: UnixMicros(u64::from_le_bytes(*expires)),
        user: core::str::from_utf8(user).ok()?.to_owned(),
        anonymous: flags & FLAG_ANONYMOUS != 0,
    })
}

/// The generation of a session that is made (`old` = `None`) or re-made: above the old one, and above that of any
/// session re-made earlier by the clock, whichever node does it. Of `random`, 20 bits are used.
#[must_use]
pub fn next_generation(old: Option<Generation>, now: UnixMicros, random: u32) -> Generation {
    let by_clock = (now.0 / 1_000) << 20 | u64::from(random & 0xf_ffff);
    let by_old = old.map_or(0, |old| old.0.saturating_add(1));
    Generation(by_clock.max(by_old))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(current: u8, previous: Option<u8>) -> ResumeSecrets {
        let secret = |byte| ResumeSecret::new(&[byte; 32]).unwrap();
        ResumeSecrets { current: secret(current), previous: previous.map(secret) }
    }

    fn resume(user: &str) -> Resume {
        Resume {
            session: SessionId(1),
            generation: Generation(u64::MAX),
            node: NodeId(3),
            incarnation: 4,
            expires: UnixMicros(1_000),
            user: user.to_owned(),
            anonymous: false,
        }
    }

    const NOW: UnixMicros = UnixMicros(999);

    #[test]
    fn what_was_sealed_opens_the_same() {
        for user in ["u", "Zoë", &"x".repeat(128)] {
            for anonymous in [false, true] {
                let resume = Resume { anonymous, ..resume(user) };
                let text = secrets(1, None).seal(&resume);
                assert!(text.len() <= 248, "{}", text.len());
                assert_eq!(secrets(1, None).open(&text, NOW), Ok(resume));
            }
        }
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_refused() {
        let text = secrets(1, None).seal(&resume("user"));
        let sealed = decode(&text).unwrap();
        for index in 0..sealed.len() {
            for bit in 0..8 {
                let mut tampered = sealed.clone();
                tampered[index] ^= 1 << bit;
                let outcome = secrets(1, None).open(&encode(&tampered), NOW);
                assert_eq!(outcome, Err(ResumeFault::Invalid), "byte {index}, bit {bit}");
            }
            assert_eq!(secrets(1, None).open(&encode(&sealed[..index]), NOW), Err(ResumeFault::Invalid));
            assert_eq!(secrets(1, None).open(&encode(&sealed[index + 1..]), NOW), Err(ResumeFault::Invalid));
        }
        for index in 0..text.len() {
            let mut tampered = text.clone().into_bytes();
            tampered[index] = if tampered[index] == b'A' { b'B' } else { b'A' };
            let tampered = String::from_utf8(tampered).unwrap();
            assert_eq!(secrets(1, None).open(&tampered, NOW), Err(ResumeFault::Invalid), "char {index}");
        }
    }

    #[test]
    fn the_previous_secret_opens_and_an_older_one_does_not() {
        let text = secrets(1, None).seal(&resume("user"));
        assert!(secrets(2, Some(1)).open(&text, NOW).is_ok());
        assert_eq!(secrets(3, Some(2)).open(&text, NOW), Err(ResumeFault::Invalid));
        assert_eq!(secrets(2, Some(1)).seal(&resume("user")), secrets(2, None).seal(&resume("user")));
    }

    #[test]
    fn it_is_void_from_its_expiry_on_but_only_if_it_is_ours() {
        let text = secrets(1, None).seal(&resume("user"));
        assert_eq!(secrets(1, None).open(&text, UnixMicros(1_000)), Err(ResumeFault::Expired));
        assert_eq!(secrets(2, None).open(&text, UnixMicros(1_000)), Err(ResumeFault::Invalid));
    }

    #[test]
    fn noise_is_refused() {
        for text in ["", "A", "AAAA", "not base64!", "====", "\u{1f600}", &"A".repeat(100_000)] {
            assert_eq!(secrets(1, None).open(text, NOW), Err(ResumeFault::Invalid));
        }
        let padded = secrets(1, None).seal(&resume("user")) + "=";
        assert_eq!(secrets(1, None).open(&padded, NOW), Err(ResumeFault::Invalid));
    }

    #[test]
    fn a_record_of_another_layout_is_refused_though_its_mac_is_right() {
        let secrets = secrets(1, None);
        let mut record = decode(&secrets.seal(&resume("user"))).unwrap();
        record.truncate(record.len() - MAC_BYTES);
        for (record, what) in [
            (
                {
                    let mut other = record.clone();
                    other[0] = 2;
                    other
                },
                "layout 2",
            ),
            (record[..FIXED_BYTES - 1].to_vec(), "a field cut"),
            (
                {
                    let mut other = record.clone();
                    other.push(0xff);
                    other
                },
                "a user that is not UTF-8",
            ),
        ] {
            let mut sealed = record.clone();
            sealed.extend_from_slice(&secrets.current.of(&record).finalize().into_bytes()[..MAC_BYTES]);
            assert_eq!(secrets.open(&encode(&sealed), NOW), Err(ResumeFault::Invalid), "{what}");
        }
    }

    #[test]
    fn a_generation_rises_over_the_old_one_and_over_the_clock() {
        let now = UnixMicros(1_700_000_000_000_000);
        let first = next_generation(None, now, 5);
        assert_eq!(first.0, 1_700_000_000_000 << 20 | 5);
        assert_eq!(next_generation(Some(first), now, 0), Generation(first.0 + 1));
        assert_eq!(next_generation(Some(first), UnixMicros(0), 0), Generation(first.0 + 1));
        assert!(next_generation(Some(first), UnixMicros(now.0 + 1_000), 0) > Generation(first.0 + 1));
        assert_eq!(next_generation(None, UnixMicros(0), u32::MAX), Generation(0xf_ffff));
        assert_eq!(next_generation(Some(Generation(u64::MAX)), now, 0), Generation(u64::MAX));
    }

    #[test]
    fn short_secrets_are_refused() {
        assert_eq!(ResumeSecret::new(&[0; 31]).unwrap_err(), SecretTooShort { bytes: 31 });
    }
}
