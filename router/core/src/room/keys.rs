//! Current values of the latest lane.

use std::collections::BTreeMap;

use ringway_protocol::{SessionId, Version};

use crate::time::Monotonic;

/// Whose key, and which. Where keys are the room's, the user is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyName {
    pub(crate) user: Box<str>,
    pub(crate) key: Box<str>,
}

/// One key's value.
pub(crate) struct Stored<F> {
    pub(crate) frame: F,
    pub(crate) bytes: u32,
    pub(crate) version: Version,
    pub(crate) key_tag: u64,
    /// Who set it last: with that session it goes.
    pub(crate) session: SessionId,
    /// When it goes though nobody removes it.
    pub(crate) expires: Option<Monotonic>,
}

/// All keys of a room, in a fixed order.
pub(crate) struct Keys<F> {
    values: BTreeMap<KeyName, Stored<F>>,
    bytes: u64,
}

impl<F> Keys<F> {
    pub(crate) const fn new() -> Self {
        Self { values: BTreeMap::new(), bytes: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of one key's value, if it has one.
    pub(crate) fn bytes_of(&self, name: &KeyName) -> Option<u64> {
        self.values.get(name).map(|value| u64::from(value.bytes))
    }

    pub(crate) fn find(&self, name: &KeyName) -> Option<&Stored<F>> {
        self.values.get(name)
    }

    pub(crate) fn set(&mut self, name: KeyName, value: Stored<F>) {
        self.bytes += u64::from(value.bytes);
        if let Some(older) = self.values.insert(name, value) {
            self.bytes -= u64::from(older.bytes);
        }
    }

    pub(crate) fn remove(&mut self, name: &KeyName) -> Option<Stored<F>> {
        let value = self.values.remove(name)?;
        self.bytes -= u64::from(value.bytes);
        Some(value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&KeyName, &Stored<F>)> {
        self.values.iter()
    }

    /// Lets a session's keys go at `expires`; the names of those to remove now if that is `None`.
    pub(crate) fn release(&mut self, session: SessionId, expires: Option<Monotonic>) -> Vec<KeyName> {
        let mut gone = Vec::new();
        for (name, value) in &mut self.values {
            if value.session == session {
                match expires {
                    Some(_) => value.expires = expires,
                    None => gone.push(name.clone()),
                }
            }
        }
        gone
    }

    pub(crate) fn expired(&self, now: Monotonic) -> Vec<KeyName> {
        let due = |value: &Stored<F>| value.expires.is_some_and(|expires| expires <= now);
        self.values.iter().filter(|(_, value)| due(value)).map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn next_expiry(&self) -> Option<Monotonic> {
        self.values.values().filter_map(|value| value.expires).min()
    }
}
