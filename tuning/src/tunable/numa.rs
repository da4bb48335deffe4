//! Whether shards, their memory and the network card are near each other.

use super::{Look, Tunable};
use crate::remedy::Remedy;
use crate::{CpuSet, Host, Standing};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "numa",
    why: "Between nodes of memory each access and each hop between shards costs about twice as much.",
    effect: "shards, their memory and the card are near each other",
    explanation: "\
On a machine with several nodes of memory a CPU reaches its own node fastest. Shards talk to each other through memory, and a publication goes
to all of them: keep the shards of one router on one node, the node of the network card (/sys/class/net/DEV/device/numa_node), and run a second
router on the other. Automatic balancing (kernel.numa_balancing) unmaps pages to see who touches them, which stops a shard in page faults;
with shards pinned to one node it has nothing to find.

To change it: node.cores with CPUs of one node, NUMAPolicy=bind and NUMAMask= in the unit, sysctl -w kernel.numa_balancing=0.",
    source: "Linux: Documentation/admin-guide/mm/numa_memory_policy.rst, Documentation/admin-guide/sysctl/kernel.rst (numa_balancing)",
    look,
};

const WANTED: &str = "shards on one node, that of the card";

fn look(host: &Host) -> Option<Look> {
    let nodes = CpuSet::from_list(&host.text("sys/devices/system/node/online")?)?;
    if nodes.len() < 2 {
        return Some(Look::good("one node", WANTED));
    }
    let shards = host.shards()?;
    let cpus = |node: u32| {
        let list = host.text(&format!("sys/devices/system/node/node{node}/cpulist"))?;
        CpuSet::from_list(&list)
    };
    let used: CpuSet =
        nodes.iter().filter(|node| cpus(*node).is_some_and(|cpus| !cpus.and(&shards).is_empty())).collect();
    let card = host.network_devices().iter().find_map(|device| {
        // -1 is a card that belongs to no node.
        u32::try_from(host.number(&format!("sys/class/net/{device}/device/numa_node"))?).ok()
    });
    let balances = host.sysctl_number("kernel.numa_balancing").unwrap_or(0) != 0;
    let far = card.is_some_and(|card| used.len() == 1 && !used.contains(card));
    let mut told = vec![format!("shards on node {used}")];
    if far {
        told.push(format!("card on node {}", card.unwrap_or_default()));
    }
    if balances {
        told.push("balancing is on".into());
    }
    let standing = if used.len() > 1 || far || balances { Standing::Advice } else { Standing::Good };
    Some(Look::new(told.join(", "), WANTED, standing).mended_by(|| {
        let home =
            card.filter(|card| nodes.contains(*card)).or_else(|| used.iter().next()).unwrap_or_default();
        let mut by_hand = Vec::new();
        if (used.len() > 1 || far)
            && let Some(cores) = cpus(home)
        {
            by_hand.push(format!("in ringway.toml: [node] cores = \"{cores}\""));
            by_hand
                .push(format!("in the [Service] section of the unit: NUMAPolicy=bind and NUMAMask={home}"));
        }
        if balances {
            by_hand.push("sysctl -w kernel.numa_balancing=0".into());
        }
        Remedy { by_hand, ..Remedy::NONE }
    }))
}
