//! Whether a control group leaves the process enough memory.

use super::{Look, Tunable, bytes};
use crate::remedy::Remedy;
use crate::{Host, Standing};

const WANTED_BYTES: u64 = 512 << 20;
const NEEDED_BYTES: u64 = 128 << 20;
/// What version 1 writes where there is no limit, and anything near it.
const NO_LIMIT: u64 = 1 << 60;

pub(super) const TUNABLE: Tunable = Tunable {
    name: "memory_limit",
    why: "At a control group's limit the kernel kills the process, and sockets' memory counts, too.",
    effect: "a burst is not the end of the process",
    explanation: "\
memory.max of a control group (`mem_limit` of a container, `limits.memory` of Kubernetes) counts the heap, rings and the sockets' buffers. At the
limit the kernel reclaims, and then kills. memory.high slows the process down before that. A node needs some tens of MiB, each session a few KiB
and what waits for it (limits.shard_bytes_max bounds that by shard): set that bound to less than the group's.

To change it: MemoryMax= in the systemd unit, --memory for a container, limits.memory in Kubernetes.",
    source: "Linux: Documentation/admin-guide/cgroup-v2.rst (memory.max, memory.high)",
    look,
};

fn look(host: &Host) -> Option<Look> {
    host.of_process("cgroup")?;
    let wanted = format!("none, or at least {}", bytes(WANTED_BYTES));
    let mut limits = host.group_files("memory.max");
    limits.extend(host.group_files("memory.high"));
    limits.extend(host.older_group_files("memory", "memory.limit_in_bytes"));
    let limits = limits.iter().filter_map(|text| text.parse::<u64>().ok()).filter(|limit| *limit < NO_LIMIT);
    let Some(least) = limits.min() else { return Some(Look::good("none", wanted)) };
    let standing = match least {
        _ if least >= WANTED_BYTES => Standing::Good,
        _ if least >= NEEDED_BYTES => Standing::Advice,
        _ => Standing::Important,
    };
    let look = Look::new(bytes(least), wanted, standing);
    Some(
        look.mended_by(|| {
            Remedy::by_hand("MemoryMax= in the unit, --memory for a container: 512 MiB or more")
        }),
    )
}
