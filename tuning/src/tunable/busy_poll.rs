//! Whether all programs of the host poll network cards while they wait.

use super::{Look, Tunable};
use crate::host::sysctl_path;
use crate::remedy::Remedy;
use crate::{Host, Standing};

const NAMES: [&str; 2] = ["net.core.busy_poll", "net.core.busy_read"];

pub(super) const TUNABLE: Tunable = Tunable {
    name: "busy_poll",
    why: "It makes every waiting program of the host burn its core; Ringway's own spin does it for shards alone.",
    effect: "idle programs stop burning CPU",
    explanation: "\
net.core.busy_poll (poll, select, epoll) and net.core.busy_read (blocking reads) are microseconds for which a wait looks into the card's queue
before it sleeps. They are for all sockets of the host, work only where the driver has a NAPI id (loopback has none), and take CPU from the
shards that share the core. Rings do not read them. For low latency set node.spin instead, which looks for all of a shard's work.

To change it: sysctl -w net.core.busy_poll=0 net.core.busy_read=0 (the default).",
    source: "Linux: Documentation/networking/napi.rst, Documentation/admin-guide/sysctl/net.rst; measured: docs/operating/tuning.md",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let texts = [host.sysctl(NAMES[0])?, host.sysctl(NAMES[1])?];
    let numbers = [texts[0].parse::<u64>().ok()?, texts[1].parse::<u64>().ok()?];
    let standing = if numbers == [0, 0] { Standing::Good } else { Standing::Advice };
    let look = Look::new(format!("poll {} µs, read {} µs", numbers[0], numbers[1]), "0 µs", standing);
    Some(look.mended_by(|| {
        let on = (0..2).filter(|at| numbers[*at] != 0);
        let writes = on.flat_map(|at| Remedy::write(sysctl_path(NAMES[at]), &texts[at], 0).writes);
        Remedy { writes: writes.collect(), ..Remedy::NONE }
    }))
}
