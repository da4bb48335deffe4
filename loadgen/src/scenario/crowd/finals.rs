//! Where each room ended, as all threads together know it. Process view.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use ringway_protocol::Position;

/// What every subscriber of a room must have seen in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::scenario) struct Final {
    /// The last reliable position.
    pub(in crate::scenario) position: Option<Position>,
    /// The stamp of the newest value of the latest lane; 0: not checked.
    pub(in crate::scenario) sequence: u64,
}

/// Told by each thread once, complete when all have.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Finals {
    missing: Arc<AtomicU32>,
    rooms: Arc<Mutex<BTreeMap<u32, Final>>>,
}

impl Finals {
    pub(in crate::scenario) fn new(threads: u16) -> Self {
        Self { missing: Arc::new(AtomicU32::new(threads.into())), rooms: Arc::default() }
    }

    /// A thread tells what it knows of rooms, by number.
    pub(in crate::scenario) fn tell(&self, known: impl Iterator<Item = (u32, Final)>) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        for (room, told) in known {
            let end = rooms.entry(room).or_default();
            end.sequence = end.sequence.max(told.sequence);
            if let Some(position) = told.position
                && end.position.is_none_or(|end| end.epoch != position.epoch || end.offset < position.offset)
            {
                end.position = Some(position);
            }
        }
        self.missing.fetch_sub(1, SeqCst);
    }

    pub(in crate::scenario) fn complete(&self) -> bool {
        self.missing.load(SeqCst) == 0
    }

    pub(in crate::scenario) fn rooms(&self) -> BTreeMap<u32, Final> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
