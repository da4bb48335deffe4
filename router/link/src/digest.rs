//! A summary of the members that a node has in a room: equal summaries, equal sets (but for one in 2^64).
//!
//! Members come and go in any order, so the hashes are combined by XOR: adding and removing are the same step.

use core::hash::Hasher;

use ringway_protocol::ClusterKey;
use siphasher::sip::SipHasher13;

use crate::MemberEntry;

/// How many members there are and the XOR of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberDigest {
    /// How many.
    pub members: u32,
    /// SipHash-1-3 under the cluster's key, of shard (u16), id (u64), generation (u64) and detached (u8), little-endian.
    pub hash: u64,
}

impl MemberDigest {
    /// Counts a member in.
    pub fn add(&mut self, key: &ClusterKey, member: &MemberEntry<'_>) {
        self.members = self.members.wrapping_add(1);
        self.hash ^= hash(key, member);
    }

    /// Takes a member out that was counted in with the same values.
    pub fn remove(&mut self, key: &ClusterKey, member: &MemberEntry<'_>) {
        self.members = self.members.wrapping_sub(1);
        self.hash ^= hash(key, member);
    }
}

fn hash(key: &ClusterKey, member: &MemberEntry<'_>) -> u64 {
    let mut hasher = SipHasher13::new_with_key(&key.0);
    hasher.write(&member.shard.to_le_bytes());
    hasher.write(&member.id.0.to_le_bytes());
    hasher.write(&member.generation.0.to_le_bytes());
    hasher.write(&[u8::from(member.detached)]);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringway_core::SessionKey;
    use ringway_protocol::{Generation, SessionId};

    fn member(id: u64, detached: bool) -> MemberEntry<'static> {
        MemberEntry {
            shard: 1,
            key: SessionKey { index: 0, reuse: 0 },
            id: SessionId(id),
            generation: Generation(9),
            detached,
            user: "u",
            info: None,
        }
    }

    #[test]
    fn a_digest_does_not_depend_on_order_and_forgets_who_left() {
        let key = ClusterKey([3; 16]);
        let (mut one, mut other) = (MemberDigest::default(), MemberDigest::default());
        one.add(&key, &member(1, false));
        one.add(&key, &member(2, false));
        other.add(&key, &member(2, false));
        assert_ne!(one, other);
        other.add(&key, &member(3, true));
        other.add(&key, &member(1, false));
        other.remove(&key, &member(3, true));
        assert_eq!(one, other);
    }

    #[test]
    fn the_hash_is_the_same_everywhere() {
        let mut digest = MemberDigest::default();
        digest.add(&ClusterKey([3; 16]), &member(1, true));
        assert_eq!(digest.hash, 0xb80f_3a5b_637d_bbf8);
    }
}
