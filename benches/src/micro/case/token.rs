//! What a `hello` may show: a signed token, or the secret of an earlier session.

use std::hint::black_box;

use ringway_protocol::token::jwt::sign;
use ringway_protocol::token::{Claims, JwtKey, Resume, ResumeSecret, ResumeSecrets, RoomGrant, Verifier};
use ringway_protocol::{Generation, NodeId, SessionId, UnixMicros};

use crate::micro::{Case, Measure};

const OPERATIONS: u64 = 20;
const SECRET: [u8; 32] = *b"a secret of exactly 32 bytes ...";
const NOW: UnixMicros = UnixMicros(1_790_000_000_000_000);
const LATER: UnixMicros = UnixMicros(1_790_003_600_000_000);

pub(super) const CASES: &[Case] = &[
    Case::new("resume token, seal", seal),
    Case::new("resume token, open", open),
    Case::new("jwt, verify", verify),
];

fn secrets() -> ResumeSecrets {
    ResumeSecrets { current: ResumeSecret::new(&SECRET).expect("long enough"), previous: None }
}

fn resume() -> Resume {
    Resume {
        session: SessionId(7),
        generation: Generation(1),
        node: NodeId(3),
        incarnation: 1,
        expires: LATER,
        user: "ada".into(),
        anonymous: false,
    }
}

fn seal(measure: &mut Measure<'_>) {
    let (secrets, resume) = (secrets(), resume());
    // The first use detects the processor's features.
    black_box(secrets.seal(&resume));
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(secrets.seal(black_box(&resume)));
        }
    });
}

fn open(measure: &mut Measure<'_>) {
    let secrets = secrets();
    let text = secrets.seal(&resume());
    assert!(secrets.open(&text, NOW).is_ok());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(secrets.open(black_box(&text), NOW).is_ok());
        }
    });
}

fn verify(measure: &mut Measure<'_>) {
    let key = JwtKey::new(Some("1"), &SECRET).expect("long enough");
    let grant = |room: &str| RoomGrant { room: room.into(), join: true, publish: true };
    let claims = Claims {
        user: "ada".into(),
        expires: LATER,
        info: Some(r#"{"name":"Ada"}"#.into()),
        grants: vec![grant("chat:lobby"), grant("game:*")],
    };
    let token = sign(&key, &claims, None, NOW).expect("valid claims");
    let verifier = Verifier::new(vec![key], None, 60);
    assert!(verifier.verify(&token, NOW).is_ok());
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(verifier.verify(black_box(&token), NOW).is_ok());
        }
    });
}
