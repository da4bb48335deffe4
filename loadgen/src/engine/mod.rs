//! The machinery under every scenario: one thread, one epoll loop, many connections.
//!
//! Not an async runtime: the generator must not be what is measured, so a delivery costs one decode and a compare here,
//! and a thread's whole state is reached without a lock. Threads share only the atomics of
//! [`Board`](crate::report::Board).

mod clock;
mod crew;
mod fleet;
mod glance;
mod out;
mod sessions;
mod sys;
mod target;
mod timers;
mod tls;
mod transport;

pub use clock::Nanos;
pub use crew::{Arrival, MemberId, Observer, Seen};
pub use fleet::{Ending, Fleet, Handler, LinkId, SCRATCH_BYTES};
pub use out::Out;
pub use sessions::{Pace, Sessions};
pub(crate) use sys::{Epoll, Interest};
pub use sys::{pin_to_core, raise_open_files, sharpen_timers, thread_cpu};
pub use target::{BadUrl, Target, subprotocols};
