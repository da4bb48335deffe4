//! `ringway-bench placement`: what the loss of one of many nodes moves in a cluster's map, and how large the stored map is.
//!
//! No clock and no machine: arithmetic of the controller's own code, once for each node that may be lost.

use std::io;

use ringway_cluster::placement::{Standing, State, plan};
use ringway_cluster::slot::SLOTS;
use ringway_cluster::{Chunk, ChunkId, NODES_MAX, NodeId, Slot, SlotMap, SlotOwner, Term};
use serde_json::json;

/// Weights are dealt from 1 to this in turn.
const WEIGHT_MAX: u16 = 4;
/// Spreads small numbers over all ids, as nodes draw theirs: 2^64 by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// How many nodes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Nodes of the cluster, of weights 1 to 4
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(2..=NODES_MAX as i64))]
    nodes: u16,
}

/// What one node's loss comes to, in shares of all slots.
#[derive(Clone, Copy, Debug)]
struct Loss {
    /// Its weight among all weights.
    share: f64,
    /// Slots that got another owner.
    moved: f64,
    /// Of those, such that the lost node did not own.
    needless: usize,
}

/// Prints `{"nodes", "slots", "over_worst", "over_median", "needless", "map_bytes"}`: what a loss moves above the lost node's share, in shares of
/// all slots, the worst and the middle one of all nodes.
///
/// # Errors
/// Never; as all modes do.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let nodes = nodes(options.nodes);
    let map = settled(&nodes);
    let losses: Vec<Loss> = (0..nodes.len()).map(|lost| lose(&nodes, &map, lost)).collect();
    let mut over: Vec<f64> = losses.iter().map(|loss| loss.moved - loss.share).collect();
    over.sort_by(f64::total_cmp);
    let found = json!({
        "nodes": nodes.len(),
        "slots": SLOTS,
        "over_worst": over.last(),
        "over_median": over[over.len() / 2],
        "needless": losses.iter().map(|loss| loss.needless).sum::<usize>(),
        "map_bytes": ChunkId::all().map(|id| map.chunk(id).encode().len()).sum::<usize>(),
    });
    println!("{found}");
    Ok(())
}

fn nodes(count: u16) -> Vec<Standing> {
    (1..=count)
        .map(|number| {
            let weight = 1 + (number - 1) % WEIGHT_MAX;
            let id = NodeId(u64::from(number).wrapping_mul(SPREAD));
            Standing { id, weight, state: State::Up, stable: true }
        })
        .collect()
}

/// The map that the controller makes of nodes that are all there, every standby in step.
fn settled(nodes: &[Standing]) -> SlotMap {
    let plan = plan(nodes, 2);
    let mut map = SlotMap::vacant(Term(0));
    for id in ChunkId::all() {
        let mut chunk: Chunk = map.chunk(id).clone();
        for slot in id.slots() {
            if let Some(placed) = plan.improve(slot, map.entry(slot), &mut 0) {
                chunk.set(slot, SlotOwner { in_sync: placed.standby.is_some(), ..placed });
            }
        }
        map.replace(chunk);
    }
    map
}

/// One is dead: the standbys go on, and whoever does not stay at its place counts as well.
fn lose(nodes: &[Standing], map: &SlotMap, lost: usize) -> Loss {
    let mut left = nodes.to_vec();
    left[lost].state = State::Dead;
    let plan = plan(&left, 2);
    let gone = left[lost].id;
    let ends_at = |slot: Slot, entry: &SlotOwner| {
        // Paced it would get there as well, only later.
        let mut moves = SLOTS as u64;
        let next = plan.improve(slot, entry, &mut moves).unwrap_or(*entry);
        // Where an heir is not the best owner, the slot is told to move once more.
        let last = plan.improve(slot, &next, &mut moves).unwrap_or(next);
        last.next.or(last.owner)
    };
    let moved: Vec<&SlotOwner> = map
        .entries()
        .filter(|(slot, entry)| ends_at(*slot, entry) != entry.owner)
        .map(|(_, entry)| entry)
        .collect();
    let weights: f64 = nodes.iter().map(|node| f64::from(node.weight)).sum();
    Loss {
        share: f64::from(nodes[lost].weight) / weights,
        moved: moved.len() as f64 / SLOTS as f64,
        needless: moved.iter().filter(|entry| entry.owner != Some(gone)).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_lost_nodes_slots_move_and_no_others() {
        let nodes = nodes(5);
        let map = settled(&nodes);
        for lost in 0..nodes.len() {
            let had = map.entries().filter(|(_, entry)| entry.owner == Some(nodes[lost].id)).count();
            let loss = lose(&nodes, &map, lost);
            assert!(had > 0);
            assert_eq!((loss.moved, loss.needless), (had as f64 / SLOTS as f64, 0));
        }
    }
}
