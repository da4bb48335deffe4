//! Connection IDs that say whose they are: their first byte is the number of the shard.
//!
//! A packet finds its shard by that byte alone, whatever address it comes from: the kernel's filter ([`super::steer`])
//! reads it, and so does a shard that got somebody else's packet. The byte is plain to see (as in the plaintext scheme of
//! QUIC-LB, draft-ietf-quic-load-balancers): an observer learns which of a few shards serves a connection, nothing else.
//! The first packets of a client carry an ID of its own making; its byte leads to some shard, and always to the same one.

use std::time::Duration;

use quinn_proto::{ConnectionId, ConnectionIdGenerator};

/// Bytes of our IDs.
pub(crate) const CID_BYTES: usize = 8;
/// Random bytes fetched at a time.
const POOL_BYTES: usize = 224;

/// Makes the IDs of one shard.
pub(crate) struct ShardCids {
    shard: u8,
    pool: [u8; POOL_BYTES],
    used: usize,
}

impl ShardCids {
    pub(crate) const fn new(shard: u8) -> Self {
        Self { shard, pool: [0; POOL_BYTES], used: POOL_BYTES }
    }
}

impl ConnectionIdGenerator for ShardCids {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [self.shard; CID_BYTES];
        if self.used + CID_BYTES > POOL_BYTES {
            self.pool = crate::node::random_bytes().unwrap_or(self.pool);
            self.used = 0;
        }
        id[1..].copy_from_slice(&self.pool[self.used..self.used + CID_BYTES - 1]);
        self.used += CID_BYTES - 1;
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        CID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

/// Which of `shards` a datagram is for, by the destination ID of its first packet (RFC 8999 §5); `None` if it has none.
pub(crate) fn shard_of(datagram: &[u8], shards: usize) -> Option<usize> {
    let first = *datagram.first()?;
    let byte = if first & 0x80 == 0 {
        datagram.get(1)?
    } else {
        let length = usize::from(*datagram.get(5)?);
        if length == 0 {
            return None;
        }
        datagram.get(6)?
    };
    Some(usize::from(*byte) % shards)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_begins_with_its_shard_and_no_two_are_alike() {
        let mut cids = ShardCids::new(3);
        let ids: std::collections::HashSet<Vec<u8>> =
            (0..1_000).map(|_| cids.generate_cid().to_vec()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(ids.iter().all(|id| id.len() == CID_BYTES && id[0] == 3));
    }

    #[test]
    fn a_packet_is_for_the_shard_that_its_id_names() {
        assert_eq!(shard_of(&[0x40, 5, 1, 1], 4), Some(1));
        assert_eq!(shard_of(&[0xc0, 0, 0, 0, 1, 8, 6, 0, 0], 4), Some(2));
        assert_eq!(shard_of(&[0xc0, 0, 0, 0, 1, 0, 6], 4), None);
        for cut in 0..7 {
            assert_eq!(shard_of(&[0xc0, 0, 0, 0, 1, 8, 6][..cut], 4), None);
        }
    }
}
