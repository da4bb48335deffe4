//! Tokens: nothing that was not signed is taken, nothing that was signed panics, and what is taken keeps its bounds.
//!
//! The first byte chooses: a JWT as it stands, header and claims that are signed first (cut at the first NUL), a
//! resume secret as it stands, or one that is sealed, opened and bent.

use ringway_protocol::limit::{INFO_BYTES_MAX, USER_BYTES_MAX};
use ringway_protocol::token::jwt::{GRANTS_MAX, sign, sign_parts};
use ringway_protocol::token::{JwtKey, Resume, ResumeFault, ResumeSecret, ResumeSecrets, Verifier};
use ringway_protocol::{Generation, NodeId, RoomName, SessionId, UnixMicros};

const NOW: UnixMicros = UnixMicros(1_700_000_000_000_000);

pub(crate) fn run(data: &[u8]) {
    let [choice, rest @ ..] = data else { return };
    match choice % 4 {
        0 => {
            let text = String::from_utf8_lossy(rest);
            assert!(verifier().verify(&text, NOW).is_err(), "nobody forges a signature");
        }
        1 => signed(rest),
        2 => {
            let text = String::from_utf8_lossy(rest);
            assert!(secrets().open(&text, NOW).is_err(), "nobody forges a MAC");
        }
        _ => sealed(rest),
    }
}

fn key() -> JwtKey {
    JwtKey::new(None, b"a key that is only used for fuzzing").expect("long enough")
}

fn verifier() -> Verifier {
    Verifier::new(vec![key()], Some("ringway".to_owned()), 0)
}

fn signed(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (header, claims) = text.split_once('\0').unwrap_or((r#"{"alg":"HS256"}"#, &text));
    let Ok(claims) = verifier().verify(&sign_parts(&key(), header, claims), NOW) else { return };
    assert!((1..=USER_BYTES_MAX).contains(&claims.user.len()));
    assert!(claims.expires > NOW);
    assert!(claims.grants.len() <= GRANTS_MAX);
    assert!(claims.grants.iter().all(|grant| RoomName::new(&grant.room).is_some()));
    if let Some(info) = &claims.info {
        assert!(info.len() <= INFO_BYTES_MAX);
        let value: serde_json::Value = serde_json::from_str(info).expect("valid JSON");
        assert!(value.is_object());
    }
    let token = sign(&key(), &claims, Some("ringway"), NOW).expect("info is JSON");
    // Signing rounds to seconds, which may end a token that had only a fraction left.
    let whole_seconds = UnixMicros(claims.expires.0 / 1_000_000 * 1_000_000);
    if whole_seconds > NOW && token.len() <= ringway_protocol::limit::TOKEN_BYTES_MAX {
        let again = verifier().verify(&token, NOW).expect("ours");
        assert_eq!((again.user, again.info, again.grants), (claims.user, claims.info, claims.grants));
        assert_eq!(again.expires, whole_seconds);
    }
}

fn secrets() -> ResumeSecrets {
    let secret = |text: &[u8]| ResumeSecret::new(text).expect("long enough");
    ResumeSecrets {
        current: secret(b"a secret that is only used for fuzzing"),
        previous: Some(secret(b"another one that is used for fuzzing")),
    }
}

fn sealed(data: &[u8]) {
    let Some((fields, user)) = data.split_first_chunk::<24>() else { return };
    let field = |at: usize| u64::from_le_bytes(fields[at..at + 8].try_into().expect("eight bytes"));
    let user: String = String::from_utf8_lossy(user).chars().take(USER_BYTES_MAX / 4).collect();
    let resume = Resume {
        session: SessionId(field(0)),
        generation: Generation(field(8)),
        node: NodeId(field(0) ^ field(8)),
        incarnation: field(8).rotate_left(7),
        expires: UnixMicros(NOW.0 ^ 1 | field(16) >> 8),
        anonymous: fields[23] & 1 == 1,
        user,
    };
    let text = secrets().seal(&resume);
    let opened = secrets().open(&text, NOW);
    assert_eq!(opened, if resume.expires > NOW { Ok(resume) } else { Err(ResumeFault::Expired) });
    let mut bent = text.into_bytes();
    let at = usize::from(fields[16]) % bent.len();
    bent[at] = if bent[at] == b'x' { b'y' } else { b'x' };
    let bent = String::from_utf8(bent).expect("ASCII");
    assert_eq!(secrets().open(&bent, NOW), Err(ResumeFault::Invalid));
}
