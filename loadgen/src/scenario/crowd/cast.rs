//! Who plays: how many, in which format, under which name, in which room. Process view, the same for all threads.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ringway_protocol::session::client::Options;
use ringway_protocol::token::jwt::{Claims, JwtKey, RoomGrant, sign};
use ringway_protocol::{BodyKind, Format, UnixMicros};

use super::super::{RunFault, Setup};
use crate::args::{BodyChoice, FormatMix, PublishArgs, SessionArgs, TransportChoice};
use crate::engine::Target;

/// How long the tokens that clients sign for themselves are valid.
const TOKEN_HOURS: u64 = 12;

/// The clients of a run.
#[derive(Clone)]
pub(in crate::scenario) struct Cast {
    pub(in crate::scenario) subscribers: u32,
    format: FormatMix,
    rooms: Arc<[String]>,
    identity: Identity,
}

#[derive(Clone)]
enum Identity {
    /// One for all.
    Shared(Arc<Options>),
    /// Each client signs its own token.
    Signed(Arc<JwtKey>),
}

impl Cast {
    pub(in crate::scenario) fn new(
        args: &SessionArgs,
        subscribers: u32,
        setup: &Setup,
    ) -> Result<Self, RunFault> {
        let has_text =
            |target: &Arc<Target>| matches!(target.transport, TransportChoice::Ws | TransportChoice::Tcp);
        if args.format != FormatMix::Binary && !setup.targets().iter().any(has_text) {
            let text =
                "--format: JSON is spoken over WebSocket only, QUIC and WebTransport carry binary frames";
            return Err(RunFault::Asked(text.into()));
        }
        let rooms: Arc<[String]> = (0..args.rooms)
            .map(|room| match &args.namespace {
                Some(namespace) => format!("{namespace}:load-{room}"),
                None => format!("load-{room}"),
            })
            .collect();
        let identity = match &args.token_key {
            Some(secret) => {
                let key = JwtKey::new(None, secret.as_bytes()).map_err(|_| {
                    RunFault::Asked("--token-key: an HS256 secret has at least 32 bytes".into())
                })?;
                Identity::Signed(Arc::new(key))
            }
            None => Identity::Shared(Arc::new(options(args.token.as_deref()))),
        };
        Ok(Self { subscribers, format: args.format, rooms, identity })
    }

    /// The format of a client by its number over all threads; over another transport than WebSocket it is binary.
    pub(in crate::scenario) fn format_of(&self, client: u32, target: &Target) -> Format {
        match self.format {
            _ if target.transport != TransportChoice::Ws => Format::Binary,
            FormatMix::Binary => Format::Binary,
            FormatMix::Json => Format::Json,
            // Neighbours in a room differ, whatever the number of rooms.
            FormatMix::Mixed => {
                let turn = client / self.rooms.len() as u32;
                if turn.is_multiple_of(2) { Format::Binary } else { Format::Json }
            }
        }
    }

    pub(in crate::scenario) fn rooms(&self) -> u32 {
        self.rooms.len() as u32
    }

    pub(in crate::scenario) fn room_number(&self, client: u32) -> u32 {
        client % self.rooms.len() as u32
    }

    pub(in crate::scenario) fn room_of(&self, client: u32) -> &str {
        &self.rooms[self.room_number(client) as usize]
    }

    /// Who a client says it is, by its number over all threads.
    pub(in crate::scenario) fn identity(&self, client: u32) -> Arc<Options> {
        match &self.identity {
            Identity::Shared(options) => options.clone(),
            Identity::Signed(key) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
                let claims = Claims {
                    user: format!("load-{client}"),
                    expires: UnixMicros(now + TOKEN_HOURS * 3_600_000_000),
                    info: None,
                    grants: vec![RoomGrant { room: "*".to_owned(), join: true, publish: true }],
                };
                // Signing fails only for an `info` that is not JSON, and there is none.
                Arc::new(options(sign(key, &claims, None, UnixMicros(now)).ok().as_deref()))
            }
        }
    }

    /// The kind of bodies: what was asked for, else what all formats read cheaply.
    pub(in crate::scenario) const fn body_kind(&self, publish: &PublishArgs) -> BodyKind {
        match (publish.body_kind, self.format) {
            (Some(BodyChoice::Bytes), _) | (None, FormatMix::Binary) => BodyKind::Bytes,
            (Some(BodyChoice::Text), _) => BodyKind::Text,
            (Some(BodyChoice::Json), _) | (None, _) => BodyKind::Json,
        }
    }
}

fn options(token: Option<&str>) -> Options {
    let client = concat!("ringway-load/", env!("CARGO_PKG_VERSION"));
    Options { token: token.map(Into::into), client: Some(client.into()), versions: false }
}
