//! Tables keyed by room handle. A handle is a keyed hash already, so it serves as its own hash; iteration is not
//! offered, because its order is nobody's business.

use core::hash::{BuildHasherDefault, Hasher};
use hashbrown::HashMap;
use ringway_protocol::RoomHandle;

/// Passes the handle through.
#[derive(Default)]
pub(crate) struct HandleHasher(u64);

impl Hasher for HandleHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// A table by room handle without visible order.
pub(crate) struct HandleMap<T>(HashMap<RoomHandle, T, BuildHasherDefault<HandleHasher>>);

impl<T> HandleMap<T> {
    pub(crate) fn new() -> Self {
        Self(HashMap::default())
    }

    pub(crate) fn get(&self, handle: RoomHandle) -> Option<&T> {
        self.0.get(&handle)
    }

    pub(crate) fn find(&mut self, handle: RoomHandle) -> Option<&mut T> {
        self.0.get_mut(&handle)
    }

    pub(crate) fn insert(&mut self, handle: RoomHandle, value: T) {
        self.0.insert(handle, value);
    }

    pub(crate) fn remove(&mut self, handle: RoomHandle) -> Option<T> {
        self.0.remove(&handle)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that are meant, sorted.
    pub(crate) fn handles_where(&self, meant: impl Fn(RoomHandle) -> bool) -> Vec<RoomHandle> {
        let mut handles: Vec<_> = self.0.keys().copied().filter(|handle| meant(*handle)).collect();
        handles.sort_unstable();
        handles
    }

    /// Those whose value is meant, sorted.
    pub(crate) fn handles_with(&self, meant: impl Fn(&T) -> bool) -> Vec<RoomHandle> {
        let mut handles: Vec<_> =
            self.0.iter().filter(|(_, value)| meant(value)).map(|(handle, _)| *handle).collect();
        handles.sort_unstable();
        handles
    }

    /// All handles, sorted: for the rare walk over everything.
    pub(crate) fn sorted_handles(&self) -> Vec<RoomHandle> {
        let mut handles: Vec<_> = self.0.keys().copied().collect();
        handles.sort_unstable();
        handles
    }
}
