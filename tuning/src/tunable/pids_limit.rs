//! Whether a control group lets the process start its threads.

use super::{Look, Tunable};
use crate::remedy::Remedy;
use crate::{Host, Standing};

/// Threads beside the shards: control, its helpers, and some to spare.
const OTHERS: u64 = 32;

pub(super) const TUNABLE: Tunable = Tunable {
    name: "pids_limit",
    why: "A thread counts as a process: without room for the shards' threads the router does not start.",
    effect: "the router starts",
    explanation: "\
pids.max of a control group bounds processes and threads together, of all that is in the group. The router needs one thread for each shard, one
for control and few others; kernel workers of rings that can't do a thing at once count, too.

To change it: TasksMax= in the systemd unit, --pids-limit for a container.",
    source: "Linux: Documentation/admin-guide/cgroup-v2.rst (pids.max)",
    look,
};

fn look(host: &Host) -> Option<Look> {
    host.of_process("cgroup")?;
    let needed = host.shards().map_or(1, |cpus| cpus.len() as u64) + OTHERS;
    let wanted = format!("none, or room for {needed}");
    let both = |file: &str| [host.group_files(file), host.older_group_files("pids", file)].concat();
    let (limits, currents) = (both("pids.max"), both("pids.current"));
    let Some(max) = limits.iter().filter_map(|text| text.parse::<u64>().ok()).min() else {
        return Some(Look::good("none", wanted));
    };
    let current = currents.iter().filter_map(|text| text.parse::<u64>().ok()).next().unwrap_or(0);
    let standing = match max {
        _ if max < needed => Standing::Important,
        _ if max.saturating_sub(current) < needed => Standing::Advice,
        _ => Standing::Good,
    };
    let look = Look::new(format!("{current} of {max}"), wanted, standing);
    Some(look.mended_by(|| Remedy::by_hand("TasksMax= in the unit, --pids-limit for a container")))
}
