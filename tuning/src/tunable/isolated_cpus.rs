//! Whether the CPUs that the host keeps free are the shards'.

use super::{Look, Tunable};
use crate::remedy::Remedy;
use crate::{CpuSet, Host, Standing};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "isolated_cpus",
    why: "CPUs that the scheduler leaves alone are wasted unless shards are pinned to them.",
    effect: "nothing else runs on shards' cores",
    explanation: "\
isolcpus= on the kernel's command line takes CPUs out of the scheduler's hands: only who asks for one by name runs there. Shards pin
themselves, but only to CPUs of their affinity mask and of node.cores; isolated ones must be named in both. Isolation is worth it where the
tail matters more than what else the host could do: it is not wanted by default, and nohz_full= adds to it only where a shard spins.

To change it: node.cores with the isolated CPUs, and CPUAffinity= in the unit with the same list (plan prints both).",
    source: "Linux: Documentation/admin-guide/kernel-parameters.txt (isolcpus, nohz_full)",
    look,
};

const WANTED: &str = "none, or the shards'";

fn look(host: &Host) -> Option<Look> {
    let isolated = CpuSet::from_list(&host.text("sys/devices/system/cpu/isolated")?)?;
    if isolated.is_empty() {
        return Some(Look::good("none", WANTED));
    }
    let shards = host.shards()?;
    let elsewhere = shards.without(&isolated);
    if elsewhere.is_empty() {
        return Some(Look::good(format!("{isolated}, shards on {shards}"), WANTED));
    }
    let look = Look::new(format!("{isolated}, but shards on {shards}"), WANTED, Standing::Advice);
    Some(look.mended_by(|| Remedy {
        by_hand: vec![
            format!("in ringway.toml: [node] cores = \"{isolated}\""),
            format!("in the [Service] section of the unit: CPUAffinity={isolated} and a CPU for the control thread"),
        ],
        ..Remedy::NONE
    }))
}
