//! How much memory a user may lock: many kernels charge rings to it.

use super::{Look, RESTART, Tunable, bytes};
use crate::host::hard_limit;
use crate::remedy::{Kept, Line, Remedy};
use crate::{Host, Standing};

/// What the rings of one shard take: 1,300 KiB for the runtime's (4,096 entries, 65,536 completions) and 48 KiB for the flush's, rounded up
/// so that a ring that is being taken down may still be there.
const SHARD_BYTES: u64 = 2 * 1024 * 1024;
/// Less than what the rings take, and a shard does not start.
const RINGS_BYTES: u64 = 1_400 * 1024;
const LEAST_BYTES: u64 = 8 * 1024 * 1024;

pub(super) const TUNABLE: Tunable = Tunable {
    name: "memlock",
    why: "Where rings are charged to locked memory, shards beyond the limit get ENOMEM and do not start.",
    effect: "shards start beside each other",
    explanation: "\
A shard's rings are about 1.4 MiB. Kernels before 5.12 charged them to RLIMIT_MEMLOCK, those from 5.12 on for a while to the control group,
and newer ones to RLIMIT_MEMLOCK again: on 6.18 a process without CAP_IPC_LOCK got ENOMEM for the runtime's ring with 1 MiB and made one, not
two, with 2 MiB. The sum counts all processes of the user, and a ring that is closed is given back a moment later, so a restart needs room
for both. Processes with CAP_IPC_LOCK are not charged. Registered buffers are always charged; Ringway registers none.

To change it: LimitMEMLOCK=64M in the systemd unit (a drop-in is written with --persist), --ulimit memlock=67108864 for a container.",
    source: "io_uring_setup(2); measured here on Linux 6.18",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let shards = host.shards().map_or(1, |cpus| cpus.len() as u64);
    let wanted = LEAST_BYTES.max(SHARD_BYTES * shards);
    let told = format!("at least {}", bytes(wanted));
    let by_unit = host.looks_at_unit();
    let limit = if by_unit {
        let text = host.unit_setting("LimitMEMLOCK");
        // systemd's own default, where nobody set another one.
        if text.is_empty() { Some(8 * 1024 * 1024) } else { hard_limit(&text)? }
    } else {
        if host.may_lock_all() {
            return Some(Look::good("not charged (CAP_IPC_LOCK)", told));
        }
        host.limit("Max locked memory")?.soft
    };
    let Some(limit) = limit else { return Some(Look::good("unlimited", told)) };
    let standing = match host.kernel() {
        _ if limit >= wanted => Standing::Good,
        // 6.18 was seen to charge rings; 6.14 is where their memory became regions that are accounted.
        Some(kernel) if ((5, 12)..(6, 14)).contains(&kernel) => Standing::Good,
        _ if limit < RINGS_BYTES * shards => Standing::Important,
        _ => Standing::Advice,
    };
    let now = format!("{}{}", bytes(limit), if by_unit { " in ringway.service" } else { "" });
    Some(Look::new(now, told, standing).mended_by(|| {
        // systemd counts bytes, limits.d and shells KiB.
        let kib = wanted / 1024;
        let (key, value, file, by_hand) = if host.has_unit() {
            ("LimitMEMLOCK=", wanted, Kept::Unit, RESTART.to_owned())
        } else {
            let both = format!("for this shell: ulimit -l {kib}; for a container: --ulimit memlock={wanted}");
            ("ringway - memlock ", kib, Kept::Limits, both)
        };
        let line = Line { file, key: key.into(), text: format!("{key}{value}") };
        Remedy { lines: vec![line], by_hand: vec![by_hand], ..Remedy::NONE }
    }))
}
