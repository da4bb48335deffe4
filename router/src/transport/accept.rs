//! The accept task: one per listening socket, for as long as it listens.
//!
//! It never has an accept under way (one that is dropped loses and leaks its connection): it waits for readiness, which
//! is harmless to drop, and takes what is there, a bounded number at a time.

use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use super::socket;
use crate::rt::{self, Io, Signal};
use crate::shard::Context;

/// Connections taken before the others get their turn.
const BATCH: usize = 64;
/// Pause after the system refused another descriptor.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts until `closing` is raised, then takes what already waits and closes the listening socket.
pub(crate) async fn accept(context: Rc<Context>, listener: Rc<Io>, tls: bool, closing: Rc<Signal>) {
    loop {
        let stop = rt::either(listener.readable(), closing.wait()).await;
        // What waits when the listening ends is taken to its end: nobody waits there any more.
        let batch = if stop { usize::MAX } else { BATCH };
        for _ in 0..batch {
            match socket::accept(listener.as_raw_fd()) {
                Ok(Some((descriptor, peer))) => {
                    Context::admit(&context, descriptor, peer, tls);
                }
                Ok(None) => break,
                Err(error) if socket::concerns_one_connection(&error) => {}
                Err(_) if stop => break,
                Err(error) => {
                    context.accept_failed(&error);
                    rt::sleep(PAUSE).await;
                    break;
                }
            }
        }
        if stop {
            // At once, whenever the driver gets to closing it.
            socket::cut(&*listener);
            return;
        }
    }
}
