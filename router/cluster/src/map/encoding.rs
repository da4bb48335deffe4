//! A chunk as bytes: the nodes that it names once, then 8 bytes for each slot.
//!
//! Body: `chunk u8`, `nodes u8`, `nodes × id u64`, `256 × (owner u8, standby u8, next u8, flags u8, term u32)`, where a
//! node is its place in the list from 1, and 0 is nobody. Flags: 1 `in_sync`, 2 `continues`, 4 `given`. At most 255 nodes to a chunk.

use super::{CHUNK_SLOTS, Chunk, ChunkId};
use crate::NodeId;
use crate::codec::{Kind, Malformed, Reader, Writer};
use crate::slot::{SlotOwner, Term};

const IN_SYNC: u8 = 1;
const CONTINUES: u8 = 2;
const GIVEN: u8 = 4;

impl Chunk {
    /// As stored.
    ///
    /// # Panics
    /// If it names more than 255 nodes: a cluster has at most [`crate::NODES_MAX`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut nodes: Vec<NodeId> = self
            .entries
            .iter()
            .flat_map(|entry| [entry.owner, entry.standby, entry.next])
            .flatten()
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        let place = |node: Option<NodeId>| {
            node.map_or(0, |node| {
                let index = nodes.binary_search(&node).expect("collected above");
                u8::try_from(index + 1).expect("at most 255 nodes")
            })
        };
        let mut writer = Writer::new(Kind::Chunk);
        writer.byte(self.id.number());
        writer.byte(u8::try_from(nodes.len()).expect("at most 255 nodes"));
        nodes.iter().for_each(|node| writer.long(node.0));
        for entry in &self.entries {
            writer.byte(place(entry.owner));
            writer.byte(place(entry.standby));
            writer.byte(place(entry.next));
            let flags = [(entry.in_sync, IN_SYNC), (entry.continues, CONTINUES), (entry.given, GIVEN)];
            writer.byte(flags.iter().map(|(set, flag)| u8::from(*set) * flag).sum());
            writer.word(u32::try_from(entry.term.0).expect("terms have 24 bits"));
        }
        writer.finish()
    }

    /// From what was stored.
    ///
    /// # Errors
    /// [`Malformed`] for anything that [`Chunk::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::open(Kind::Chunk, bytes)?;
        let id = ChunkId::new(reader.byte()?).ok_or(Malformed::Value)?;
        let count = usize::from(reader.byte()?);
        let nodes: Vec<NodeId> = (0..count).map(|_| reader.long().map(NodeId)).collect::<Result<_, _>>()?;
        let node = |place: u8| match place {
            0 => Ok(None),
            _ => nodes.get(usize::from(place) - 1).copied().map(Some).ok_or(Malformed::Value),
        };
        let mut entries = Vec::with_capacity(CHUNK_SLOTS);
        for _ in 0..CHUNK_SLOTS {
            let owner = node(reader.byte()?)?;
            let standby = node(reader.byte()?)?;
            let next = node(reader.byte()?)?;
            let flags = reader.byte()?;
            let term = Term(u64::from(reader.word()?));
            let in_sync = flags & IN_SYNC != 0;
            let legal = flags <= IN_SYNC | CONTINUES | GIVEN
                && term <= Term::MAX
                && (!in_sync || standby.is_some())
                && (owner.is_some() || (standby.is_none() && next.is_none()))
                && (owner.is_none() || owner != standby);
            if !legal {
                return Err(Malformed::Value);
            }
            entries.push(SlotOwner {
                owner,
                term,
                standby,
                in_sync,
                continues: flags & CONTINUES != 0,
                given: flags & GIVEN != 0,
                next,
            });
        }
        reader.finish()?;
        Ok(Self { id, entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn sample(seed: u64) -> Chunk {
        let mut random = Random::new(seed);
        let mut chunk = Chunk::vacant(ChunkId::new((seed % 16) as u8).unwrap(), Term(0));
        for slot in chunk.id().slots() {
            let owner = Some(NodeId(1 + random.below(100)));
            let standby = Some(NodeId(101 + random.below(20))).filter(|_| random.below(4) > 0);
            let in_sync = standby.is_some() && random.below(2) == 0;
            let next = Some(NodeId(random.next_u64() | 1 << 63)).filter(|_| random.below(9) == 0);
            let term = Term(random.below(Term::MAX.0 + 1));
            let (continues, given) = (random.below(2) == 0, random.below(2) == 0);
            chunk.set(slot, SlotOwner { owner, term, standby, in_sync, continues, given, next });
        }
        chunk
    }

    #[test]
    fn what_is_written_is_read() {
        for seed in 0..64 {
            let chunk = sample(seed);
            assert_eq!(Chunk::decode(&chunk.encode()), Ok(chunk));
        }
        let vacant = Chunk::vacant(ChunkId::new(3).unwrap(), Term(9));
        assert!(vacant.encode().len() < 2_100);
        assert_eq!(Chunk::decode(&vacant.encode()), Ok(vacant));
    }

    #[test]
    fn no_bit_may_change_and_no_byte_be_missing() {
        let bytes = sample(5).encode();
        for index in 0..bytes.len() {
            let mut other = bytes.clone();
            other[index] ^= 1 << (index % 8);
            assert!(Chunk::decode(&other).is_err(), "byte {index}");
            assert!(Chunk::decode(&bytes[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn garbage_with_a_right_checksum_is_an_error_or_a_chunk_but_no_panic() {
        let mut random = Random::new(7);
        for _ in 0..2_000 {
            let mut writer = Writer::new(Kind::Chunk);
            writer.byte(random.below(18) as u8);
            writer.byte(random.below(4) as u8);
            for _ in 0..random.below(2_200) {
                writer.byte(random.below(5) as u8);
            }
            if let Ok(chunk) = Chunk::decode(&writer.finish()) {
                assert_eq!(Chunk::decode(&chunk.encode()), Ok(chunk));
            }
        }
    }

    #[test]
    fn a_newer_format_is_named() {
        let mut bytes = sample(1).encode();
        bytes[3] = 2;
        assert_eq!(Chunk::decode(&bytes), Err(Malformed::Format(2)));
    }
}
