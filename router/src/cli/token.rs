//! `ringway token`: signs a token for a user. The token alone goes to stdout.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use ringway_protocol::UnixMicros;
use ringway_protocol::token::jwt::{self, RoomGrant, Verifier};
use ringway_protocol::token::{Claims, JwtKey, SECRET_BYTES_MIN};

use crate::config::raw::Raw;
use crate::config::secret::Secret;
use crate::config::value::{Span, Value};

use super::typed::Token;
use super::{Plan, Refusal, say, variables};

/// Runs the command.
pub(super) fn run(typed: &Token) -> Result<ExitCode, Refusal> {
    let config = Plan::of(&typed.sources)?.parse(variables())?.config;
    let path = typed.key_file.as_ref().or(config.tokens.key_files.0.first()).ok_or_else(|| {
        let mend = "give --key-file, or set tokens.key_files (openssl rand -hex 32 > token.key makes one)";
        Refusal::new(format!("there is no key to sign with: {mend}"))
    })?;
    let key = Secret::read(path, SECRET_BYTES_MIN).map_err(Refusal::new)?;
    let audience = Some(config.tokens.audience.as_str()).filter(|audience| !audience.is_empty());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
    let token = sign(typed, &key, audience, UnixMicros(now)).map_err(Refusal::new)?;
    say(&format!("{token}\n"));
    Ok(ExitCode::SUCCESS)
}

/// Signs, and checks that the server would take it.
fn sign(typed: &Token, key: &Secret, audience: Option<&str>, now: UnixMicros) -> Result<String, String> {
    let ttl =
        Span::read(&Raw::Loose(typed.ttl.clone())).map_err(|what| format!("--ttl {:?} {what}", typed.ttl))?;
    if ttl < Span::seconds(1) {
        return Err(format!("--ttl {:?} must be 1s or more", typed.ttl));
    }
    let claims = Claims {
        user: typed.sub.clone(),
        expires: UnixMicros(now.0.saturating_add(ttl.0)),
        info: typed.info.clone(),
        grants: typed.room.iter().map(|text| grant(text)).collect::<Result<_, _>>()?,
    };
    let key = JwtKey::new(None, &key.shared()).map_err(|error| error.to_string())?;
    let token =
        jwt::sign(&key, &claims, audience, now).map_err(|error| format!("--info is not JSON: {error}"))?;
    let verifier = Verifier::new(vec![key], audience.map(String::from), 0);
    verifier.verify(&token, now).map_err(|fault| format!("no server would take it: {fault}"))?;
    Ok(token)
}

/// `ROOM=join,publish`; the last `=` parts them, because rooms may have some.
fn grant(text: &str) -> Result<RoomGrant, String> {
    let mend = || format!("--room {text:?} is no grant: write it like 'chat:*=join,publish'");
    let (room, actions) = text.rsplit_once('=').ok_or_else(mend)?;
    let mut grant = RoomGrant { room: room.into(), join: false, publish: false };
    for action in actions.split(',') {
        match action.trim() {
            "join" => grant.join = true,
            "publish" => grant.publish = true,
            _ => return Err(mend()),
        }
    }
    Ok(grant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::typed::{Command, Typed};
    use clap::Parser;

    const NOW: UnixMicros = UnixMicros(1_790_000_000_000_000);

    fn typed(arguments: &[&str]) -> Token {
        let all = ["ringway", "token"].iter().chain(arguments);
        match Typed::parse_from(all).command {
            Command::Token(token) => token,
            _ => unreachable!(),
        }
    }

    #[test]
    fn what_is_signed_verifies_and_says_what_was_asked() {
        let key = Secret::new(&[7; 32]);
        let asked = typed(&[
            "--sub",
            "ada",
            "--ttl",
            "10m",
            "--room",
            "chat:*=join,publish",
            "--room",
            "a=b=join",
            "--info",
            "{\"n\":1}",
        ]);
        let token = sign(&asked, &key, Some("edge"), NOW).unwrap();
        let verifier = |audience: &str, byte| {
            Verifier::new(vec![JwtKey::new(None, &[byte; 32]).unwrap()], Some(audience.into()), 0)
        };
        let claims = verifier("edge", 7).verify(&token, NOW).unwrap();
        assert_eq!(claims.user, "ada");
        assert_eq!(claims.expires.0 - NOW.0, 600_000_000);
        assert_eq!(claims.info.as_deref(), Some("{\"n\":1}"));
        assert_eq!(
            claims.grants,
            [
                RoomGrant { room: "chat:*".into(), join: true, publish: true },
                RoomGrant { room: "a=b".into(), join: true, publish: false },
            ]
        );
        assert!(verifier("edge", 8).verify(&token, NOW).is_err());
        assert!(verifier("other", 7).verify(&token, NOW).is_err());
    }

    #[test]
    fn what_no_server_would_take_is_not_signed() {
        let key = Secret::new(&[7; 32]);
        for (arguments, told) in [
            (vec!["--sub", "", "--ttl", "1h"], "no server would take it: the token's sub must be"),
            (vec!["--sub", "a", "--ttl", "1"], "--ttl \"1\" must be a time with its unit"),
            (vec!["--sub", "a", "--ttl", "0s"], "--ttl \"0s\" must be 1s or more"),
            (vec!["--sub", "a", "--room", "chat"], "--room \"chat\" is no grant: write it like"),
            (vec!["--sub", "a", "--room", "chat=read"], "--room \"chat=read\" is no grant"),
            (vec!["--sub", "a", "--info", "{"], "--info is not JSON"),
            (vec!["--sub", "a", "--info", "[]"], "no server would take it: the token's info must be"),
        ] {
            let fault = sign(&typed(&arguments), &key, None, NOW).unwrap_err();
            assert!(fault.starts_with(told), "{fault}");
        }
    }
}
