//! Idempotent publish: which `msg_id`s were seen, and how far back that memory reaches.
//!
//! Kept until 1,024 newer ones or 2 minutes, whichever comes first; made only when the first `msg_id` arrives.

use std::collections::{BTreeMap, VecDeque};

use ringway_protocol::{Offset, Position};

use crate::time::Monotonic;

/// Ids kept at once.
pub(crate) const IDS_MAX: usize = 1_024;
/// How long an id is kept, in milliseconds.
pub(crate) const KEPT_MS: u64 = 120_000;

/// The window.
pub(crate) struct Dedup {
    offsets: BTreeMap<Box<[u8]>, Offset>,
    order: VecDeque<(Monotonic, Box<[u8]>)>,
    /// Every id published above this offset is in the window.
    floor: Offset,
}

/// What the window knows of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Published, at this offset.
    Duplicate(Offset),
    /// Certainly not published.
    New,
    /// It may have been published and forgotten.
    Unknown,
}

impl Dedup {
    pub(crate) const fn new() -> Self {
        Self::above(Offset(0))
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Looks an id up. `retry` is the publisher's position when it first sent; `here` is where the room stands.
    pub(crate) fn find(&self, user: &str, msg_id: &[u8], retry: Option<Position>, here: Position) -> Found {
        match self.offsets.get(&key(user, msg_id)[..]) {
            Some(offset) => Found::Duplicate(*offset),
            None => unseen(retry, here, self.floor),
        }
    }

    /// Keeps an id; returns it as it is kept.
    pub(crate) fn remember(
        &mut self,
        user: &str,
        msg_id: &[u8],
        offset: Offset,
        now: Monotonic,
    ) -> Box<[u8]> {
        let key = key(user, msg_id);
        self.keep(key.clone(), offset, now);
        key
    }

    /// Keeps an id as another window kept it.
    pub(crate) fn keep(&mut self, key: Box<[u8]>, offset: Offset, at: Monotonic) {
        self.order.push_back((at, key.clone()));
        self.offsets.insert(key, offset);
        self.expire(at);
    }

    /// A window that reaches back to this offset.
    pub(crate) const fn above(floor: Offset) -> Self {
        Self { offsets: BTreeMap::new(), order: VecDeque::new(), floor }
    }

    /// Every id published above this offset is in the window.
    pub(crate) const fn floor(&self) -> Offset {
        self.floor
    }

    /// All ids, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Monotonic, &[u8], Offset)> {
        self.order.iter().filter_map(|(at, key)| Some((*at, &**key, *self.offsets.get(key)?)))
    }

    /// The `msg_id` of what was published at an offset, if it is in the window. Looks through all of it.
    pub(crate) fn msg_id_at(&self, offset: Offset) -> Option<&[u8]> {
        let (_, key, _) = self.iter().find(|(_, _, at)| *at == offset)?;
        key.splitn(2, |byte| *byte == 0).nth(1)
    }

    pub(crate) fn expire(&mut self, now: Monotonic) {
        while let Some((at, key)) = self.order.front() {
            if self.order.len() <= IDS_MAX && now < at.plus_ms(KEPT_MS) {
                break;
            }
            if let Some(offset) = self.offsets.remove(key) {
                self.floor = self.floor.max(offset);
            }
            self.order.pop_front();
        }
    }

    pub(crate) fn oldest_at(&self) -> Option<Monotonic> {
        self.order.front().map(|(at, _)| *at)
    }
}

/// What can be said of an id that no window holds: `floor` is how far back the memory reaches.
pub(crate) fn unseen(retry: Option<Position>, here: Position, floor: Offset) -> Found {
    match retry {
        None => Found::New,
        Some(first_sent) if first_sent.epoch == here.epoch && first_sent.offset >= floor => Found::New,
        Some(_) => Found::Unknown,
    }
}

fn key(user: &str, msg_id: &[u8]) -> Box<[u8]> {
    // A user holds no control character, so the separator can't be forged.
    [user.as_bytes(), &[0], msg_id].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringway_protocol::Epoch;

    const HERE: Position = Position { epoch: Epoch(5), offset: Offset(5_000) };

    fn at(offset: u64) -> Option<Position> {
        Some(Position { epoch: Epoch(5), offset: Offset(offset) })
    }

    #[test]
    fn an_id_is_the_user_s_own() {
        let mut dedup = Dedup::new();
        dedup.remember("ann", b"1", Offset(7), Monotonic(0));
        assert_eq!(dedup.find("ann", b"1", None, HERE), Found::Duplicate(Offset(7)));
        assert_eq!(dedup.find("bob", b"1", None, HERE), Found::New);
    }

    #[test]
    fn a_retry_that_the_window_reaches_is_new() {
        let dedup = Dedup::new();
        assert_eq!(dedup.find("ann", b"1", at(0), HERE), Found::New);
    }

    #[test]
    fn a_retry_from_before_the_window_is_unknown() {
        let mut dedup = Dedup::new();
        for offset in 1..=IDS_MAX as u64 + 10 {
            dedup.remember("ann", &offset.to_be_bytes(), Offset(offset), Monotonic(0));
        }
        assert_eq!(dedup.find("ann", &3u64.to_be_bytes(), at(2), HERE), Found::Unknown);
        assert_eq!(dedup.find("ann", b"never", at(10), HERE), Found::New);
        assert_eq!(dedup.find("ann", b"never", at(9), HERE), Found::Unknown);
    }

    #[test]
    fn ids_are_forgotten_after_two_minutes() {
        let mut dedup = Dedup::new();
        dedup.remember("ann", b"1", Offset(7), Monotonic(0));
        dedup.expire(Monotonic(0).plus_ms(KEPT_MS));
        assert!(dedup.is_empty());
        assert_eq!(dedup.find("ann", b"1", at(6), HERE), Found::Unknown);
    }

    #[test]
    fn a_retry_from_another_epoch_is_unknown() {
        let dedup = Dedup::new();
        let other = Some(Position { epoch: Epoch(4), offset: Offset(9_000) });
        assert_eq!(dedup.find("ann", b"1", other, HERE), Found::Unknown);
    }
}
