//! Newest version seen of each key of the latest and unreliable lanes.

use core::hash::Hasher;
use std::collections::BTreeMap;

use siphasher::sip::SipHasher13;

use super::Fault;
use crate::command::KnownVersion;
use crate::event::Message;
use crate::{BodyKind, Lane, Version};

/// Keys that are followed; above it, new ones are taken unchecked.
const KEYS_MAX: usize = 4 * crate::limit::KEYS_PER_ROOM_MAX;

/// Versions by a hash of (lane, sender, key). Senders are always told apart: where keys belong to the room this checks
/// each sender's part of the order, where they belong to users all of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    by_tag: BTreeMap<u64, Key>,
}

#[derive(Clone, Debug)]
struct Key {
    lane: Lane,
    user: Option<Box<str>>,
    key: Box<str>,
    version: Version,
    /// The newest came apart from the room's order, which may tell older ones yet.
    apart: bool,
    /// Seen since the last `joined`, which tells values again.
    seen: bool,
    /// The last message had no body.
    removed: bool,
}

impl Keys {
    /// Whether it is news; `apart`: it came by another way than the room's order, and older ones are no fault.
    pub(super) fn handle_version(
        &mut self,
        message: &Message<'_>,
        version: Version,
        apart: bool,
    ) -> Result<bool, Fault> {
        let removed = message.body.kind == BodyKind::None;
        let tag = tag(message);
        let Some(held) = self.by_tag.get_mut(&tag) else {
            if self.by_tag.len() < KEYS_MAX {
                let user = message.from.user.map(Box::from);
                let key = message.key.unwrap_or_default().into();
                let lane = message.lane;
                self.by_tag.insert(tag, Key { lane, user, key, version, apart, seen: true, removed });
            }
            return Ok(true);
        };
        let rises = version > held.version || (version == held.version && !held.seen);
        if !rises && (apart || held.apart) {
            return Ok(false);
        }
        if !rises {
            let (key, lane) = (held.key.clone(), held.lane);
            return Err(Fault::VersionFell { lane, key, held: held.version, got: version });
        }
        held.version = version;
        held.apart = apart;
        held.seen = true;
        held.removed = removed;
        Ok(true)
    }

    /// A `joined` tells current values again, equal ones included.
    pub(super) fn handle_rejoin(&mut self) {
        for key in self.by_tag.values_mut() {
            key.seen = false;
        }
    }

    /// A `reset` voids the versions of the older orders: those that are not above its own.
    pub(super) fn handle_reset(&mut self, floor: Version) {
        self.by_tag.retain(|_, key| key.version > floor);
    }

    pub(super) fn known(&self) -> impl Iterator<Item = KnownVersion<'_>> {
        self.by_tag.values().filter(|key| key.lane == Lane::Latest && !key.removed).map(|key| KnownVersion {
            user: key.user.as_deref(),
            key: &key.key,
            version: key.version,
        })
    }
}

fn tag(message: &Message<'_>) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write_u8(message.lane as u8);
    match message.from.user {
        Some(user) => {
            hasher.write(user.as_bytes());
            hasher.write_u8(0xff);
        }
        None => hasher.write_u64(message.from.session.0),
    }
    hasher.write(message.key.unwrap_or_default().as_bytes());
    hasher.finish()
}
