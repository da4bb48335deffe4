//! Who a `hello` comes from: tokens, anonymous users, resume secrets; and the ids of new sessions. Shard view.
//!
//! Everything is checked on the shard that took the connection, without asking anybody: tokens and resume secrets are
//! MACs under keys that every shard has.

use std::sync::Arc;

use ringway_core::{Grant, Identity, Now};
use ringway_protocol::command::Hello;
use ringway_protocol::token::{
    Claims, JwtKey, Resume, ResumeSecret, ResumeSecrets, Verifier, next_generation,
};
use ringway_protocol::{ClusterKey, ErrorCode, Generation, NodeId, RoomHandle, SessionId, UnixMicros};

use crate::node::TokenSettings;

/// Resume secrets when the configuration gives no time.
const RESUME_TTL_MS: u64 = 24 * 60 * 60 * 1_000;

/// Checks who comes in.
pub(crate) struct Doorman {
    anonymous: bool,
    verifier: Verifier,
    resume: ResumeSecrets,
    resume_ttl_ms: u64,
    node: NodeId,
    /// This run of the node.
    incarnation: u64,
    /// SplitMix64, seeded from the system's random source.
    random: u64,
    /// Nobody new comes in.
    pub(crate) closed: bool,
}

/// Somebody who may come in.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) session: SessionId,
    pub(crate) generation: Generation,
    pub(crate) identity: Identity,
    /// The secret for `welcome.resume`.
    pub(crate) resume: String,
}

impl Doorman {
    pub(crate) fn new(tokens: &TokenSettings, key: &ClusterKey, node: &str, seed: u64) -> Self {
        let mut doorman = Self {
            anonymous: false,
            verifier: Verifier::new(Vec::new(), None, 0),
            resume: ResumeSecrets { current: secret(&[0; 32]), previous: None },
            resume_ttl_ms: 0,
            node: NodeId(RoomHandle::of(key, node).0),
            incarnation: seed,
            random: seed,
            closed: false,
        };
        doorman.reload(tokens);
        doorman
    }

    /// New keys and rules; sessions that are open stay open.
    pub(crate) fn reload(&mut self, tokens: &TokenSettings) {
        self.anonymous = tokens.anonymous;
        let keys = tokens.jwt_secrets.iter().filter_map(|secret| JwtKey::new(None, secret).ok()).collect();
        let leeway_s = tokens.leeway_s.min(u64::from(u32::MAX)) as u32;
        self.verifier = Verifier::new(keys, tokens.audience.clone(), leeway_s);
        if let Some(current) = tokens.resume_secrets.first() {
            self.resume = ResumeSecrets {
                current: secret(current),
                previous: tokens.resume_secrets.get(1).map(secret),
            };
        }
        self.resume_ttl_ms = if tokens.resume_ttl_ms == 0 { RESUME_TTL_MS } else { tokens.resume_ttl_ms };
    }

    /// Checks a `hello`.
    ///
    /// # Errors
    /// What the client is told.
    pub(crate) fn greet(&mut self, now: Now, hello: &Hello<'_>) -> Result<Guest, ErrorCode> {
        if self.closed {
            return Err(ErrorCode::Draining);
        }
        let claims = match hello.token {
            Some(token) => Some(self.verifier.verify(token, now.unix).map_err(|fault| fault.code())?),
            None => None,
        };
        let resume = match hello.resume {
            Some(text) => Some(self.resume.open(text, now.unix).map_err(|fault| fault.code())?),
            None => None,
        };
        let session = resume.as_ref().map_or_else(|| self.new_session(), |resume| resume.session);
        let identity = self.identify(claims, resume.as_ref(), session)?;
        let old = resume.map(|resume| resume.generation);
        let generation = next_generation(old, now.unix, self.random_u64() as u32);
        let resume = self.resume.seal(&Resume {
            session,
            generation,
            node: self.node,
            incarnation: self.incarnation,
            expires: UnixMicros(now.unix.0.saturating_add(self.resume_ttl_ms.saturating_mul(1_000))),
            user: identity.user.as_ref().to_owned(),
            anonymous: identity.anonymous,
        });
        Ok(Guest { session, generation, identity, resume })
    }

    /// Checks the token of a `refresh`; whether it is the same user's is the core's to see.
    ///
    /// # Errors
    /// What the client is told.
    pub(crate) fn refresh(&self, now: Now, token: &str) -> Result<Identity, ErrorCode> {
        self.verifier.verify(token, now.unix).map(vouched).map_err(|fault| fault.code())
    }

    /// A resume secret proves whose session it was, but not that a token would still vouch for them.
    fn identify(
        &self,
        claims: Option<Claims>,
        resume: Option<&Resume>,
        session: SessionId,
    ) -> Result<Identity, ErrorCode> {
        match (claims, resume) {
            (Some(claims), Some(resume)) if claims.user != resume.user => Err(ErrorCode::ResumeInvalid),
            (Some(claims), _) => Ok(vouched(claims)),
            (None, Some(resume)) if !resume.anonymous => Err(ErrorCode::TokenRequired),
            (None, _) if !self.anonymous => Err(ErrorCode::TokenRequired),
            (None, Some(resume)) => Ok(anonymous(&resume.user)),
            (None, None) => Ok(anonymous(&format!("anon-{session}"))),
        }
    }

    /// An id that nobody has: 64 random bits, never 0 (the API's).
    fn new_session(&mut self) -> SessionId {
        SessionId(self.random_u64().max(1))
    }

    fn random_u64(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

fn secret(bytes: &[u8; 32]) -> ResumeSecret {
    ResumeSecret::new(bytes).expect("32 bytes are enough")
}

fn vouched(claims: Claims) -> Identity {
    let grants = claims
        .grants
        .into_iter()
        .map(|grant| Grant { room: grant.room, join: grant.join, publish: grant.publish })
        .collect();
    Identity {
        user: claims.user.into(),
        anonymous: false,
        grants,
        info: claims.info.map(Arc::from),
        expires: Some(claims.expires),
    }
}

fn anonymous(user: &str) -> Identity {
    Identity { user: user.into(), anonymous: true, grants: Vec::new(), info: None, expires: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringway_core::Monotonic;
    use ringway_protocol::token::jwt::sign;

    const SECRET: [u8; 32] = [7; 32];

    fn now() -> Now {
        Now { monotonic: Monotonic(0), unix: UnixMicros(1_700_000_000_000_000) }
    }

    fn doorman(anonymous: bool) -> Doorman {
        let tokens = TokenSettings {
            anonymous,
            jwt_secrets: vec![Arc::from(SECRET.as_slice())],
            resume_secrets: vec![[9; 32]],
            ..TokenSettings::default()
        };
        Doorman::new(&tokens, &ClusterKey([1; 16]), "node", 5)
    }

    fn token(user: &str) -> String {
        let claims = Claims {
            user: user.to_owned(),
            expires: UnixMicros(now().unix.0 + 60_000_000),
            info: None,
            grants: Vec::new(),
        };
        sign(&JwtKey::new(None, &SECRET).unwrap(), &claims, None, now().unix).unwrap()
    }

    fn hello<'a>(token: Option<&'a str>, resume: Option<&'a str>) -> Hello<'a> {
        Hello { id: None, protocol: 1, token, client: None, resume }
    }

    #[test]
    fn without_a_token_only_who_may_be_anonymous_comes_in() {
        assert_eq!(doorman(false).greet(now(), &hello(None, None)).unwrap_err(), ErrorCode::TokenRequired);
        let guest = doorman(true).greet(now(), &hello(None, None)).unwrap();
        assert_eq!(*guest.identity.user, format!("anon-{}", guest.session));
        assert!(guest.identity.anonymous);
    }

    #[test]
    fn a_token_vouches_for_its_user() {
        let token = token("ada");
        let guest = doorman(false).greet(now(), &hello(Some(&token), None)).unwrap();
        assert_eq!((&*guest.identity.user, guest.identity.anonymous), ("ada", false));
        let forged = format!("{token}x");
        assert_eq!(
            doorman(true).greet(now(), &hello(Some(&forged), None)).unwrap_err(),
            ErrorCode::TokenInvalid
        );
    }

    #[test]
    fn a_resumed_session_keeps_its_id_and_gets_a_higher_generation() {
        let mut doorman = doorman(true);
        let first = doorman.greet(now(), &hello(None, None)).unwrap();
        let again = doorman.greet(now(), &hello(None, Some(&first.resume))).unwrap();
        assert_eq!((again.session, &again.identity.user), (first.session, &first.identity.user));
        assert!(again.generation > first.generation);
    }

    #[test]
    fn who_had_a_token_must_show_one_of_the_same_user_to_resume() {
        let mut doorman = doorman(true);
        let (ada, bob) = (token("ada"), token("bob"));
        let first = doorman.greet(now(), &hello(Some(&ada), None)).unwrap();
        let resume = Some(first.resume.as_str());
        assert_eq!(doorman.greet(now(), &hello(None, resume)).unwrap_err(), ErrorCode::TokenRequired);
        assert_eq!(doorman.greet(now(), &hello(Some(&bob), resume)).unwrap_err(), ErrorCode::ResumeInvalid);
        assert_eq!(doorman.greet(now(), &hello(Some(&ada), resume)).unwrap().session, first.session);
    }

    #[test]
    fn a_closed_door_says_draining() {
        let mut doorman = doorman(true);
        doorman.closed = true;
        assert_eq!(doorman.greet(now(), &hello(None, None)).unwrap_err(), ErrorCode::Draining);
    }
}
