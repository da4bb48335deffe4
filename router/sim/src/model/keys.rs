//! The latest and unreliable lanes as one session sees them in one room: per key the newest, never an older one.

use std::collections::BTreeMap;

use ringway_protocol::Lane;

use super::room::{Current, KeyId, Version};

/// What is known of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Held {
    /// The newest version known, delivered or one's own.
    version: u64,
    /// Its frame; `None`: removed.
    value: Option<u64>,
    /// The newest version that was delivered: what comes next must be newer.
    delivered: u64,
}

/// All keys of one room.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    held: BTreeMap<KeyId, Held>,
    /// The newest unreliable version of each key.
    fresh: BTreeMap<KeyId, u64>,
}

impl Keys {
    /// A `message` of one of the two lanes.
    ///
    /// # Errors
    /// When it is not newer than what was delivered of its key.
    pub fn deliver(&mut self, number: u64, version: &Version, serial: u64) -> Result<(), String> {
        let key = version.key.clone();
        if version.lane == Lane::Unreliable {
            let before = self.fresh.insert(key, number).unwrap_or(0);
            return newer("unreliable", before, number);
        }
        let value = (!version.removed).then_some(serial);
        let held = self.held.entry(key).or_default();
        let before = core::mem::replace(&mut held.delivered, number);
        if number > held.version {
            *held = Held { version: number, value, delivered: number };
        }
        newer("latest", before, number)
    }

    /// A removal told to a joiner: of a version that may stand for something else. Whether nothing newer is held.
    pub fn removed(&mut self, key: KeyId, number: u64) -> bool {
        let held = self.held.entry(key).or_default();
        if number >= held.version {
            let delivered = number.max(held.delivered);
            *held = Held { version: number, value: None, delivered };
            return true;
        }
        false
    }

    /// One's own value, told only by `published`.
    pub fn own(&mut self, number: u64, version: &Version) {
        if version.lane != Lane::Latest {
            return;
        }
        let held = self.held.entry(version.key.clone()).or_default();
        if number > held.version {
            held.version = number;
            held.value = (!version.removed).then_some(version.serial);
        }
    }

    /// Values held, with their versions: what a join lists.
    pub fn known(&self) -> impl Iterator<Item = (&KeyId, u64)> {
        self.held.iter().filter(|(_, held)| held.value.is_some()).map(|(key, held)| (key, held.version))
    }

    /// Of these values those that are listed with just this version.
    #[must_use]
    pub fn only(&self, listed: &BTreeMap<KeyId, u64>) -> Self {
        let mut held = self.held.clone();
        held.retain(|key, value| listed.get(key) == Some(&value.version));
        Self { held, fresh: BTreeMap::new() }
    }

    /// A new membership that listed exactly these values.
    pub fn rejoin(&mut self, listed: &Self) {
        self.held = listed.held.clone();
        self.held.retain(|_, held| held.value.is_some());
        for held in self.held.values_mut() {
            held.delivered = held.version;
        }
    }

    /// A new membership that listed nothing.
    pub fn forget(&mut self) {
        self.held.clear();
    }

    /// A new order, whose versions are above the floor: those of the older one are void.
    pub fn void(&mut self, floor: u64) {
        self.held.retain(|_, held| held.version > floor);
        self.fresh.retain(|_, newest| *newest > floor);
    }

    /// Whether something newer of the key was delivered.
    #[must_use]
    pub fn is_past(&self, number: u64, version: &Version) -> bool {
        match version.lane {
            Lane::Unreliable => self.fresh.get(&version.key).is_some_and(|newest| *newest >= number),
            _ => self.held.get(&version.key).is_some_and(|held| held.delivered >= number),
        }
    }

    /// Whether the values held are the current ones.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare(&self, current: &BTreeMap<KeyId, Current>) -> Result<(), String> {
        for (key, value) in current {
            let held = self.held.get(key).and_then(|held| held.value);
            if held != Some(value.serial) {
                return Err(format!("of {key:?} frame {held:?} is held, {} is current", value.serial));
            }
        }
        let stale = self.held.iter().find(|(key, held)| held.value.is_some() && !current.contains_key(*key));
        stale.map_or(Ok(()), |(key, held)| Err(format!("{key:?} is gone, and {held:?} is held")))
    }
}

fn newer(lane: &str, before: u64, number: u64) -> Result<(), String> {
    if number > before {
        Ok(())
    } else {
        Err(format!("a {lane} value of version {number:016x} comes after {before:016x} of its key"))
    }
}
