//! Whether the kernel makes huge pages of a heap by itself.

use super::{Look, Tunable};
use crate::remedy::{Remedy, value_of};
use crate::{Host, Standing};

const PATH: &str = "sys/kernel/mm/transparent_hugepage/enabled";

pub(super) const TUNABLE: Tunable = Tunable {
    name: "transparent_hugepage",
    why: "`always` turns a sparse heap into 2 MiB pages: more memory, and pauses when the kernel compacts.",
    effect: "less memory for each idle session, no pauses by compaction",
    explanation: "\
Sessions come and go, so the heap has holes. With `always` the kernel backs such a heap with pages of 2 MiB, which makes an idle session
look larger than it is, and may stop a thread in a page fault while it finds one. `madvise` leaves the choice to the program's allocator.

To change it: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, and a file in /etc/tmpfiles.d to keep it.",
    source: "Linux: Documentation/admin-guide/mm/transhuge.rst; measured: docs/operating/tuning.md",
    look,
};

fn look(host: &Host) -> Option<Look> {
    let text = host.text(PATH)?;
    let now = value_of(&text);
    let standing = match &*now {
        "always" => Standing::Advice,
        "madvise" | "never" => Standing::Good,
        _ => return None,
    };
    let look = Look::new(&now, "madvise or never", standing);
    Some(look.mended_by(|| Remedy::write(PATH, &text, "madvise")))
}
