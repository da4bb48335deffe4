//! Where the interrupts of network cards go.

use super::{Look, Tunable};
use crate::remedy::Remedy;
use crate::{CpuSet, Host, Standing};

/// Interrupts of one card that are looked at.
const IRQS_MAX: usize = 512;

pub(super) const TUNABLE: Tunable = Tunable {
    name: "irq_affinity",
    why: "An interrupt of the card on a shard's core stops the shard while the kernel handles packets of all shards.",
    effect: "shards are not interrupted for others' packets",
    explanation: "\
Each queue of a network card interrupts one CPU (/proc/irq/N/effective_affinity_list), which then carries its packets up to the sockets. On a
shard's core that is time the shard does not have, for connections that may not be its own. Where CPUs are left that no shard runs on, the
interrupts belong there. Where every CPU has a shard, spread the queues one to each. irqbalance moves them again: tell it
(IRQBALANCE_BANNED_CPUS) or stop it.

To change it: echo LIST > /proc/irq/N/smp_affinity_list for each interrupt (plan prints the commands), from a script at start of the host.",
    source: "Linux: Documentation/core-api/irq/irq-affinity.rst, Documentation/networking/scaling.rst",
    look,
};

const WANTED: &str = "on CPUs without a shard, if there are some";

fn look(host: &Host) -> Option<Look> {
    let shards = host.shards()?;
    let online = CpuSet::from_list(&host.text("sys/devices/system/cpu/online")?)?;
    let free = online.without(&shards);
    let mut found = 0;
    let mut wrong = Vec::new();
    for device in host.network_devices() {
        for irq in irqs(host, &device) {
            let file = |name: &str| CpuSet::from_list(&host.text(&format!("proc/irq/{irq}/{name}"))?);
            let Some(cpus) = file("effective_affinity_list").or_else(|| file("smp_affinity_list")) else {
                continue;
            };
            found += 1;
            if !cpus.and(&shards).is_empty() {
                wrong.push((irq, cpus));
            }
        }
    }
    if found == 0 {
        return Some(Look::good("no card's interrupts to see", WANTED));
    }
    if free.is_empty() {
        return Some(Look::good(format!("{found} interrupts; every CPU has a shard"), WANTED));
    }
    if wrong.is_empty() {
        return Some(Look::good(format!("{found} interrupts on {free}"), WANTED));
    }
    let hit: CpuSet =
        wrong.iter().flat_map(|(_, cpus)| cpus.and(&shards).iter().collect::<Vec<_>>()).collect();
    let now = format!("{} of {found} interrupts on shards' CPUs {hit}", wrong.len());
    Some(Look::new(now, WANTED, Standing::Advice).mended_by(|| Remedy {
        by_hand:
            wrong.iter().map(|(irq, _)| format!("echo {free} > /proc/irq/{irq}/smp_affinity_list")).collect(),
        ..Remedy::NONE
    }))
}

/// The numbers of a card's interrupts: its own, or for a virtual card those of the bus device above it.
fn irqs(host: &Host, device: &str) -> Vec<u32> {
    let places = ["device/msi_irqs", "device/../msi_irqs"];
    let names = places.iter().map(|place| host.names(&format!("sys/class/net/{device}/{place}")));
    let names = names.into_iter().find(|names| !names.is_empty()).unwrap_or_default();
    let mut irqs: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).take(IRQS_MAX).collect();
    irqs.sort_unstable();
    irqs
}
