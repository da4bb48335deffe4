//! Where each room ended, as all threads together know it. Process view; over several processes the first one adds up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ringway_protocol::{Epoch, Offset, Position};
use serde::{Deserialize, Serialize};

/// What every subscriber of a room must have seen in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::scenario) struct Final {
    /// The last reliable position.
    pub(in crate::scenario) position: Option<Position>,
    /// The stamp of the newest value of the latest lane; 0: not checked.
    pub(in crate::scenario) sequence: u64,
    /// The last publication of each of the room's publishers, where their stamps are all there is to go by.
    pub(in crate::scenario) publishers: BTreeMap<u32, u64>,
}

/// The same with its room's number, as processes tell each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::scenario) struct End {
    room: u32,
    /// Epoch and offset.
    position: Option<(u64, u64)>,
    sequence: u64,
    publishers: Vec<(u32, u64)>,
}

impl End {
    /// Of a room by its number.
    pub(in crate::scenario) fn of(room: u32, end: Final) -> Self {
        let position = end.position.map(|position| (position.epoch.0, position.offset.0));
        Self { room, position, sequence: end.sequence, publishers: end.publishers.into_iter().collect() }
    }

    fn end(self) -> Final {
        let position =
            self.position.map(|(epoch, offset)| Position { epoch: Epoch(epoch), offset: Offset(offset) });
        Final { position, sequence: self.sequence, publishers: self.publishers.into_iter().collect() }
    }
}

type Rooms = BTreeMap<u32, Final>;

/// Told by each thread (or process) once, complete when all have.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Finals {
    missing: Arc<AtomicU32>,
    told: Arc<Mutex<Rooms>>,
    whole: Arc<OnceLock<Rooms>>,
    /// Others have rooms, too: what is whole is told from outside.
    is_part: bool,
}

impl Finals {
    pub(in crate::scenario) fn new(tellers: u16, is_part: bool) -> Self {
        let missing = Arc::new(AtomicU32::new(tellers.into()));
        Self { missing, told: Arc::default(), whole: Arc::default(), is_part }
    }

    /// One tells what it knows.
    pub(in crate::scenario) fn tell(&self, known: impl Iterator<Item = End>) {
        let mut rooms = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for told in known {
            let end = rooms.entry(told.room).or_default();
            let known = told.end();
            end.sequence = end.sequence.max(known.sequence);
            end.publishers.extend(known.publishers);
            if let Some(position) = known.position
                && end.position.is_none_or(|end| end.epoch != position.epoch || end.offset < position.offset)
            {
                end.position = Some(position);
            }
        }
        if self.missing.fetch_sub(1, SeqCst) == 1 && !self.is_part {
            let _ = self.whole.set(std::mem::take(&mut rooms));
        }
    }

    /// What the threads of this process know together, once all have told.
    pub(in crate::scenario) fn own(&self) -> Option<Vec<End>> {
        let rooms = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        (self.missing.load(SeqCst) == 0).then(|| ends(&rooms))
    }

    /// What all know together.
    pub(in crate::scenario) fn complete_with(&self, known: Vec<End>) {
        let _ = self.whole.set(known.into_iter().map(|told| (told.room, told.end())).collect());
    }

    /// What all know together, once all have told.
    pub(in crate::scenario) fn whole(&self) -> Option<Vec<End>> {
        self.whole.get().map(ends)
    }

    pub(in crate::scenario) fn complete(&self) -> bool {
        self.whole.get().is_some()
    }

    /// What is known by now: whole once it is [complete](Self::complete).
    pub(in crate::scenario) fn rooms(&self) -> Rooms {
        self.whole
            .get()
            .cloned()
            .unwrap_or_else(|| self.told.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn ends(rooms: &Rooms) -> Vec<End> {
    rooms.iter().map(|(room, end)| End::of(*room, end.clone())).collect()
}
