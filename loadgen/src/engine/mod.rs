//! The machinery under every scenario: one thread, one loop, many connections.
//!
//! Over WebSocket there is no async runtime: the generator must not be what is measured, so a delivery costs one decode
//! and a compare here; so it is with clients of other servers. Clients of QUIC and WebTransport are those of
//! `ringway-client`, on a runtime for each thread. Either way a thread's whole state is reached without a lock; threads
//! share only the atomics of [`Board`](crate::report::Board).

mod clock;
mod crew;
mod direct;
mod drivers;
mod ending;
mod fleet;
mod foreign;
mod framing;
mod glance;
mod observer;
mod out;
mod pacer;
mod schedule;
mod sessions;
mod standing;
mod sys;
mod target;
mod timers;
mod tls;
mod transport;

pub use clock::Nanos;
pub use ending::Ending;
pub use fleet::{Fleet, Handler, LinkId, SCRATCH_BYTES};
pub use observer::{Arrival, Breach, MemberId, Observer, Seen};
pub use out::Out;
pub use pacer::Pace;
pub use schedule::Schedule;
pub use sessions::{Observing, Sessions};
pub use standing::{Lost, Standing};
pub(crate) use sys::{Epoll, Interest};
pub use sys::{pin_to_core, raise_open_files, sharpen_timers, thread_cpu};
pub use target::{BadUrl, Target, subprotocols};
