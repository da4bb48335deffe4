//! Ctrl-C ends a run early instead of losing it: what was measured is reported, and marked as a part.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From here on the first Ctrl-C is only noted; the second ends the process.
pub(super) fn listen() {
    INTERRUPTED.store(false, Relaxed);
    handle(note as *const () as libc::sighandler_t);
}

/// Ctrl-C belongs to somebody else.
pub(super) fn ignore() {
    handle(libc::SIG_IGN);
}

/// Whether it was pressed.
pub(super) fn came() -> bool {
    INTERRUPTED.load(Relaxed)
}

extern "C" fn note(_signal: libc::c_int) {
    INTERRUPTED.store(true, Relaxed);
    handle(libc::SIG_DFL);
}

fn handle(handler: libc::sighandler_t) {
    // SAFETY: the handler is the system's own or `note`, which only stores an atomic and calls `signal`: both may be done
    // while anything else is interrupted.
    unsafe { libc::signal(libc::SIGINT, handler) };
}
