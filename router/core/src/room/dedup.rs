//! Idempotent publish: which `msg_id`s were seen, and how far back that memory reaches.
//!
//! Kept until 1,024 newer ones or 2 minutes, whichever comes first; made only when the first `msg_id` arrives.

use std::collections::VecDeque;

use core::hash::Hasher;
use hashbrown::HashTable;
use ringway_protocol::{ClusterKey, Offset, Position};
use siphasher::sip::SipHasher13;

use crate::time::Monotonic;

/// Ids kept at once.
pub(crate) const IDS_MAX: usize = 1_024;
/// How long an id is kept, in milliseconds.
pub(crate) const KEPT_MS: u64 = 120_000;

/// An id as its publisher gave it: a `msg_id` is its user's own.
#[derive(Clone, Copy)]
pub(crate) struct Id<'a> {
    user: &'a [u8],
    msg_id: &'a [u8],
    hash: u64,
}

impl<'a> Id<'a> {
    pub(crate) fn new(key: &ClusterKey, user: &'a str, msg_id: &'a [u8]) -> Self {
        let user = user.as_bytes();
        Self { user, msg_id, hash: hash(key, user, msg_id) }
    }

    /// As windows keep it, here and at a standby.
    pub(crate) fn kept(&self) -> Box<[u8]> {
        let Self { user, msg_id, .. } = self;
        let mut kept = Vec::with_capacity(user.len() + 1 + msg_id.len());
        kept.extend_from_slice(user);
        kept.push(END_OF_USER);
        kept.extend_from_slice(msg_id);
        kept.into()
    }

    fn is(&self, kept: &[u8]) -> bool {
        let (user, rest) = kept.split_at_checked(self.user.len()).unwrap_or_default();
        user == self.user && rest.split_first() == Some((&END_OF_USER, self.msg_id))
    }
}

/// Between user and `msg_id`: a user holds no control character, so it can't be forged.
const END_OF_USER: u8 = 0;

/// Keyed, so that nobody can choose ids that meet.
fn hash(key: &ClusterKey, user: &[u8], msg_id: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_key(&key.0);
    hasher.write(user);
    hasher.write_u8(END_OF_USER);
    hasher.write(msg_id);
    hasher.finish()
}

/// The user and the `msg_id` of what a window keeps.
fn parts(kept: &[u8]) -> (&[u8], &[u8]) {
    let end = kept.iter().position(|byte| *byte == END_OF_USER).unwrap_or(kept.len());
    (&kept[..end], kept.get(end + 1..).unwrap_or_default())
}

/// An id in the window.
struct Seen {
    at: Monotonic,
    offset: Offset,
    hash: u64,
    kept: Box<[u8]>,
}

/// The window: ids in the order in which they came, and where each of them is.
pub(crate) struct Dedup {
    /// By offset as well: ids are kept in the order in which their publications stand.
    seen: VecDeque<Seen>,
    /// How many went: the number of the first one that is there.
    gone: u32,
    /// Numbers, wrapping, by hash. Of an id that came twice, the later one.
    numbers: HashTable<u32>,
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

    /// A window that reaches back to this offset.
    pub(crate) const fn above(floor: Offset) -> Self {
        Self { seen: VecDeque::new(), gone: 0, numbers: HashTable::new(), floor }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.seen.is_empty() && self.numbers.is_empty()
    }

    /// Looks an id up. `retry` is the publisher's position when it first sent; `here` is where the room stands.
    pub(crate) fn find(&self, id: &Id<'_>, retry: Option<Position>, here: Position) -> Found {
        let Self { seen, gone, .. } = self;
        let one = |number: &u32| &seen[number.wrapping_sub(*gone) as usize];
        match self.numbers.find(id.hash, |number| id.is(&one(number).kept)) {
            Some(number) => Found::Duplicate(one(number).offset),
            None => unseen(retry, here, self.floor),
        }
    }

    /// Keeps an id.
    pub(crate) fn remember(&mut self, id: &Id<'_>, offset: Offset, now: Monotonic) {
        self.push(Seen { at: now, offset, hash: id.hash, kept: id.kept() });
    }

    /// Keeps an id as another window kept it.
    pub(crate) fn keep(&mut self, key: &ClusterKey, kept: Box<[u8]>, offset: Offset, at: Monotonic) {
        let (user, msg_id) = parts(&kept);
        let hash = hash(key, user, msg_id);
        self.push(Seen { at, offset, hash, kept });
    }

    fn push(&mut self, one: Seen) {
        self.expire(one.at);
        while self.seen.len() >= IDS_MAX {
            self.drop_oldest();
        }
        let Self { seen, gone, numbers, .. } = self;
        let (hash, number) = (one.hash, gone.wrapping_add(seen.len() as u32));
        seen.push_back(one);
        let of = |number: &u32| &seen[number.wrapping_sub(*gone) as usize];
        let same = |other: &u32| of(other).kept == of(&number).kept;
        match numbers.entry(hash, same, |number| of(number).hash) {
            hashbrown::hash_table::Entry::Occupied(mut earlier) => *earlier.get_mut() = number,
            hashbrown::hash_table::Entry::Vacant(place) => drop(place.insert(number)),
        }
    }

    /// Every id published above this offset is in the window.
    pub(crate) const fn floor(&self) -> Offset {
        self.floor
    }

    /// All ids, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Monotonic, &[u8], Offset)> {
        self.seen.iter().map(|one| (one.at, &*one.kept, one.offset))
    }

    /// The `msg_id` of what was published at an offset, if it is in the window.
    pub(crate) fn msg_id_at(&self, offset: Offset) -> Option<&[u8]> {
        let place = self.seen.binary_search_by_key(&offset, |one| one.offset).ok()?;
        Some(parts(&self.seen[place].kept).1)
    }

    pub(crate) fn expire(&mut self, now: Monotonic) {
        while self.seen.front().is_some_and(|oldest| now >= oldest.at.plus_ms(KEPT_MS)) {
            self.drop_oldest();
        }
        if self.seen.is_empty() && self.seen.capacity() > 0 {
            // A room that has gone quiet holds no memory for it.
            *self = Self::above(self.floor);
        }
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.seen.pop_front() else { return };
        self.floor = self.floor.max(oldest.offset);
        if let Ok(entry) = self.numbers.find_entry(oldest.hash, |number| *number == self.gone) {
            entry.remove();
        }
        self.gone = self.gone.wrapping_add(1);
    }

    pub(crate) fn oldest_at(&self) -> Option<Monotonic> {
        self.seen.front().map(|one| one.at)
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

#[cfg(test)]
mod tests {
    use super::*;
    use ringway_protocol::Epoch;

    const KEY: ClusterKey = ClusterKey([9; 16]);
    const HERE: Position = Position { epoch: Epoch(5), offset: Offset(5_000) };

    fn at(offset: u64) -> Option<Position> {
        Some(Position { epoch: Epoch(5), offset: Offset(offset) })
    }

    fn id<'a>(user: &'a str, msg_id: &'a [u8]) -> Id<'a> {
        Id::new(&KEY, user, msg_id)
    }

    #[test]
    fn an_id_is_the_user_s_own() {
        let mut dedup = Dedup::new();
        dedup.remember(&id("ann", b"1"), Offset(7), Monotonic(0));
        assert_eq!(dedup.find(&id("ann", b"1"), None, HERE), Found::Duplicate(Offset(7)));
        assert_eq!(dedup.find(&id("bob", b"1"), None, HERE), Found::New);
        assert!(
            !id("an", b"n\x001").is(&id("ann", b"1").kept()),
            "user and msg_id do not run into each other"
        );
    }

    #[test]
    fn a_retry_that_the_window_reaches_is_new() {
        let dedup = Dedup::new();
        assert_eq!(dedup.find(&id("ann", b"1"), at(0), HERE), Found::New);
    }

    #[test]
    fn a_retry_from_before_the_window_is_unknown() {
        let mut dedup = Dedup::new();
        for offset in 1..=IDS_MAX as u64 + 10 {
            dedup.remember(&id("ann", &offset.to_be_bytes()), Offset(offset), Monotonic(0));
        }
        assert_eq!(dedup.find(&id("ann", &3u64.to_be_bytes()), at(2), HERE), Found::Unknown);
        assert_eq!(dedup.find(&id("ann", b"never"), at(10), HERE), Found::New);
        assert_eq!(dedup.find(&id("ann", b"never"), at(9), HERE), Found::Unknown);
    }

    #[test]
    fn ids_are_forgotten_after_two_minutes() {
        let mut dedup = Dedup::new();
        dedup.remember(&id("ann", b"1"), Offset(7), Monotonic(0));
        dedup.expire(Monotonic(0).plus_ms(KEPT_MS));
        assert!(dedup.is_empty());
        assert_eq!(dedup.find(&id("ann", b"1"), at(6), HERE), Found::Unknown);
    }

    #[test]
    fn a_retry_from_another_epoch_is_unknown() {
        let dedup = Dedup::new();
        let other = Some(Position { epoch: Epoch(4), offset: Offset(9_000) });
        assert_eq!(dedup.find(&id("ann", b"1"), other, HERE), Found::Unknown);
    }

    /// The window against a list that is looked through.
    #[test]
    fn ids_that_come_and_go_are_found_as_in_a_list() {
        let mut random = crate::random::Random::new(1);
        let mut dedup = Dedup::new();
        let mut list: Vec<(u64, u8, Offset)> = Vec::new();
        for step in 1..20_000 {
            let (now, name) = (Monotonic(step * 100_000), random.next_u64() as u8);
            let offset = Offset(step);
            if random.next_u64().is_multiple_of(2) {
                dedup.remember(&id("ann", &[name]), offset, now);
            } else {
                dedup.keep(&KEY, id("ann", &[name]).kept(), offset, now);
            }
            list.push((now.0, name, offset));
            list.retain(|(at, ..)| now.0 < at + KEPT_MS * 1_000);
            if list.len() > IDS_MAX {
                list.remove(0);
            }
            let asked = random.next_u64() as u8;
            let last = list.iter().rev().find(|(_, name, _)| *name == asked);
            let expected = last.map_or(Found::New, |(.., offset)| Found::Duplicate(*offset));
            assert_eq!(dedup.find(&id("ann", &[asked]), None, HERE), expected);
            let (_, name, offset) = list[(random.next_u64() % list.len() as u64) as usize];
            assert_eq!(dedup.msg_id_at(offset), Some(&[name][..]));
            assert_eq!(dedup.seen.len(), list.len());
        }
        dedup.expire(Monotonic(u64::MAX));
        assert!(dedup.is_empty());
    }
}
