//! How late timers may go off so that the kernel can wake for several at once.

use super::{Look, Tunable};
use crate::remedy::Remedy;
use crate::{Host, Standing};

const WANTED_NS: u64 = 50_000;

pub(super) const TUNABLE: Tunable = Tunable {
    name: "timer_slack",
    why: "A process may be started with so much slack that its timers are late.",
    effect: "pacing and timeouts go off when they are due",
    explanation: "\
A thread's timer slack (50 µs unless somebody changed it) is by how much the kernel may delay its timers; threads and started programs inherit
it. Ringway's timers are in milliseconds, so that the default suffices; a service manager or a power saver that sets milliseconds delays every
pause of the pump. Only the thread itself or its starter can set it.

To change it: TimerSlackNSec=50us in the systemd unit, or prctl(PR_SET_TIMERSLACK) in what starts the router.",
    source: "Linux: Documentation/filesystems/proc.rst (timerslack_ns); prctl(2); measured: docs/operating/tuning.md",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let now: u64 = host.of_process("timerslack_ns")?.parse().ok()?;
    // A real-time thread has none.
    let standing = if now <= WANTED_NS { Standing::Good } else { Standing::Advice };
    let look =
        Look::new(format!("{} µs", now / 1_000), format!("at most {} µs", WANTED_NS / 1_000), standing);
    Some(look.mended_by(|| Remedy::by_hand("TimerSlackNSec=50us in the [Service] section of the unit")))
}
