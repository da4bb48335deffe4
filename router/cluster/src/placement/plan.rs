//! From the map that is and the nodes that are to the entries that must change (the controller's view).
//!
//! For each slot, in this order:
//!
//! 1. Its owner is gone: the in-sync standby goes on, otherwise the best node begins anew. At once.
//! 2. Its standby is gone, or there is none: the best other node. At once: there is nothing to lose.
//! 3. Its owner is draining: `next` tells it to hand over, which it does as fast as it can.
//!    Its owner is not the best node: the same, paced.
//! 4. Its standby is not the second best, or is draining: replaced, which costs the slot its standby until the new one
//!    has caught up. Paced.
//!
//! A node that is up and not stable yet gets nothing by 3 and 4, and keeps what it has: it is as good as those that are only a moment older, and would
//! get it back.

use super::{State, rendezvous};
use crate::NodeId;
use crate::slot::{Slot, SlotOwner};

/// A node as the controller sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which node.
    pub id: NodeId,
    /// Its share of the slots, compared with the others' weights; 0 gets none.
    pub weight: u16,
    /// What its record says.
    pub state: State,
    /// Whether it has been up for as long as [`super::hold_ms`] asks.
    pub stable: bool,
}

/// Where slots belong while the set of nodes stays as it is.
#[derive(Clone, Debug)]
pub struct Plan {
    nodes: Vec<Standing>,
    replicas: u8,
    /// Best and second best of each slot among those that may get some.
    wanted: Vec<(Option<NodeId>, Option<NodeId>)>,
}

/// Places all slots on the stable nodes that are up; on all that are up if none is stable yet. Where only one is stable,
/// another that is up stands by: better one that may fail again than none.
///
/// `replicas`: 1 for no standbys, 2 for one to each slot.
#[must_use]
pub fn plan(nodes: &[Standing], replicas: u8) -> Plan {
    let takes = |stable: bool| -> Vec<(NodeId, u16)> {
        let mut chosen: Vec<_> = nodes
            .iter()
            .filter(|node| node.state == State::Up && node.weight > 0 && (node.stable || !stable))
            .map(|node| (node.id, node.weight))
            .collect();
        chosen.sort_unstable();
        chosen
    };
    let stable = takes(true);
    let all = takes(false);
    let wanted = Slot::all().map(|slot| match stable.as_slice() {
        [] => rendezvous::best_two(slot, &all),
        [(only, _)] => {
            let (best, second) = rendezvous::best_two(slot, &all);
            (Some(*only), best.filter(|best| best != only).or(second))
        }
        several => rendezvous::best_two(slot, several),
    });
    let wanted = wanted.collect();
    let mut nodes = nodes.to_vec();
    nodes.sort_unstable_by_key(|node| node.id);
    Plan { nodes, replicas, wanted }
}

impl Plan {
    /// Whether it was made for these nodes.
    #[must_use]
    pub fn is_for(&self, nodes: &[Standing], replicas: u8) -> bool {
        let mut sorted = nodes.to_vec();
        sorted.sort_unstable_by_key(|node| node.id);
        self.nodes == sorted && self.replicas == replicas
    }

    /// The entry that a slot should have instead, if any; takes from `moves` what it costs.
    pub fn improve(&self, slot: Slot, entry: &SlotOwner, moves: &mut u64) -> Option<SlotOwner> {
        let better = match entry.owner.filter(|owner| self.state(*owner).is_some_and(State::owns)) {
            None => self.replace_owner(slot, entry)?,
            Some(owner) => {
                let moved = self.move_owner(slot, owner, entry, moves);
                self.move_standby(slot, owner, &moved, moves)
            }
        };
        Some(better).filter(|better| better != entry)
    }

    fn state(&self, node: NodeId) -> Option<State> {
        let index = self.nodes.binary_search_by_key(&node, |standing| standing.id).ok()?;
        Some(self.nodes[index].state)
    }

    fn is_up(&self, node: NodeId) -> bool {
        self.state(node) == Some(State::Up)
    }

    /// Whether it is up, and has still to prove itself.
    fn is_young(&self, node: NodeId) -> bool {
        self.nodes
            .binary_search_by_key(&node, |standing| standing.id)
            .is_ok_and(|index| self.nodes[index].state == State::Up && !self.nodes[index].stable)
    }

    fn replace_owner(&self, slot: Slot, entry: &SlotOwner) -> Option<SlotOwner> {
        let (best, second) = self.wanted[slot.index()];
        if entry.owner.is_none() && best.is_none() {
            return None;
        }
        let taken = entry.taken_over(entry.standby.is_some_and(|standby| self.is_up(standby)), best)?;
        let standby = [best, second].into_iter().flatten().find(|node| taken.owner != Some(*node));
        Some(taken.with_standby(standby.filter(|_| self.replicas > 1 && taken.owner.is_some())))
    }

    fn move_owner(&self, slot: Slot, owner: NodeId, entry: &SlotOwner, moves: &mut u64) -> SlotOwner {
        let (best, _) = self.wanted[slot.index()];
        let heir = entry.standby.filter(|standby| entry.in_sync && self.is_up(*standby));
        let target = if self.is_up(owner) { best } else { heir.or(best) };
        let target = target.filter(|target| *target != owner && !self.is_young(owner));
        let under_way = entry.next.filter(|next| self.is_up(*next) && target.is_some());
        if target.is_none() || under_way.is_some() {
            return SlotOwner { next: under_way, ..*entry };
        }
        // Who drains is bounded by what it can hand over at a time, and by the patience of whoever stops it.
        let free = !self.is_up(owner);
        let paid = free || *moves > 0;
        *moves -= u64::from(paid && !free);
        SlotOwner { next: target.filter(|_| paid), ..*entry }
    }

    fn move_standby(&self, slot: Slot, owner: NodeId, entry: &SlotOwner, moves: &mut u64) -> SlotOwner {
        let (best, second) = self.wanted[slot.index()];
        let wanted =
            [best, second].into_iter().flatten().find(|node| *node != owner).filter(|_| self.replicas > 1);
        if entry.standby == wanted {
            return *entry;
        }
        match entry.standby.filter(|standby| self.state(*standby).is_some_and(State::owns)) {
            None => entry.with_standby(wanted),
            // While the slot is about to move, one change at a time.
            Some(_) if entry.next.is_some() || *moves == 0 => *entry,
            Some(standby) if wanted.is_none() && self.is_up(standby) && self.replicas > 1 => *entry,
            Some(standby) if self.is_young(standby) && wanted.is_some() => *entry,
            Some(_) => {
                *moves -= 1;
                entry.with_standby(wanted)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::{Chunk, ChunkId, SlotMap};
    use crate::slot::Term;

    fn node(id: u64, state: State) -> Standing {
        Standing { id: NodeId(id), weight: 1, state, stable: true }
    }

    fn nodes(count: u64) -> Vec<Standing> {
        (1..=count).map(|id| node(id, State::Up)).collect()
    }

    /// Applies a plan once; owners obey `next` at once.
    fn apply(map: &mut SlotMap, plan: &Plan, mut moves: u64) -> usize {
        let mut moved = 0;
        for id in ChunkId::all() {
            let mut chunk: Chunk = map.chunk(id).clone();
            for slot in id.slots() {
                if let Some(better) = plan.improve(slot, map.entry(slot), &mut moves) {
                    let owner = better.owner.filter(|owner| plan.is_up(*owner));
                    let better = match better.next {
                        Some(next) => better.handed_over(next, owner).unwrap(),
                        None => better,
                    };
                    moved += usize::from(better.owner != map.entry(slot).owner);
                    chunk.set(slot, better);
                }
            }
            map.replace(chunk);
        }
        moved
    }

    fn placed(nodes: &[Standing]) -> SlotMap {
        let mut map = SlotMap::vacant(Term(0));
        apply(&mut map, &plan(nodes, 2), 0);
        map
    }

    #[test]
    fn vacant_slots_get_an_owner_and_another_standby_at_once() {
        let map = placed(&nodes(3));
        for (_, entry) in map.entries() {
            assert!(entry.owner.is_some() && entry.standby.is_some() && entry.owner != entry.standby);
            assert!(!entry.continues && !entry.in_sync && entry.term == Term(1));
        }
        assert!(placed(&nodes(1)).entries().all(|(_, entry)| entry.standby.is_none()));
        assert!(placed(&[]).entries().all(|(_, entry)| *entry == SlotOwner::vacant(Term(0))));
    }

    #[test]
    fn a_settled_map_is_left_alone() {
        let nodes = nodes(5);
        let mut map = placed(&nodes);
        let settled = map.clone();
        assert_eq!(apply(&mut map, &plan(&nodes, 2), 4_096), 0);
        assert_eq!(map, settled);
    }

    #[test]
    fn one_loss_of_fifty_moves_its_share_at_once_and_nothing_else() {
        let mut nodes = nodes(50);
        let mut map = placed(&nodes);
        nodes[17].state = State::Dead;
        let had = map.entries().filter(|(_, entry)| entry.owner == Some(NodeId(18))).count();
        let moved = apply(&mut map, &plan(&nodes, 2), 0);
        assert_eq!(moved, had);
        assert!(moved as f64 <= 4_096.0 * (1.0 / 50.0 + 0.05), "{moved}");
        assert!(map.entries().all(|(_, entry)| !entry.names(NodeId(18))));
    }

    #[test]
    fn a_dead_owner_s_in_sync_standby_goes_on() {
        let mut nodes = nodes(3);
        let entry = SlotOwner {
            owner: Some(NodeId(1)),
            term: Term(4),
            standby: Some(NodeId(2)),
            in_sync: true,
            ..SlotOwner::default()
        };
        nodes[0].state = State::Dead;
        let slot = Slot::new(5).unwrap();
        let better = plan(&nodes, 2).improve(slot, &entry, &mut 0).unwrap();
        assert_eq!((better.owner, better.continues, better.term), (Some(NodeId(2)), true, Term(5)));
        assert_eq!((better.standby, better.in_sync), (Some(NodeId(3)), false));
        // A node that registers again has forgotten everything: it is no heir.
        nodes[1].state = State::Joining;
        let better = plan(&nodes, 2).improve(slot, &entry, &mut 0).unwrap();
        assert_eq!((better.owner, better.continues), (Some(NodeId(3)), false));
    }

    #[test]
    fn moves_of_living_owners_are_paced() {
        let mut all = nodes(2);
        let mut map = placed(&all[..1]);
        assert_eq!(apply(&mut map, &plan(&all, 2), 0), 0);
        assert_eq!(apply(&mut map, &plan(&all, 2), 204), 204);
        while apply(&mut map, &plan(&all, 2), 204) > 0 {}
        let second = map.entries().filter(|(_, entry)| entry.owner == Some(NodeId(2))).count();
        assert!((1_900..2_200).contains(&second), "{second}");
        all[1].stable = false;
        assert!(plan(&all, 2).wanted.iter().all(|(best, _)| *best == Some(NodeId(1))));
    }

    #[test]
    fn nodes_that_were_started_together_keep_their_slots_when_the_first_is_stable() {
        let mut all = nodes(3);
        all.iter_mut().for_each(|node| node.stable = false);
        let mut map = placed(&all);
        for stable in 0..3 {
            all[stable].stable = true;
            let settled = map.clone();
            assert_eq!(apply(&mut map, &plan(&all, 2), 4_096), 0);
            assert_eq!(map, settled);
        }
    }

    #[test]
    fn where_one_node_is_stable_another_stands_by() {
        let mut all = nodes(3);
        (all[0].stable, all[2].stable) = (false, false);
        for (_, entry) in placed(&all).entries() {
            assert_eq!(entry.owner, Some(NodeId(2)));
            assert!(entry.standby.is_some_and(|standby| standby != NodeId(2)));
        }
    }

    #[test]
    fn a_drain_moves_everything_owners_and_standbys() {
        let mut all = nodes(4);
        let mut map = placed(&all);
        all[2].state = State::Draining;
        let mut rounds = 0;
        while map.entries().any(|(_, entry)| entry.names(NodeId(3))) {
            apply(&mut map, &plan(&all, 2), 204);
            rounds += 1;
            assert!(rounds < 100, "the drain does not end");
        }
        assert!((4..20).contains(&rounds), "owned slots at once, 1,024 standbys in {rounds} rounds of 204");
    }

    #[test]
    fn the_last_node_keeps_its_slots_when_it_drains() {
        let mut all = nodes(1);
        let mut map = placed(&all);
        all[0].state = State::Draining;
        assert_eq!(apply(&mut map, &plan(&all, 2), 4_096), 0);
        assert!(map.entries().all(|(_, entry)| entry.owner == Some(NodeId(1)) && entry.next.is_none()));
    }

    #[test]
    fn a_move_under_way_is_not_turned_round() {
        let all = nodes(3);
        let slot = Slot::new(9).unwrap();
        let wanted = plan(&all, 1).wanted[9].0.unwrap();
        let others: Vec<NodeId> = all.iter().map(|node| node.id).filter(|id| *id != wanted).collect();
        let entry = SlotOwner {
            owner: Some(others[0]),
            term: Term(1),
            next: Some(others[1]),
            ..SlotOwner::default()
        };
        assert_eq!(plan(&all, 1).improve(slot, &entry, &mut 10), None);
    }
}
