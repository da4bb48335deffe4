//! The system calls around a child: its cores, its end. All `unsafe` of this module.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// The child runs on these cores only, and ends when the thread that starts it does.
pub(super) fn confine(command: &mut Command, cores: Option<Vec<usize>>) {
    // SAFETY: an all-zero set is an empty one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for core in cores.iter().flatten().filter(|core| **core < libc::CPU_SETSIZE as usize) {
        // SAFETY: the core lies within the set.
        unsafe { libc::CPU_SET(*core, &mut set) };
    }
    let pinned = cores.is_some();
    let enter = move || {
        // SAFETY: sets one word of this process.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        // SAFETY: the kernel reads the set during the call.
        if pinned && unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    };
    // SAFETY: between fork and exec only two system calls are made, and nothing is allocated.
    unsafe { command.pre_exec(enter) };
}

/// Sends a signal to a process group of our own; one that is gone is none of our business any more.
pub(super) fn signal_group(group: u32, signal: i32) {
    // SAFETY: no pointers.
    unsafe { libc::kill(-(group as i32), signal) };
}
