//! Ids and positions, each its own type, so that two bare integers never meet in one signature.
//!
//! On the JSON wire `RoomHandle`, `SessionId`, `Epoch` and `Version` are 16 lower-case hex digits (they use all 64
//! bits, more than a JSON number keeps); `Offset` and `UnixMicros` are numbers.

use core::fmt;
use core::hash::Hasher;
use siphasher::sip::SipHasher13;

macro_rules! id_u64 {
    ($(#[$doc:meta])* $name:ident, $format:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, $format, self.0)
            }
        }
    };
}

id_u64!(
    /// Keyed hash of a room's full name: the same everywhere in a cluster, never allocated, never reused.
    RoomHandle, "{:016x}");
id_u64!(
    /// One client's protocol state; public, kept over resumes.
    SessionId, "{:016x}");
id_u64!(
    /// Incarnation of a session: higher wins. `max(old + 1, unix milliseconds << 20 | 20 random bits)`.
    Generation, "{:016x}");
id_u64!(
    /// Incarnation of a room's reliable order: random, never reused.
    Epoch, "{:016x}");
id_u64!(
    /// Place in a room's reliable order; the first publication has 1, 0 is "before everything".
    Offset, "{}");
id_u64!(
    /// Newest-wins number of the `latest` and `unreliable` lanes of a room: the slot's term in the upper 24 bits, a
    /// counter in the lower 40.
    Version, "{:016x}");
id_u64!(
    /// Unix time in microseconds.
    UnixMicros, "{}");
id_u64!(
    /// One process of a cluster.
    NodeId, "{:016x}");

impl Offset {
    /// The offset after this one; the largest has none and stays, as a peer may name it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl RoomHandle {
    /// The handle of a full room name under the cluster's key (SipHash-1-3).
    #[must_use]
    pub fn of(key: &ClusterKey, name: &str) -> Self {
        let mut hasher = SipHasher13::new_with_key(&key.0);
        hasher.write(name.as_bytes());
        Self(hasher.finish())
    }

    /// How many of the top bits of a handle are its slot. Only the simulator is ever built with `--cfg few_slots`: most of 4,096 slots have
    /// no room there, and cost it most of its time.
    pub const SLOT_BITS: u32 = if cfg!(few_slots) { 7 } else { 12 };

    /// The unit of placement: the top 12 bits, 0 to 4,095.
    #[must_use]
    pub const fn slot(self) -> u16 {
        (self.0 >> (u64::BITS - Self::SLOT_BITS)) as u16
    }
}

/// Number a client gives a request so that it can match the answer; never 0 (0 on the wire means "no answer wanted").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct RequestId(core::num::NonZeroU32);

impl RequestId {
    /// `None` for 0.
    #[must_use]
    pub const fn new(id: u32) -> Option<Self> {
        match core::num::NonZeroU32::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The number as it stands on the wire.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// A place in a room's reliable order that stays meaningful over incarnations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which incarnation of the order.
    pub epoch: Epoch,
    /// Where in it.
    pub offset: Offset,
}

/// The cluster's secret: 16 bytes that key room handles; resume tokens derive theirs from a separate secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClusterKey(pub [u8; 16]);

impl fmt::Debug for ClusterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClusterKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_depends_on_key_and_name_only() {
        let key = ClusterKey([7; 16]);
        assert_eq!(RoomHandle::of(&key, "chat:a"), RoomHandle::of(&key, "chat:a"));
        assert_ne!(RoomHandle::of(&key, "chat:a"), RoomHandle::of(&key, "chat:b"));
        assert_ne!(RoomHandle::of(&key, "chat:a"), RoomHandle::of(&ClusterKey([8; 16]), "chat:a"));
    }

    #[test]
    fn the_slot_is_the_top_twelve_bits() {
        assert_eq!(RoomHandle(0xfff0_0000_0000_0000).slot(), 4095);
        assert_eq!(RoomHandle(0x000f_ffff_ffff_ffff).slot(), 0);
    }
}
