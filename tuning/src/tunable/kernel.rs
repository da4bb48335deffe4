//! The kernel's version: what the shards' rings are made of came with 6.1.

use super::{Look, Tunable};
use crate::remedy::Remedy;
use crate::{Host, Standing};

/// Where `IORING_SETUP_DEFER_TASKRUN` came in.
const WANTED: (u32, u32) = (6, 1);

pub(super) const TUNABLE: Tunable = Tunable {
    name: "kernel",
    why: "Older kernels lack the ring flags that make pending reads cheap.",
    effect: "a pending receive costs 1.4 to 3 times less",
    explanation: "\
Each shard sets up its io_uring with IORING_SETUP_SINGLE_ISSUER and IORING_SETUP_DEFER_TASKRUN, which came with Linux 6.0 and 6.1. Without
them a pending receive cost 1.4 to 3 times as much in our measurements, so on an older kernel `runtime = auto` takes epoll instead and says
so; an explicit `runtime = io_uring` refuses to start. What counts is whether the kernel makes such a ring: the setting io_uring asks it.

To change it: run a kernel of 6.1 or later (Debian 12, Ubuntu 24.04 and RHEL 10 have one).",
    source: "io_uring_setup(2); measured: ringway-bench cells",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let now = host.kernel()?;
    let standing = if now >= WANTED { Standing::Good } else { Standing::Important };
    let look =
        Look::new(format!("{}.{}", now.0, now.1), format!("at least {}.{}", WANTED.0, WANTED.1), standing);
    Some(look.mended_by(|| Remedy::by_hand("install a kernel of 6.1 or later and restart the host")))
}
