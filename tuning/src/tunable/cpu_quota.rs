//! Whether a control group takes CPU time away from threads that believe to have a core each.

use super::{Look, Tunable};
use crate::{Host, Standing};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "cpu_quota",
    why: "When a quota is used up all shards stop until the next period, up to 100 ms later.",
    explanation: "\
A CPU quota (cpu.max of a control group; `cpus:` of a container, `limits.cpu` of Kubernetes) does not take cores away, it stops the whole
process for the rest of each 100 ms period in which it has used its share: seen by clients as a pause of tens of milliseconds at random.
Ringway starts no more shards than the quota has cores and does not spin by default on one or two, so that it rarely happens.

To change it: give whole CPUs (a cpuset, the static policy of the kubelet with integer requests equal to limits) instead of a quota.",
    look,
};

const WANTED: &str = "none, or at least the CPUs that may be used";

fn look(host: &Host) -> Option<Look> {
    let cpus = host.cpus()?;
    let quota = [version_2(host), version_1(host)].into_iter().flatten().reduce(f64::min);
    Some(match quota {
        None => Look::new("none", WANTED, Standing::Good),
        Some(quota) => {
            let standing = if quota >= f64::from(cpus) { Standing::Good } else { Standing::Advice };
            Look::new(format!("{quota:.1} of {cpus} CPUs"), WANTED, standing)
        }
    })
}

/// The smallest quota of the group and of those around it, in CPUs.
fn version_2(host: &Host) -> Option<f64> {
    let path = host.cgroup("")?;
    groups_around(&path)
        .filter_map(|group| {
            let text = host.text(&format!("sys/fs/cgroup/{group}/cpu.max"))?;
            let (quota, period) = text.split_once(' ')?;
            Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
        })
        .reduce(f64::min)
}

/// The same in the older hierarchy, where -1 is no quota.
fn version_1(host: &Host) -> Option<f64> {
    let path = host.cgroup("cpu")?;
    groups_around(&path)
        .filter_map(|group| {
            let number =
                |file: &str| host.text(&format!("sys/fs/cgroup/cpu/{group}/{file}"))?.parse::<f64>().ok();
            let (quota, period) = (number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?);
            (quota > 0.0).then_some(quota / period)
        })
        .reduce(f64::min)
}

/// A path, its parent, and so on up to the root, which a container often sees instead of its own.
fn groups_around(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        (!path.is_empty()).then(|| path.rsplit_once('/').map_or("", |(parent, _)| parent))
    })
}

#[cfg(test)]
mod tests {
    use super::groups_around;

    #[test]
    fn the_groups_around_a_path_end_with_the_root() {
        assert_eq!(groups_around("a/b/c").collect::<Vec<_>>(), ["a/b/c", "a/b", "a", ""]);
        assert_eq!(groups_around("").collect::<Vec<_>>(), [""]);
    }
}
