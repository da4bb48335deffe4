//! Which shard has the link to which node, where every shard of the node can see it.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use ringway_core::{PeerId, ShardId};

/// Numbers of nodes that have a place: more than a cluster has nodes, as numbers are never given again.
const PEERS_MAX: usize = 1_024;
/// Messages that may wait for a link before shards keep theirs.
const WAITING_MAX: usize = 4_096;

/// One entry for each node's number.
pub(crate) struct LinkTable {
    entries: Box<[Entry]>,
    /// Shards on whose behalf publishers wait for a link.
    holding: AtomicUsize,
}

#[derive(Default)]
struct Entry {
    /// Generation of the link in the upper 16 bits' place, shard + 1 in the lower: 0 in those if it is down.
    link: AtomicU32,
    /// Messages that wait at the link's shard.
    waiting: AtomicUsize,
    /// A shard keeps messages until the link takes more.
    starved: AtomicBool,
    /// Too much waits for it: to be ended, so that the node asks for what it missed when it is back.
    cut: AtomicBool,
}

const SHARD_BITS: u32 = 10;
const SHARD_MASK: u32 = (1 << SHARD_BITS) - 1;

impl LinkTable {
    pub(crate) fn new() -> Self {
        let entries = (0..PEERS_MAX).map(|_| Entry::default()).collect();
        Self { entries, holding: AtomicUsize::new(0) }
    }

    /// The shard that has the link, if it is up.
    pub(crate) fn shard(&self, peer: PeerId) -> Option<ShardId> {
        let link = self.entry(peer)?.link.load(Ordering::Acquire) & SHARD_MASK;
        link.checked_sub(1).map(|shard| ShardId(shard as u16))
    }

    /// A link came up at this shard: its generation, and the shard that had one.
    pub(crate) fn up(&self, peer: PeerId, shard: ShardId) -> Option<(u32, Option<ShardId>)> {
        let entry = self.entry(peer)?;
        let mut generation = 0;
        let before = entry
            .link
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |link| {
                generation = (link >> SHARD_BITS).wrapping_add(1) & (u32::MAX >> SHARD_BITS);
                Some(generation << SHARD_BITS | (u32::from(shard.0) + 1))
            })
            .unwrap_or_default();
        entry.waiting.store(0, Ordering::Relaxed);
        entry.cut.store(false, Ordering::Relaxed);
        Some((generation, (before & SHARD_MASK).checked_sub(1).map(|shard| ShardId(shard as u16))))
    }

    /// The link of this shard is gone; its generation if no other has come up since.
    pub(crate) fn down(&self, peer: PeerId, shard: ShardId) -> Option<u32> {
        let entry = self.entry(peer)?;
        let ours = u32::from(shard.0) + 1;
        let before = entry.link.fetch_update(Ordering::AcqRel, Ordering::Acquire, |link| {
            (link & SHARD_MASK == ours).then_some(link & !SHARD_MASK)
        });
        before.ok().map(|link| link >> SHARD_BITS)
    }

    /// Whether the link's shard takes one more message; if not, the asking shard is told when it does.
    pub(crate) fn takes(&self, peer: PeerId) -> bool {
        let Some(entry) = self.entry(peer) else { return false };
        let takes = entry.waiting.load(Ordering::Relaxed) < WAITING_MAX;
        if !takes {
            entry.starved.store(true, Ordering::SeqCst);
        }
        takes
    }

    pub(crate) fn add(&self, peer: PeerId) {
        if let Some(entry) = self.entry(peer) {
            entry.waiting.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// So many messages have left; whether shards are to be told that there is room.
    pub(crate) fn remove(&self, peer: PeerId, count: usize) -> bool {
        let Some(entry) = self.entry(peer) else { return false };
        // A link that came up anew has counted from zero since.
        let before = entry
            .waiting
            .fetch_update(Ordering::SeqCst, Ordering::Relaxed, |waiting| Some(waiting.saturating_sub(count)))
            .unwrap_or_default();
        before.saturating_sub(count) < WAITING_MAX / 2 && entry.starved.swap(false, Ordering::SeqCst)
    }

    /// Publishers wait on behalf of one shard more, or one fewer.
    pub(crate) fn hold(&self, holds: bool) {
        if holds {
            self.holding.fetch_add(1, Ordering::Relaxed);
        } else {
            self.holding.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether publishers wait for a link.
    pub(crate) fn is_held(&self) -> bool {
        self.holding.load(Ordering::Relaxed) > 0
    }

    /// Asks the link's shard to end it.
    pub(crate) fn cut(&self, peer: PeerId) {
        if let Some(entry) = self.entry(peer) {
            entry.cut.store(true, Ordering::Relaxed);
        }
    }

    /// Whether somebody asked for that.
    pub(crate) fn is_cut(&self, peer: PeerId) -> bool {
        self.entry(peer).is_some_and(|entry| entry.cut.swap(false, Ordering::Relaxed))
    }

    fn entry(&self, peer: PeerId) -> Option<&Entry> {
        self.entries.get(usize::from(peer.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId(3);

    #[test]
    fn the_newest_link_is_the_one_and_only_its_shard_takes_it_down() {
        let table = LinkTable::new();
        assert_eq!(table.shard(PEER), None);
        assert_eq!(table.up(PEER, ShardId(0)), Some((1, None)));
        assert_eq!(table.up(PEER, ShardId(255)), Some((2, Some(ShardId(0)))));
        assert_eq!(table.down(PEER, ShardId(0)), None);
        assert_eq!(table.shard(PEER), Some(ShardId(255)));
        assert_eq!(table.down(PEER, ShardId(255)), Some(2));
        assert_eq!((table.shard(PEER), table.down(PEER, ShardId(255))), (None, None));
        assert_eq!(table.up(PeerId(u16::MAX), ShardId(0)), None);
    }

    #[test]
    fn who_found_no_room_is_told_once_there_is() {
        let table = LinkTable::new();
        for _ in 0..WAITING_MAX {
            assert!(table.takes(PEER));
            table.add(PEER);
        }
        assert!(!table.takes(PEER));
        assert!(!table.remove(PEER, 1), "not yet");
        assert!(table.remove(PEER, WAITING_MAX / 2 + 1));
        assert!(!table.remove(PEER, 1), "nobody waits");
    }
}
