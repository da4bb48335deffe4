//! Building a runtime on the thread that will run it.

use std::future::Future;
use std::io;
use std::time::{Duration, Instant};

use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};

use crate::node::RuntimeKind;

/// Submission slots of a shard's ring: more only means fewer calls when thousands re-arm in one turn.
const ENTRIES: u32 = 4096;
/// Completion slots; the kernel's maximum. A burst beyond it is kept by the kernel, only slower.
const COMPLETIONS: u32 = 65_536;

/// How long a ring is tried to be made while there is no memory for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether a ring with the flags that shards need can be made here.
///
/// # Errors
/// What the kernel said: `EPERM` where seccomp or `kernel.io_uring_disabled` forbids it, `EINVAL` before Linux 6.1.
pub fn probe_io_uring() -> io::Result<()> {
    // On a thread of its own: taking a ring down interrupts the system calls of the thread that made it.
    let probe = || flags().build(8).map(drop);
    std::thread::scope(|scope| {
        let probed = std::thread::Builder::new().spawn_scoped(scope, probe)?;
        probed.join().unwrap_or_else(|_| Err(io::Error::other("the probe panicked")))
    })
}

/// Runs a future, and the tasks it spawns, on this thread until it ends.
///
/// # Errors
/// When the runtime can't be built.
pub fn run<F: Future>(kind: RuntimeKind, future: impl FnOnce() -> F) -> io::Result<F::Output> {
    match kind {
        RuntimeKind::IoUring => {
            let mut runtime = patiently(|| {
                RuntimeBuilder::<IoUringDriver>::new()
                    .uring_builder(flags())
                    .with_entries(ENTRIES)
                    .enable_timer()
                    .build()
            })?;
            Ok(runtime.block_on(async { future().await }))
        }
        RuntimeKind::Epoll => {
            let mut runtime =
                RuntimeBuilder::<LegacyDriver>::new().with_entries(ENTRIES).enable_timer().build()?;
            Ok(runtime.block_on(async { future().await }))
        }
    }
}

/// Makes a ring, again and again for a while if there is no memory for it: a ring is charged to the locked memory of its user, and what
/// rings of processes that just ended held is given back late.
///
/// # Errors
/// As `make`; `ENOMEM` when there was none for five seconds.
pub fn patiently<T>(mut make: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        match make() {
            Err(error) if error.kind() == io::ErrorKind::OutOfMemory && Instant::now() < until => {
                std::thread::sleep(PAUSE);
            }
            made => return made,
        }
    }
}

/// A pending receive costs up to three times more without these two.
fn flags() -> io_uring06::Builder {
    let mut builder = io_uring06::IoUring::builder();
    builder.setup_single_issuer().setup_defer_taskrun().setup_clamp().setup_cqsize(COMPLETIONS);
    builder
}
