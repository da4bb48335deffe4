//! The stored map: slot → owner, in 16 chunks of 256 slots, each one value of the coordinator (a cluster's view).
//!
//! It costs nothing per room, and a change writes one chunk of about 2 KiB. A chunk's terms never go back; a map that
//! did is told from one that did not by [`SlotMap::went_back`].

mod encoding;

use crate::slot::{SLOTS, Slot, SlotOwner, Term};

/// How many chunks the map has.
pub const CHUNKS: usize = 16;
/// Slots in one chunk.
pub const CHUNK_SLOTS: usize = SLOTS / CHUNKS;

/// One of 16 parts of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkId(u8);

impl ChunkId {
    /// `None` from 16 on.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < CHUNKS { Some(Self(number)) } else { None }
    }

    /// The chunk that holds a slot.
    #[must_use]
    pub const fn of(slot: Slot) -> Self {
        Self((slot.index() / CHUNK_SLOTS) as u8)
    }

    /// All, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..CHUNKS as u8).map(Self)
    }

    /// 0 to 15.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The same, to index with.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The chunk's slots, in order.
    pub fn slots(self) -> impl Iterator<Item = Slot> {
        let first = self.index() * CHUNK_SLOTS;
        (first..first + CHUNK_SLOTS).filter_map(|number| Slot::new(number as u16))
    }

    /// Its first and its last slot.
    #[must_use]
    pub fn ends(self) -> Option<(Slot, Slot)> {
        let first = self.index() * CHUNK_SLOTS;
        Slot::new(first as u16).zip(Slot::new((first + CHUNK_SLOTS - 1) as u16))
    }
}

/// 256 consecutive entries of the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    id: ChunkId,
    entries: Vec<SlotOwner>,
}

impl Chunk {
    /// Nobody's slots, all of one term.
    #[must_use]
    pub fn vacant(id: ChunkId, term: Term) -> Self {
        Self { id, entries: vec![SlotOwner::vacant(term); CHUNK_SLOTS] }
    }

    /// Which one it is.
    #[must_use]
    pub const fn id(&self) -> ChunkId {
        self.id
    }

    /// The entry of a slot.
    ///
    /// # Panics
    /// If the slot is of another chunk.
    #[must_use]
    pub fn entry(&self, slot: Slot) -> &SlotOwner {
        assert!(ChunkId::of(slot) == self.id, "slot of another chunk");
        &self.entries[slot.index() % CHUNK_SLOTS]
    }

    /// Replaces the entry of a slot.
    ///
    /// # Panics
    /// If the slot is of another chunk, or the term would go back.
    pub fn set(&mut self, slot: Slot, entry: SlotOwner) {
        assert!(ChunkId::of(slot) == self.id, "slot of another chunk");
        let old = &mut self.entries[slot.index() % CHUNK_SLOTS];
        assert!(entry.term >= old.term, "a term never goes back");
        *old = entry;
    }

    /// All entries with their slots, in order.
    pub fn entries(&self) -> impl Iterator<Item = (Slot, &SlotOwner)> {
        self.id.slots().zip(&self.entries)
    }
}

/// The whole map as one node knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotMap {
    chunks: Vec<Chunk>,
}

impl SlotMap {
    /// Nobody's slots, all of one term.
    #[must_use]
    pub fn vacant(term: Term) -> Self {
        Self { chunks: ChunkId::all().map(|id| Chunk::vacant(id, term)).collect() }
    }

    /// The entry of a slot.
    #[must_use]
    pub fn entry(&self, slot: Slot) -> &SlotOwner {
        self.chunks[ChunkId::of(slot).index()].entry(slot)
    }

    /// A part of it.
    #[must_use]
    pub fn chunk(&self, id: ChunkId) -> &Chunk {
        &self.chunks[id.index()]
    }

    /// All entries with their slots, in order.
    pub fn entries(&self) -> impl Iterator<Item = (Slot, &SlotOwner)> {
        self.chunks.iter().flat_map(Chunk::entries)
    }

    /// The first slot whose term in `newer` is below the one here.
    #[must_use]
    pub fn went_back(&self, newer: &Chunk) -> Option<(Slot, Term, Term)> {
        let mut pairs = self.chunk(newer.id).entries().zip(newer.entries());
        pairs
            .find(|((_, old), (_, new))| new.term < old.term)
            .map(|((slot, old), (_, new))| (slot, old.term, new.term))
    }

    /// Takes a newer chunk; what was there before.
    ///
    /// # Panics
    /// If a term goes back: ask [`SlotMap::went_back`] first.
    pub fn replace(&mut self, chunk: Chunk) -> Chunk {
        assert!(self.went_back(&chunk).is_none(), "a term never goes back");
        let index = chunk.id.index();
        core::mem::replace(&mut self.chunks[index], chunk)
    }
}
