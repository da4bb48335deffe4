//! What stands in the coordinator beside the map: the root, and of each node its record and its beat; who is controller; and what a
//! node keeps on its own disk to tell a coordinator that went back.

use crate::codec::{Kind, Malformed, Reader, Writer};
use crate::coordinator::Revision;
use crate::placement::State;
use crate::replication::Registration;
use crate::slot::{SLOTS, Slot, Term};
use crate::{NodeId, SlotMap};

/// Longest address list of a node, in bytes.
pub const ADDRESSES_BYTES_MAX: usize = 1_024;

/// Names a cluster: drawn once by whoever makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClusterId(pub u64);

impl core::fmt::Display for ClusterId {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// The root: whose coordinator this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// Which cluster.
    pub cluster: ClusterId,
}

/// A node as all others know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    /// Rises each time the node joins.
    pub registration: Registration,
    /// What it may be given.
    pub state: State,
    /// Its share of slots.
    pub weight: u16,
    /// How often in a row it was declared dead.
    pub flaps: u8,
    /// Where its links are reached, comma-separated; not looked into here.
    pub addresses: String,
}

/// A node's beat: only that it changes matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Whose.
    pub registration: Registration,
    /// Rises with each renewal.
    pub count: u64,
}

/// Who computes the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// Which node.
    pub node: NodeId,
    /// Of which registration.
    pub registration: Registration,
    /// Rises while it is at it.
    pub count: u64,
}

/// What a node keeps on its own disk: a coordinator that knows less than this went back.
///
/// The rim makes it durable before it acts on what came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Which cluster the node was in.
    pub cluster: ClusterId,
    /// The highest revision that it saw.
    pub revision: Revision,
    /// The highest term of each slot that it saw; 4,096.
    pub terms: Vec<Term>,
}

impl Root {
    /// As stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Root);
        writer.long(self.cluster.0);
        writer.short(SLOTS as u16);
        writer.finish()
    }

    /// From what was stored.
    ///
    /// # Errors
    /// [`Malformed`] for anything that [`Root::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::open(Kind::Root, bytes)?;
        let cluster = ClusterId(reader.long()?);
        let slots = reader.short()?;
        reader.finish()?;
        if usize::from(slots) == SLOTS { Ok(Self { cluster }) } else { Err(Malformed::Value) }
    }
}

impl NodeRecord {
    /// As stored.
    ///
    /// # Panics
    /// If the addresses are longer than [`ADDRESSES_BYTES_MAX`]: the configuration is checked before.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        assert!(
            self.addresses.len() <= ADDRESSES_BYTES_MAX,
            "addresses are bounded where they are configured"
        );
        let mut writer = Writer::new(Kind::Node);
        writer.long(self.registration.0);
        writer.byte(self.state as u8);
        writer.short(self.weight);
        writer.byte(self.flaps);
        writer.text(&self.addresses);
        writer.finish()
    }

    /// From what was stored.
    ///
    /// # Errors
    /// [`Malformed`] for anything that [`NodeRecord::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::open(Kind::Node, bytes)?;
        let registration = Registration(reader.long()?);
        let state = State::from_number(reader.byte()?).ok_or(Malformed::Value)?;
        let (weight, flaps) = (reader.short()?, reader.byte()?);
        let addresses = reader.text(ADDRESSES_BYTES_MAX)?;
        reader.finish()?;
        Ok(Self { registration, state, weight, flaps, addresses })
    }
}

impl Beat {
    /// As stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Beat);
        writer.long(self.registration.0);
        writer.long(self.count);
        writer.finish()
    }

    /// From what was stored.
    ///
    /// # Errors
    /// [`Malformed`] for anything that [`Beat::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::open(Kind::Beat, bytes)?;
        let beat = Self { registration: Registration(reader.long()?), count: reader.long()? };
        reader.finish()?;
        Ok(beat)
    }
}

impl Control {
    /// As stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Control);
        writer.long(self.node.0);
        writer.long(self.registration.0);
        writer.long(self.count);
        writer.finish()
    }

    /// From what was stored.
    ///
    /// # Errors
    /// [`Malformed`] for anything that [`Control::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::open(Kind::Control, bytes)?;
        let (node, registration) = (NodeId(reader.long()?), Registration(reader.long()?));
        let control = Self { node, registration, count: reader.long()? };
        reader.finish()?;
        Ok(control)
    }
}

impl Remembered {
    /// What is to be kept after `map` was seen at `revision`.
    #[must_use]
    pub fn of(cluster: ClusterId, revision: Revision, map: &SlotMap) -> Self {
        Self { cluster, revision, terms: map.entries().map(|(_, entry)| entry.term).collect() }
    }

    /// The first slot whose term in `map` is below the remembered one.
    #[must_use]
    pub fn went_back(&self, map: &SlotMap) -> Option<(Slot, Term, Term)> {
        let mut pairs = map.entries().zip(&self.terms);
        pairs
            .find(|((_, entry), term)| entry.term < **term)
            .map(|((slot, entry), term)| (slot, *term, entry.term))
    }

    /// As kept.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Remembered);
        writer.long(self.cluster.0);
        writer.long(self.revision.0);
        self.terms.iter().for_each(|term| writer.word(u32::try_from(term.0).expect("terms have 24 bits")));
        writer.finish()
    }

    /// From what was kept.
    ///
    /// # Errors
    /// [`Malformed`] for anything that [`Remembered::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::open(Kind::Remembered, bytes)?;
        let (cluster, revision) = (ClusterId(reader.long()?), Revision(reader.long()?));
        let term =
            |word: u32| Some(Term(u64::from(word))).filter(|term| *term <= Term::MAX).ok_or(Malformed::Value);
        let terms = (0..SLOTS).map(|_| reader.word().and_then(term)).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { cluster, revision, terms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_the_store_and_nothing_else_is_taken_for_one() {
        let record = NodeRecord {
            registration: Registration(3),
            state: State::Draining,
            weight: 7,
            flaps: 2,
            addresses: "10.0.0.1:7410,[::1]:7410".into(),
        };
        let beat = Beat { registration: Registration(3), count: 9 };
        let control = Control { node: NodeId(5), registration: Registration(3), count: 1 };
        let root = Root { cluster: ClusterId(77) };
        let remembered = Remembered::of(ClusterId(77), Revision(12), &SlotMap::vacant(Term(4)));
        assert_eq!(NodeRecord::decode(&record.encode()), Ok(record.clone()));
        assert_eq!(Beat::decode(&beat.encode()), Ok(beat));
        assert_eq!(Control::decode(&control.encode()), Ok(control));
        assert_eq!(Root::decode(&root.encode()), Ok(root));
        assert_eq!(Remembered::decode(&remembered.encode()), Ok(remembered.clone()));
        assert_eq!(Root::decode(&beat.encode()), Err(Malformed::Kind));
        for bytes in [record.encode(), beat.encode(), control.encode(), root.encode(), remembered.encode()] {
            for index in (0..bytes.len()).step_by(1 + bytes.len() / 64) {
                let mut other = bytes.clone();
                other[index] ^= 0x10;
                let all = [
                    NodeRecord::decode(&other).is_err(),
                    Beat::decode(&other).is_err(),
                    Control::decode(&other).is_err(),
                    Root::decode(&other).is_err(),
                    Remembered::decode(&other).is_err(),
                    NodeRecord::decode(&bytes[..index]).is_err(),
                ];
                assert_eq!(all, [true; 6], "byte {index}");
            }
        }
        assert_eq!(remembered.went_back(&SlotMap::vacant(Term(3))).unwrap().1, Term(4));
        assert_eq!(remembered.went_back(&SlotMap::vacant(Term(4))), None);
    }
}
