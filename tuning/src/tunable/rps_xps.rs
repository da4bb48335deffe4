//! Where the kernel's software steering carries packets.

use super::{Look, Tunable};
use crate::remedy::Remedy;
use crate::{CpuSet, Host, Standing};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "rps_xps",
    why: "RPS may carry packets to shards' cores for others, XPS decides whether shards share a send queue.",
    effect: "shards handle their own packets alone",
    explanation: "\
RPS (queues/rx-N/rps_cpus) hands received packets to other CPUs by a hash of their addresses: useful for a card with one queue, a detour for one
with many, and on shards' cores an interruption for others' packets. XPS (queues/tx-N/xps_cpus) says which CPUs send by which queue: with one
queue for each shard's CPU, shards do not wait for each other's lock. A card with one queue has nothing to divide.

To change it: plan prints what to write into rps_cpus and xps_cpus; do that from a script at start of the host.",
    source: "Linux: Documentation/networking/scaling.rst",
    look,
};

const WANTED: &str = "no RPS onto shards; a send queue for each shard";

fn look(host: &Host) -> Option<Look> {
    let shards = host.shards()?;
    let online = CpuSet::from_list(&host.text("sys/devices/system/cpu/online")?)?;
    let free = online.without(&shards);
    let (mut told, mut by_hand) = (Vec::new(), Vec::new());
    for device in host.network_devices() {
        let folder = format!("sys/class/net/{device}/queues");
        let queues = host.names(&folder);
        let of =
            |kind: &str| queues.iter().filter(|name| name.starts_with(kind)).cloned().collect::<Vec<_>>();
        let mask =
            |queue: &str, file: &str| CpuSet::from_mask(&host.text(&format!("{folder}/{queue}/{file}"))?);

        let (rx, tx) = (of("rx-"), of("tx-"));
        let onto_shards: Vec<_> = rx
            .iter()
            .filter(|queue| mask(queue, "rps_cpus").is_some_and(|cpus| !cpus.and(&shards).is_empty()))
            .collect();
        if !onto_shards.is_empty() && !free.is_empty() {
            told.push(format!("{device}: RPS onto shards"));
            // One queue is worth dividing among those that are free; more divide themselves.
            let target = if rx.len() == 1 && free.len() > 1 { free.mask() } else { "0".into() };
            by_hand.extend(
                onto_shards.iter().map(|queue| format!("echo {target} > /{folder}/{queue}/rps_cpus")),
            );
        }
        let masks: Vec<_> = tx.iter().filter_map(|queue| mask(queue, "xps_cpus")).collect();
        if tx.len() >= shards.len()
            && tx.len() > 1
            && masks.len() == tx.len()
            && masks.iter().all(CpuSet::is_empty)
        {
            told.push(format!("{device}: {} send queues, no XPS", tx.len()));
            let pairs = shards.iter().zip(&tx);
            by_hand.extend(pairs.map(|(cpu, queue)| {
                format!("echo {} > /{folder}/{queue}/xps_cpus", CpuSet::from_iter([cpu]).mask())
            }));
        }
    }
    if told.is_empty() {
        return Some(Look::good("nothing in the way", WANTED));
    }
    let look = Look::new(told.join("; "), WANTED, Standing::Advice);
    Some(look.mended_by(|| Remedy { by_hand, ..Remedy::NONE }))
}
