//! Whether a control group takes CPU time away from threads that believe to have a core each.

use super::{Look, Tunable};
use crate::remedy::Remedy;
use crate::{Host, Standing};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "cpu_quota",
    why: "When a quota is used up all shards stop until the next period, up to 100 ms later.",
    effect: "no pauses of tens of milliseconds at random",
    explanation: "\
A CPU quota (cpu.max of a control group; `cpus:` of a container, `limits.cpu` of Kubernetes) does not take cores away, it stops the whole
process for the rest of each 100 ms period in which it has used its share: seen by clients as a pause of tens of milliseconds at random.
Ringway starts no more shards than the quota has cores and does not spin by default on one or two, so that it rarely happens.

To change it: give whole CPUs (a cpuset, the static policy of the kubelet with integer requests equal to limits) instead of a quota.",
    source: "Linux: Documentation/admin-guide/cgroup-v2.rst (cpu.max), Documentation/scheduler/sched-bwc.rst",
    look,
};

const WANTED: &str = "none, or at least the CPUs that may be used";

fn look(host: &Host) -> Option<Look> {
    let cpus = host.cpus()?.len();
    let newer = host.group_files("cpu.max");
    let newer = newer.iter().filter_map(|text| text.split_once(' ')).filter_map(of_cpus);
    // In the older hierarchy both numbers have a file, and -1 is no quota.
    let quotas = host.older_group_files("cpu", "cpu.cfs_quota_us");
    let periods = host.older_group_files("cpu", "cpu.cfs_period_us");
    let older = quotas.iter().zip(&periods).filter_map(|(quota, period)| of_cpus((quota, period)));
    let quota = newer.chain(older).reduce(f64::min);
    Some(match quota {
        None => Look::good("none", WANTED),
        Some(quota) => {
            let standing = if quota >= cpus as f64 { Standing::Good } else { Standing::Advice };
            Look::new(format!("{quota:.1} of {cpus} CPUs"), WANTED, standing)
                .mended_by(|| Remedy::by_hand("give the container whole CPUs (cpuset) instead of a quota"))
        }
    })
}

/// A quota in CPUs; `None` for no quota and for nonsense.
fn of_cpus((quota, period): (&str, &str)) -> Option<f64> {
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0).then(|| quota as f64 / period as f64)
}
