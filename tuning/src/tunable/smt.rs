//! Whether two shards share one core.

use super::{Look, Tunable};
use crate::remedy::Remedy;
use crate::{CpuSet, Host, Standing};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "smt",
    why: "Two shards on the threads of one core share its caches and units, and slow each other down.",
    effect: "a shard has its core for itself",
    explanation: "\
With SMT (hyper-threading) the kernel shows each core as two CPUs or more (topology/thread_siblings_list). Two busy shards on siblings get
about as much done as one and a quarter on a core alone, and the tail of each depends on the other. The sibling of a shard's CPU is a good
place for nothing, or for the control thread. The kernel's numbering differs by machine: siblings may be 0 and 1, or 0 and half of all.

To change it: node.cores with one CPU of each core (plan prints the list), or echo off > /sys/devices/system/cpu/smt/control.",
    source: "Linux: Documentation/ABI/testing/sysfs-devices-system-cpu",
    look,
};

const WANTED: &str = "one shard a core";

fn look(host: &Host) -> Option<Look> {
    let shards = host.shards()?;
    let siblings = |cpu: u32| {
        let text = host.text(&format!("sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"))?;
        CpuSet::from_list(&text)
    };
    let first = shards.iter().next()?;
    siblings(first)?;
    let alone: CpuSet = shards
        .iter()
        // A CPU is the first shard of its core, or comes too late.
        .filter(|cpu| siblings(*cpu).is_none_or(|cores| cores.and(&shards).iter().next() == Some(*cpu)))
        .collect();
    let doubled = shards.without(&alone);
    if doubled.is_empty() {
        return Some(Look::good(WANTED, WANTED));
    }
    let now = format!("{} of {} shards on siblings", doubled.len(), shards.len());
    Some(
        Look::new(now, WANTED, Standing::Advice)
            .mended_by(|| Remedy::by_hand(format!("in ringway.toml: [node] cores = \"{alone}\""))),
    )
}
