//! Whether the kernel makes huge pages of a heap by itself.

use super::{Look, Tunable};
use crate::{Host, Standing};

pub(super) const TUNABLE: Tunable = Tunable {
    name: "transparent_hugepage",
    why: "`always` turns a sparse heap into 2 MiB pages: more memory, and pauses when the kernel compacts.",
    explanation: "\
Sessions come and go, so the heap has holes. With `always` the kernel backs such a heap with pages of 2 MiB, which makes an idle session
look larger than it is, and may stop a thread in a page fault while it finds one. `madvise` leaves the choice to the program's allocator.

To change it: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, or transparent_hugepage=madvise on the kernel's command line.",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let modes = host.text("sys/kernel/mm/transparent_hugepage/enabled")?;
    let now = modes.split(['[', ']']).nth(1)?;
    let standing = if now == "always" { Standing::Advice } else { Standing::Good };
    Some(Look::new(now, "madvise or never", standing))
}
