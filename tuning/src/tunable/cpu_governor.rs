//! Whether cores run at full speed when work comes.

use super::{Look, Tunable};
use crate::remedy::{Remedy, value_of};
use crate::{CpuSet, Host, Standing};

const WANTED: &str = "performance";

pub(super) const TUNABLE: Tunable = Tunable {
    name: "cpu_governor",
    why: "Under other governors a core that was idle is slow for the first milliseconds of a burst.",
    effect: "the first messages after a pause are as fast as the rest",
    explanation: "\
The cpufreq governor chooses a core's clock. `powersave` and `schedutil` lower it while there is little to do, and raise it some milliseconds
after work has come: that is the tail of a router whose load comes in bursts. `performance` keeps it up and costs electricity. Virtual
machines mostly have no such switch: the host decides.

To change it: echo performance > /sys/devices/system/cpu/cpuN/cpufreq/scaling_governor for each CPU, and a file in /etc/tmpfiles.d to keep it.",
    source: "Linux: Documentation/admin-guide/pm/cpufreq.rst",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let shards = host.shards()?;
    let path = |cpu: u32| format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
    let governors: Vec<(u32, String)> =
        shards.iter().filter_map(|cpu| Some((cpu, host.text(&path(cpu))?))).collect();
    if governors.is_empty() {
        host.has("sys/devices/system/cpu").then_some(())?;
        return Some(Look::good("none (the host decides)", WANTED));
    }
    let off: Vec<_> = governors.iter().filter(|(_, now)| now != WANTED).collect();
    let Some((_, first)) = off.first() else { return Some(Look::good(WANTED, WANTED)) };
    let cpus: CpuSet = off.iter().map(|(cpu, _)| *cpu).collect();
    let look = Look::new(format!("{} on {cpus}", value_of(first)), WANTED, Standing::Advice);
    Some(look.mended_by(|| {
        let writes = off.iter().flat_map(|(cpu, now)| Remedy::write(path(*cpu), now, WANTED).writes);
        Remedy { writes: writes.collect(), ..Remedy::NONE }
    }))
}
