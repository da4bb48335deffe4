//! Weighted rendezvous hashing: each node draws a number for the slot, the smallest wins, heavier nodes draw smaller ones.
//!
//! The draw is `−log2(u) / weight`, where `u` is the hash of slot and node taken as a fraction: an exponential variable, so
//! that a node wins in proportion to its weight, and a slot changes its owner only if the new one is a newcomer or the old one
//! left (Schindelhauer and Schomaker, 2005). The logarithm is fixed-point, 32 bits after the point, and draws are compared by
//! cross-multiplication: no floats, no difference between machines. Neither function may ever change, or slots would move.

use crate::NodeId;
use crate::slot::Slot;

/// The finisher of MurmurHash3 over the node's own finish and the slot.
#[must_use]
pub const fn hash(slot: Slot, node: NodeId) -> u64 {
    finish(finish(node.0).wrapping_add((slot.number() as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

const fn finish(mut mixed: u64) -> u64 {
    mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

/// `−log2(hash / 2⁶⁴)` with 32 bits after the point: 1 to 64 × 2³². A hash of 0 counts as 1.
#[must_use]
pub const fn draw(hash: u64) -> u64 {
    let hash = if hash == 0 { 1 } else { hash };
    let zeros = hash.leading_zeros();
    // In [1, 2), 63 bits after the point. Squaring doubles the logarithm; its next bit is whether the square reached 2.
    let mut mantissa = (hash << zeros) as u128;
    let mut fraction = 0u64;
    let mut bit = 0;
    while bit < 32 {
        mantissa = (mantissa * mantissa) >> 63;
        let reached = (mantissa >> 64) as u64;
        mantissa >>= reached;
        fraction = fraction << 1 | reached;
        bit += 1;
    }
    let log = (63 - zeros as u64) << 32 | fraction;
    (64 << 32) - log
}

/// The best and the second best of `nodes` (id, weight) for a slot; ties go to the lower id. Nodes of weight 0 get nothing.
#[must_use]
pub fn best_two(slot: Slot, nodes: &[(NodeId, u16)]) -> (Option<NodeId>, Option<NodeId>) {
    let mut best: Option<(u64, u16, NodeId)> = None;
    let mut second = None;
    for &(id, weight) in nodes.iter().filter(|(_, weight)| *weight > 0) {
        let candidate = (draw(hash(slot, id)), weight, id);
        if best.is_none_or(|held| before(candidate, held)) {
            second = best.replace(candidate);
        } else if second.is_none_or(|held| before(candidate, held)) {
            second = Some(candidate);
        }
    }
    (best.map(|(_, _, id)| id), second.map(|(_, _, id)| id))
}

/// Whether `left / its weight` is smaller. At most 2³⁸ × 2¹⁶ each: no overflow.
const fn before(left: (u64, u16, NodeId), right: (u64, u16, NodeId)) -> bool {
    let (left_score, right_score) = (left.0 * right.1 as u64, right.0 * left.1 as u64);
    left_score < right_score || (left_score == right_score && left.2.0 < right.2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use std::collections::BTreeMap;

    /// 50 nodes of weights 1 to 4 with ids as they are drawn in the wild.
    fn fifty() -> Vec<(NodeId, u16)> {
        let mut random = Random::new(50);
        (0..50).map(|index| (NodeId(random.next_u64()), 1 + index % 4)).collect()
    }

    fn owners(nodes: &[(NodeId, u16)]) -> Vec<NodeId> {
        Slot::all().map(|slot| best_two(slot, nodes).0.unwrap()).collect()
    }

    #[test]
    fn the_logarithm_is_one() {
        assert_eq!(draw(1 << 63), 1 << 32);
        assert_eq!(draw(1 << 62), 2 << 32);
        assert_eq!(draw(0), 64 << 32);
        assert!(draw(u64::MAX) >= 1);
        let expected = -(0.75f64.log2()) * f64::from(1u32 << 31) * 2.0;
        assert!((draw(3 << 62) as f64 - expected).abs() < 40.0);
    }

    #[test]
    fn hashes_and_draws_are_frozen() {
        let slot = Slot::new(1_234).unwrap();
        assert_eq!(hash(slot, NodeId(42)), 4_797_832_083_303_764_205);
        assert_eq!(draw(hash(slot, NodeId(42))), 8_344_741_891);
    }

    #[test]
    fn nodes_win_in_proportion_to_their_weight() {
        let nodes = fifty();
        let mut won: BTreeMap<NodeId, u32> = BTreeMap::new();
        owners(&nodes).into_iter().for_each(|node| *won.entry(node).or_default() += 1);
        let weights: u16 = nodes.iter().map(|(_, weight)| weight).sum();
        for (node, weight) in nodes {
            let share = 4_096.0 * f64::from(weight) / f64::from(weights);
            let difference = (f64::from(won[&node]) - share).abs();
            assert!(difference < 4.0 * share.sqrt(), "{node} of weight {weight}: {} of {share}", won[&node]);
        }
    }

    #[test]
    fn a_loss_moves_only_what_the_lost_one_had_and_no_more_than_its_share() {
        let nodes = fifty();
        let before = owners(&nodes);
        let weights: u16 = nodes.iter().map(|(_, weight)| weight).sum();
        for (lost, weight) in &nodes {
            let rest: Vec<_> = nodes.iter().copied().filter(|(id, _)| id != lost).collect();
            let moved = owners(&rest).iter().zip(&before).filter(|(new, old)| new != old).count();
            assert_eq!(moved, before.iter().filter(|owner| *owner == lost).count());
            let share = f64::from(*weight) / f64::from(weights);
            assert!(moved as f64 / 4_096.0 <= share + 0.05);
        }
    }

    #[test]
    fn the_second_best_is_who_would_inherit() {
        let nodes = fifty();
        for slot in Slot::all().step_by(97) {
            let (best, second) = best_two(slot, &nodes);
            assert_ne!(best, second);
            let rest: Vec<_> = nodes.iter().copied().filter(|(id, _)| Some(*id) != best).collect();
            assert_eq!(best_two(slot, &rest).0, second);
        }
        assert_eq!(best_two(Slot::new(0).unwrap(), &nodes[..1]).1, None);
        assert_eq!(best_two(Slot::new(0).unwrap(), &[(NodeId(1), 0)]), (None, None));
    }

    #[test]
    fn a_newcomer_takes_only_for_itself() {
        let nodes = fifty();
        let before = owners(&nodes[1..]);
        for (new, old) in owners(&nodes).into_iter().zip(before) {
            assert!(new == old || new == nodes[0].0);
        }
    }
}
