//! How many slots' pasts go to a node at a time: what happens now, in other slots that it stands by for, waits behind them in
//! the same link.

use std::collections::BTreeSet;

use super::duty::Duty;
use crate::Shard;
use crate::frame::Encoder;
use crate::route::PeerId;
use crate::time::Now;

/// Slots whose past is on its way to one node.
const FILLING_MAX: usize = 16;

/// What one node is to stand by for, and has not got yet.
#[derive(Default)]
pub(super) struct Filling {
    /// On its way, as far as it is not over since.
    active: BTreeSet<u16>,
    /// Their turn comes.
    waiting: BTreeSet<u16>,
}

impl<F> Duty<F> {
    fn fills(&self, to: PeerId) -> bool {
        self.stream.as_ref().is_some_and(|stream| stream.goes_to(to) && !stream.is_filled())
    }
}

impl<E: Encoder> Shard<E> {
    /// Whether the slot's past may go to the node now; otherwise it goes when others are there.
    pub(super) fn may_fill(&mut self, slot: u16, to: PeerId) -> bool {
        let filling = self.owner.filling.entry(to).or_default();
        let may = filling.active.len() < FILLING_MAX || filling.active.contains(&slot);
        if may {
            filling.waiting.remove(&slot);
            filling.active.insert(slot);
        } else {
            filling.waiting.insert(slot);
        }
        may
    }

    /// Sends the pasts whose turn has come.
    pub(super) fn fill_next(&mut self, now: Now) {
        let peers: Vec<PeerId> = self.owner.filling.keys().copied().collect();
        for peer in peers {
            while let Some(filling) = self.owner.filling.get_mut(&peer) {
                let duties = &self.owner.duties;
                filling.active.retain(|slot| duties.get(*slot).is_some_and(|duty| duty.fills(peer)));
                if filling.active.is_empty() && filling.waiting.is_empty() {
                    self.owner.filling.remove(&peer);
                    break;
                }
                if filling.active.len() >= FILLING_MAX {
                    break;
                }
                let Some(slot) = filling.waiting.pop_first() else { break };
                self.begin_standby(now, slot);
            }
        }
    }
}
