//! Hostile and honest JSON Web Tokens against the verifier.
//!
//! Every row of the tables is signed with the right key unless it says otherwise, so that each is refused for its own
//! reason and not for its signature.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use ringway_protocol::token::jwt::{GRANTS_MAX, KEYS_MAX, sign, sign_parts};
use ringway_protocol::token::{Claims, JwtKey, RoomGrant, TokenFault, Verifier};
use ringway_protocol::{ErrorCode, UnixMicros};

const NOW_S: u64 = 1_700_000_000;
const NOW: UnixMicros = UnixMicros(NOW_S * 1_000_000);
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const CLAIMS: &str = r#"{"sub":"zoe","exp":1700000600}"#;

fn key() -> JwtKey {
    JwtKey::new(None, &[1; 32]).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(vec![key()], None, 60)
}

fn verify(header: &str, claims: &str) -> Result<Claims, TokenFault> {
    verifier().verify(&sign_parts(&key(), header, claims), NOW)
}

fn check_claims(rows: &[(&str, TokenFault)]) {
    for (claims, fault) in rows {
        assert_eq!(verify(HEADER, claims), Err(*fault), "{claims}");
    }
}

#[test]
fn a_token_made_elsewhere_verifies() {
    // Made with Python: hmac.new(b"0123456789abcdef0123456789abcdef", …, "sha256").
    let token = concat!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
        "eyJzdWIiOiJ6b2UiLCJleHAiOjE3MDAwMDA2MDB9.",
        "9lhV4Me3H3M4O5gMCgp59n1L6HQ02bFH29SnWfRpY2U"
    );
    let key = JwtKey::new(None, b"0123456789abcdef0123456789abcdef").unwrap();
    let claims = Verifier::new(vec![key], None, 0).verify(token, NOW).unwrap();
    assert_eq!(claims.user, "zoe");
    assert_eq!(claims.expires, UnixMicros(1_700_000_600_000_000));
}

#[test]
fn what_is_signed_verifies_the_same() {
    let claims = Claims {
        user: "zoë/7".to_owned(),
        expires: UnixMicros((NOW_S + 60) * 1_000_000),
        info: Some(r#"{"name": "Zoë", "tags":[1, 2]}"#.to_owned()),
        grants: vec![
            RoomGrant { room: "chat:*".to_owned(), join: true, publish: false },
            RoomGrant { room: "game:7".to_owned(), join: true, publish: true },
        ],
    };
    let key = JwtKey::new(Some("2026-a"), &[9; 40]).unwrap();
    let token = sign(&key, &claims, Some("ringway"), NOW).unwrap();
    let verifier = Verifier::new(vec![key], Some("ringway".to_owned()), 0);
    assert_eq!(verifier.verify(&token, NOW), Ok(claims));
}

#[test]
fn the_smallest_token_and_absent_private_claims_are_fine() {
    let claims = verify(r#"{"alg":"HS256"}"#, CLAIMS).unwrap();
    assert_eq!((claims.user.as_str(), claims.info, claims.grants), ("zoe", None, vec![]));
    assert_eq!(claims.expires, UnixMicros((NOW_S + 600 + 60) * 1_000_000), "exp and the leeway");
}

#[test]
fn headers_that_are_not_plain_hs256_are_refused() {
    for (header, fault) in [
        (r#"{"alg":"none"}"#, TokenFault::WrongAlgorithm),
        (r#"{"alg":"None"}"#, TokenFault::WrongAlgorithm),
        (r#"{"alg":""}"#, TokenFault::WrongAlgorithm),
        (r#"{"alg":"hs256"}"#, TokenFault::WrongAlgorithm),
        (r#"{"alg":"HS256 "}"#, TokenFault::WrongAlgorithm),
        (r#"{"alg":"HS256\u0000"}"#, TokenFault::WrongAlgorithm),
        (r#"{"alg":"HS384"}"#, TokenFault::WrongAlgorithm),
        (r#"{"alg":"HS512"}"#, TokenFault::WrongAlgorithm),
        (r#"{"alg":"RS256"}"#, TokenFault::WrongAlgorithm),
        (r#"{"alg":"ES256"}"#, TokenFault::WrongAlgorithm),
        (r#"{"alg":"dir","enc":"A256GCM"}"#, TokenFault::WrongAlgorithm),
        (r#"{"alg":["HS256"]}"#, TokenFault::BadHeader),
        (r#"{"alg":null}"#, TokenFault::BadHeader),
        (r#"{"typ":"JWT"}"#, TokenFault::BadHeader),
        (r#"{"alg":"HS256","alg":"none"}"#, TokenFault::BadHeader),
        (r#"{"alg":"none","alg":"HS256"}"#, TokenFault::BadHeader),
        (r#"["HS256","JWT"]"#, TokenFault::BadHeader),
        (r#""HS256""#, TokenFault::BadHeader),
        ("", TokenFault::BadHeader),
        ("{", TokenFault::BadHeader),
        ("\u{feff}{\"alg\":\"HS256\"}", TokenFault::BadHeader),
        (r#"{"alg":"HS256"}{"alg":"HS256"}"#, TokenFault::BadHeader),
        (r#"{"alg":"HS256","kid":7}"#, TokenFault::BadHeader),
        (r#"{"alg":"HS256","kid":null}"#, TokenFault::BadHeader),
        (r#"{"alg":"HS256","crit":["exp"]}"#, TokenFault::UnsupportedHeader),
        (r#"{"alg":"HS256","crit":[]}"#, TokenFault::UnsupportedHeader),
        (r#"{"alg":"HS256","crit":null}"#, TokenFault::UnsupportedHeader),
        (r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#, TokenFault::UnsupportedHeader),
        (r#"{"alg":"HS256","cty":"JWT"}"#, TokenFault::UnsupportedHeader),
        (r#"{"alg":"HS256","typ":"JWE"}"#, TokenFault::UnsupportedHeader),
        (r#"{"alg":"HS256","typ":"logout+jwt"}"#, TokenFault::UnsupportedHeader),
    ] {
        assert_eq!(verify(header, CLAIMS), Err(fault), "{header}");
    }
    let long_id = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(257));
    assert_eq!(verify(&long_id, CLAIMS), Err(TokenFault::BadHeader));
}

#[test]
fn keys_that_a_header_brings_along_or_points_to_are_never_used() {
    let theirs = JwtKey::new(None, b"attacker attacker attacker attacker").unwrap();
    let secret = URL_SAFE_NO_PAD.encode(b"attacker attacker attacker attacker");
    for header in [
        format!(r#"{{"alg":"HS256","jwk":{{"kty":"oct","k":"{secret}"}}}}"#),
        r#"{"alg":"HS256","jku":"https://attacker.test/keys"}"#.to_owned(),
        r#"{"alg":"HS256","x5u":"https://attacker.test/cert"}"#.to_owned(),
        r#"{"alg":"HS256","kid":"../../../../dev/null"}"#.to_owned(),
        r#"{"alg":"HS256","kid":"x' UNION SELECT 'key"}"#.to_owned(),
    ] {
        let token = sign_parts(&theirs, &header, CLAIMS);
        assert_eq!(verifier().verify(&token, NOW), Err(TokenFault::BadSignature), "{header}");
    }
}

#[test]
fn texts_that_are_not_three_parts_of_strict_base64url_are_refused() {
    let token = sign_parts(&key(), HEADER, CLAIMS);
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let padded = |text: &str| URL_SAFE.encode(URL_SAFE_NO_PAD.decode(text).unwrap());
    let standard = STANDARD.encode([0xfb; 33]);
    // The last digit of 32 bytes carries two unused bits: this spells the same signature differently.
    let last = signature.chars().last().unwrap();
    let respelled = format!("{}{}", &signature[..signature.len() - 1], char::from(last as u8 + 1));
    for text in [
        String::new(),
        ".".to_owned(),
        "...".to_owned(),
        header.to_owned(),
        format!("{header}.{claims}"),
        format!("{token}.{signature}"),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\n"),
        format!("{token}\0"),
        format!("{token}="),
        format!("Bearer {token}"),
        format!("{header}.{}.{signature}", padded(claims) + "="),
        format!("{header}.{claims}.{}", padded(signature)),
        format!("{header}.{claims}.{standard}"),
        format!("{header}.{claims}.{respelled}"),
        format!("{header}.{claims}\u{ff0e}{signature}"),
        format!("{header}.{claims}.\u{1f511}"),
    ] {
        assert_eq!(verifier().verify(&text, NOW), Err(TokenFault::Malformed), "{text:?}");
    }
    for (text, fault) in [
        ("..".to_owned(), TokenFault::BadHeader),
        (format!(".{claims}.{signature}"), TokenFault::BadHeader),
        (format!("{header}..{signature}"), TokenFault::BadSignature),
    ] {
        assert_eq!(verifier().verify(&text, NOW), Err(fault), "{text:?}");
    }
    assert_eq!(TokenFault::Malformed.code(), ErrorCode::TokenInvalid);
}

#[test]
fn signatures_that_are_not_exactly_ours_are_refused() {
    let token = sign_parts(&key(), HEADER, CLAIMS);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut flipped = signature.clone();
    flipped[31] ^= 1;
    let longer = [signature.as_slice(), &[0]].concat();
    for (what, signature) in [
        ("empty", &[][..]),
        ("cut to one byte", &signature[..1]),
        ("cut to 16 bytes", &signature[..16]),
        ("cut by one byte", &signature[..31]),
        ("longer", &longer),
        ("zeros", &[0; 32]),
        ("one bit flipped", &flipped),
    ] {
        let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(verifier().verify(&text, NOW), Err(TokenFault::BadSignature), "{what}");
    }
    let other = JwtKey::new(None, &[2; 32]).unwrap();
    let forged = sign_parts(&other, HEADER, CLAIMS);
    assert_eq!(verifier().verify(&forged, NOW), Err(TokenFault::BadSignature));
    assert_eq!(Verifier::new(vec![], None, 0).verify(&token, NOW), Err(TokenFault::BadSignature));
}

#[test]
fn a_changed_claim_under_the_old_signature_is_refused() {
    let token = sign_parts(&key(), HEADER, CLAIMS);
    let parts: Vec<_> = token.split('.').collect();
    let admin = URL_SAFE_NO_PAD.encode(CLAIMS.replace("zoe", "adm"));
    let forged = format!("{}.{admin}.{}", parts[0], parts[2]);
    assert_eq!(verifier().verify(&forged, NOW), Err(TokenFault::BadSignature));
}

#[test]
fn claims_that_are_not_one_plain_object_are_refused() {
    check_claims(&[
        ("", TokenFault::BadClaims),
        ("null", TokenFault::BadClaims),
        ("[]", TokenFault::BadClaims),
        (r#"["zoe",1700000600]"#, TokenFault::BadClaims),
        (r#""zoe""#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","exp":1700000600"#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","exp":1700000600}}"#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","exp":1700000600,}"#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","sub":"admin","exp":1700000600}"#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","s\u0075b":"admin","exp":1700000600}"#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","exp":1,"exp":1700000600}"#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","exp":1700000600,"rooms":[],"rooms":[]}"#, TokenFault::BadClaims),
        (r#"{"sub":"\ud800","exp":1700000600}"#, TokenFault::BadClaims),
        (CLAIMS.split_at(10).0, TokenFault::BadClaims),
    ]);
    let not_utf8 = [br#"{"sub":"zo"#, &b"\xff"[..], br#"","exp":1700000600}"#].concat();
    let parts = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(not_utf8));
    let signature = {
        use hmac::Mac as _;
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&[1; 32]).unwrap();
        mac.update(parts.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    };
    assert_eq!(verifier().verify(&format!("{parts}.{signature}"), NOW), Err(TokenFault::BadClaims));
}

#[test]
fn subjects_that_can_t_be_a_user_are_refused() {
    check_claims(&[
        (r#"{"exp":1700000600}"#, TokenFault::BadSubject),
        (r#"{"sub":"","exp":1700000600}"#, TokenFault::BadSubject),
        (r#"{"sub":"a\nb","exp":1700000600}"#, TokenFault::BadSubject),
        (r#"{"sub":"a\u0000","exp":1700000600}"#, TokenFault::BadSubject),
        (r#"{"sub":"a\u0085","exp":1700000600}"#, TokenFault::BadSubject),
        (r#"{"sub":7,"exp":1700000600}"#, TokenFault::BadClaims),
        (r#"{"sub":null,"exp":1700000600}"#, TokenFault::BadClaims),
        (r#"{"sub":["zoe"],"exp":1700000600}"#, TokenFault::BadClaims),
    ]);
    let with_sub = |sub: &str| verify(HEADER, &format!(r#"{{"sub":"{sub}","exp":1700000600}}"#));
    assert_eq!(with_sub(&"é".repeat(64)).map(|claims| claims.user), Ok("é".repeat(64)));
    assert_eq!(with_sub(&format!("{}x", "é".repeat(64))), Err(TokenFault::BadSubject));
}

#[test]
fn times_are_seconds_and_have_the_leeway() {
    check_claims(&[
        (r#"{"sub":"zoe"}"#, TokenFault::NoExpiry),
        (r#"{"sub":"zoe","exp":null}"#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","exp":"1700000600"}"#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","exp":true}"#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","exp":1e999}"#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","exp":-1}"#, TokenFault::BadTime),
        (r#"{"sub":"zoe","exp":1700000600000}"#, TokenFault::BadTime),
        (r#"{"sub":"zoe","exp":1e300}"#, TokenFault::BadTime),
        (r#"{"sub":"zoe","exp":18446744073709551615}"#, TokenFault::BadTime),
        (r#"{"sub":"zoe","exp":0}"#, TokenFault::Expired),
        (r#"{"sub":"zoe","exp":1699999940}"#, TokenFault::Expired),
        (r#"{"sub":"zoe","exp":1700000600,"nbf":1700000061}"#, TokenFault::NotYetValid),
        (r#"{"sub":"zoe","exp":1700000600,"nbf":-5}"#, TokenFault::BadTime),
        (r#"{"sub":"zoe","exp":1700000600,"nbf":null}"#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","exp":1700000600,"iat":"now"}"#, TokenFault::BadClaims),
        (r#"{"sub":"zoe","exp":1700000600,"iat":1700000000000}"#, TokenFault::BadTime),
    ]);
    for claims in [
        r#"{"sub":"zoe","exp":1699999941}"#,
        r#"{"sub":"zoe","exp":1699999940.5}"#,
        r#"{"sub":"zoe","exp":1.7000006e9}"#,
        r#"{"sub":"zoe","exp":253402300799}"#,
        r#"{"sub":"zoe","exp":1700000600,"nbf":1700000060,"iat":1700000060}"#,
    ] {
        assert!(verify(HEADER, claims).is_ok(), "{claims}");
    }
    assert_eq!(TokenFault::Expired.code(), ErrorCode::TokenExpired);
    assert_eq!(TokenFault::NotYetValid.code(), ErrorCode::TokenInvalid);
}

#[test]
fn an_audience_is_checked_whenever_either_side_has_one() {
    let ours = Verifier::new(vec![key()], Some("ringway".to_owned()), 60);
    let outcome = |verifier: &Verifier, aud: &str| {
        let claims = format!(r#"{{"sub":"zoe","exp":1700000600{aud}}}"#);
        verifier.verify(&sign_parts(&key(), HEADER, &claims), NOW).map(drop)
    };
    for aud in [r#","aud":"ringway""#, r#","aud":["other","ringway"]"#] {
        assert_eq!(outcome(&ours, aud), Ok(()), "{aud}");
        assert_eq!(outcome(&verifier(), aud), Err(TokenFault::WrongAudience), "none configured: {aud}");
    }
    for aud in ["", r#","aud":"Ringway""#, r#","aud":"ringway2""#, r#","aud":[]"#, r#","aud":["other"]"#] {
        assert_eq!(outcome(&ours, aud), Err(TokenFault::WrongAudience), "{aud}");
    }
    for aud in [r#","aud":null"#, r#","aud":7"#, r#","aud":{"ringway":1}"#, r#","aud":["ringway",7]"#] {
        assert_eq!(outcome(&ours, aud), Err(TokenFault::BadClaims), "{aud}");
    }
}

#[test]
fn info_is_a_small_object_kept_as_it_stands() {
    let with_info = |info: &str| {
        verify(HEADER, &format!(r#"{{"sub":"zoe","exp":1700000600,"info":{info}}}"#))
            .map(|claims| claims.info)
    };
    let spaced = r#"{ "b" : 1.50, "a":"\u00e9 }]" }"#;
    assert_eq!(with_info(spaced), Ok(Some(spaced.to_owned())));
    for info in ["[]", "7", r#""text""#, "true"] {
        assert_eq!(with_info(info), Err(TokenFault::BadInfo), "{info}");
    }
    for info in ["null", "{", r#"{"a":}"#, "{}{}"] {
        assert!(with_info(info).is_err(), "{info}");
    }
    let sized = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
    assert_eq!(with_info(&sized(512)), Ok(Some(sized(512))));
    assert_eq!(with_info(&sized(513)), Err(TokenFault::BadInfo));
    let deep = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(with_info(&deep(32)).is_ok());
    assert_eq!(with_info(&deep(33)), Err(TokenFault::BadInfo));
}

#[test]
fn grants_are_bounded_and_grant_nothing_by_default() {
    let with_rooms = |rooms: &str| {
        verify(HEADER, &format!(r#"{{"sub":"zoe","exp":1700000600,"rooms":{rooms}}}"#))
            .map(|claims| claims.grants)
    };
    let granted = with_rooms(r#"[{"room":"chat:*"},{"room":"*","join":true,"admin":true}]"#).unwrap();
    assert_eq!(granted[0], RoomGrant { room: "chat:*".to_owned(), join: false, publish: false });
    assert_eq!(granted[1], RoomGrant { room: "*".to_owned(), join: true, publish: false });
    let many = |count| format!("[{}]", vec![r#"{"room":"a"}"#; count].join(","));
    assert_eq!(with_rooms(&many(GRANTS_MAX)).unwrap().len(), GRANTS_MAX);
    assert_eq!(with_rooms(&many(GRANTS_MAX + 1)), Err(TokenFault::BadRooms));
    for rooms in
        [r#"[{"room":""}]"#, r#"[{"room":"a\n"}]"#, &format!(r#"[{{"room":"{}"}}]"#, "x".repeat(129))]
    {
        assert_eq!(with_rooms(rooms), Err(TokenFault::BadRooms), "{rooms}");
    }
    for rooms in [
        "null",
        "{}",
        r#""*""#,
        r#"["*"]"#,
        r#"[{"join":true}]"#,
        r#"[{"room":null}]"#,
        r#"[{"room":"a","join":1}]"#,
        r#"[{"room":"a","join":"true"}]"#,
        r#"[{"room":"a","room":"*","join":true}]"#,
        r#"[{"room":"a","join":false,"join":true}]"#,
    ] {
        assert_eq!(with_rooms(rooms), Err(TokenFault::BadClaims), "{rooms}");
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let padded = |bytes: usize| format!(r#"{{"sub":"zoe","exp":1700000600,"x":"{}"}}"#, "x".repeat(bytes));
    assert!(verify(HEADER, &padded(5_900)).is_ok());
    assert_eq!(verify(HEADER, &padded(6_200)), Err(TokenFault::TooLong));
    let deep = format!(r#"{{"sub":"zoe","exp":1700000600,"x":{}"#, "[".repeat(5_000));
    assert_eq!(verify(HEADER, &deep), Err(TokenFault::BadClaims));
    let deep = format!(r#"{{"sub":"zoe","exp":1700000600,"x":{}{}}}"#, "[".repeat(2_900), "]".repeat(2_900));
    assert!(verify(HEADER, &deep).is_ok(), "what is ignored is skipped without a stack");
}

#[test]
fn a_token_within_a_token_is_no_token() {
    let inner = sign_parts(&key(), HEADER, CLAIMS);
    assert_eq!(verify(HEADER, &inner), Err(TokenFault::BadClaims));
    assert_eq!(verify(HEADER, &format!("{inner:?}")), Err(TokenFault::BadClaims));
}

#[test]
fn keys_rotate_by_id_or_by_trial() {
    let named = |id: &str, byte| JwtKey::new(Some(id), &[byte; 32]).unwrap();
    let verifier = Verifier::new(vec![named("new", 2), named("old", 1), key()], None, 0);
    let header = |id: &str| format!(r#"{{"alg":"HS256","kid":"{id}"}}"#);
    let outcome =
        |key: &JwtKey, header: &str| verifier.verify(&sign_parts(key, header, CLAIMS), NOW).map(drop);
    assert_eq!(outcome(&named("new", 2), &header("new")), Ok(()));
    assert_eq!(outcome(&named("old", 1), &header("old")), Ok(()));
    assert_eq!(outcome(&named("new", 2), HEADER), Ok(()), "no id: all are tried");
    assert_eq!(
        outcome(&named("new", 2), &header("unknown")),
        Ok(()),
        "an id that is none of ours: all are tried"
    );
    assert_eq!(
        outcome(&named("new", 2), &header("old")),
        Err(TokenFault::BadSignature),
        "the id names another"
    );
    assert_eq!(outcome(&named("x", 3), HEADER), Err(TokenFault::BadSignature));
}

#[test]
#[should_panic(expected = "at most 8 token keys")]
fn more_keys_than_the_bound_are_a_fault_of_the_caller() {
    let _ = Verifier::new(vec![key(); KEYS_MAX + 1], None, 0);
}

#[test]
fn short_keys_are_refused_and_keys_are_never_printed() {
    assert_eq!(JwtKey::new(None, &[0; 31]).unwrap_err().bytes, 31);
    assert_eq!(format!("{:?}", JwtKey::new(Some("a"), &[7; 32]).unwrap()), r#"JwtKey(Some("a"), …)"#);
}
