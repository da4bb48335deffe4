//! How deep idle cores sleep, and so how long they take to wake.

use super::{Look, Tunable};
use crate::remedy::Remedy;
use crate::{CpuSet, Host, Standing};

const WANTED_US: u64 = 50;
/// What nobody asked for, as `/dev/cpu_dma_latency` says it.
const NO_BOUND_US: i32 = 2_000_000_000;

pub(super) const TUNABLE: Tunable = Tunable {
    name: "idle_states",
    why: "A core in a deep idle state takes hundreds of microseconds to wake for the next message.",
    effect: "a message to an idle shard waits less than 50 µs for its core",
    explanation: "\
cpuidle puts an idle core to sleep, the deeper the longer it expects to sleep; each state says how long waking takes
(/sys/devices/system/cpu/cpuN/cpuidle/stateN/latency, in µs). A bound for one core is power/pm_qos_resume_latency_us (0 is none). A bound for
all cores is what programs hold /dev/cpu_dma_latency open with; it ends when they close it, so that a setting can't be made of it. Looked at is
the slowest state that a shard's core may take under both. A shard that spins (node.spin) does not sleep at all while it does.

To change it: echo 50 > /sys/devices/system/cpu/cpuN/power/pm_qos_resume_latency_us for each CPU, and a file in /etc/tmpfiles.d to keep it.",
    source: "Linux: Documentation/admin-guide/pm/cpuidle.rst, Documentation/power/pm_qos_interface.rst",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let shards = host.shards()?;
    let wanted = format!("waking takes at most {WANTED_US} µs");
    if !host.has("sys/devices/system/cpu") {
        return None;
    }
    let bound = dma_bound(host);
    let slow: Vec<(u32, u64)> = shards
        .iter()
        .map(|cpu| (cpu, slowest(host, cpu, bound)))
        .filter(|(_, latency_us)| *latency_us > WANTED_US)
        .collect();
    let held = bound.map_or(String::new(), |bound| format!(", cpu_dma_latency {bound} µs"));
    if slow.is_empty() {
        let some =
            shards.iter().any(|cpu| host.has(&format!("sys/devices/system/cpu/cpu{cpu}/cpuidle/state0")));
        let now = if some { "waking is quick" } else { "none (the host decides)" };
        return Some(Look::good(format!("{now}{held}"), wanted));
    }
    let cpus: CpuSet = slow.iter().map(|(cpu, _)| *cpu).collect();
    let most = slow.iter().map(|(_, latency_us)| *latency_us).max().unwrap_or_default();
    let look = Look::new(format!("waking takes up to {most} µs on {cpus}{held}"), wanted, Standing::Advice);
    Some(look.mended_by(|| {
        let writes = slow.iter().filter_map(|(cpu, _)| {
            let path = format!("sys/devices/system/cpu/cpu{cpu}/power/pm_qos_resume_latency_us");
            let now = host.text(&path)?;
            Some(Remedy::write(path, &now, WANTED_US).writes)
        });
        let writes: Vec<_> = writes.flatten().collect();
        let by_hand = if writes.is_empty() {
            vec!["processor.max_cstate=1 on the kernel's command line, or a program that holds /dev/cpu_dma_latency".into()]
        } else {
            Vec::new()
        };
        Remedy { writes, by_hand, ..Remedy::NONE }
    }))
}

/// The bound that programs hold for all cores; `None` where nobody does.
fn dma_bound(host: &Host) -> Option<u64> {
    let bytes = host.bytes("dev/cpu_dma_latency")?;
    let bound = i32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?);
    (bound < NO_BOUND_US).then(|| u64::try_from(bound).ok()).flatten()
}

/// The slowest wake-up in µs of the states that are open to a core.
fn slowest(host: &Host, cpu: u32, bound: Option<u64>) -> u64 {
    let core = format!("sys/devices/system/cpu/cpu{cpu}");
    let own = host.text(&format!("{core}/power/pm_qos_resume_latency_us"));
    // 0 is no bound, "n/a" no latency at all.
    let own = match own.as_deref() {
        Some("n/a") => Some(0),
        Some(text) => text.parse::<u64>().ok().filter(|bound| *bound > 0),
        None => None,
    };
    let bound = own.into_iter().chain(bound).min().unwrap_or(u64::MAX);
    let states = host.names(&format!("{core}/cpuidle"));
    let open = states.iter().filter(|state| state.starts_with("state")).filter_map(|state| {
        let folder = format!("{core}/cpuidle/{state}");
        let latency_us = host.number(&format!("{folder}/latency"))?;
        let is_open = host.number(&format!("{folder}/disable")).unwrap_or(0) == 0;
        (is_open && latency_us <= bound).then_some(latency_us)
    });
    open.max().unwrap_or(0)
}
