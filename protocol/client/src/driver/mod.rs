//! One client as a future: the session machine, one connection after the other, and the handler that they serve.

pub(crate) mod core;
pub(crate) mod out;
mod outlet;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use ringway_protocol::session::client::State;

pub use outlet::{Lost, NotSent, Outlet, Sent};

use self::core::{Again, Core, Wish};
use crate::link::Link;
use crate::time::monotonic;
use crate::{ConnectFault, Connector, Ending, Handler, random};

/// Passes in a row before other tasks get their turn.
pub(crate) const PASSES_MAX: u32 = 8;

/// A client that is ready to run.
///
/// ```no_run
/// use ringway_client::{Arrival, Config, Connector, Driver, Handler, Outlet, Trust};
/// use ringway_protocol::Event;
///
/// struct Count(u64);
///
/// impl Handler for Count {
///     fn handle_event(&mut self, outlet: &mut Outlet, arrival: Arrival<'_>) {
///         self.0 += u64::from(matches!(arrival.event, Event::Message(_)));
///         if self.0 == 1_000 {
///             outlet.close();
///         }
///     }
/// }
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = Config::new("quic://127.0.0.1:7400");
/// config.trust = Some(Trust::Insecure);
/// let connector = Connector::new(config)?; // shared by all clients of this process
/// let mut driver = Driver::new(&connector, Count(0));
/// let room = ringway_protocol::RoomName::new("game:1").ok_or("a bad name")?;
/// driver.outlet().join(room, Default::default());
/// let handler = driver.run().await;
/// assert_eq!(handler.0, 1_000);
/// # Ok(())
/// # }
/// ```
pub struct Driver<H> {
    core: Core<H>,
    connector: Connector,
    seed: u64,
}

impl<H: Handler> Driver<H> {
    /// A client that is not connected yet.
    ///
    /// # Panics
    /// Outside a tokio runtime with time.
    #[must_use]
    pub fn new(connector: &Connector, handler: H) -> Self {
        Self { core: Core::new(connector, handler), connector: connector.clone(), seed: random::number() }
    }

    /// What can be asked for before it runs: joins, for instance.
    pub const fn outlet(&mut self) -> &mut Outlet {
        &mut self.core.outlet
    }

    /// Runs until the client has left for good: it was [closed](Outlet::close), or a close code forbids to return.
    /// Gives the handler back. To drop the future is to leave as a crash does: the session may be resumed.
    pub async fn run(mut self) -> H {
        while self.rest().await {
            let began = self.core.look_at_clock();
            self.core.give_up_at(Some(began + self.connector.config().handshake_timeout));
            let ending = match self.connect().await {
                Ok(link) => {
                    let now = self.core.look_at_clock();
                    self.core.outlet.client.handle_connected(monotonic(now));
                    link.serve(&mut self.core, now - began).await
                }
                Err(ending) => ending,
            };
            self.end(&ending);
        }
        self.core.handler
    }

    /// Without a connection, until it is time for one; false: never.
    async fn rest(&mut self) -> bool {
        let Self { core, .. } = self;
        let mut wanted = false;
        poll_fn(|context| {
            for _ in 0..PASSES_MAX {
                core.turn(context);
                core.speak();
                match core.settle(context) {
                    // Once more, for the timers.
                    Poll::Ready(Ok(Wish::Connect)) => wanted = true,
                    Poll::Ready(Ok(Wish::Leave)) => return Poll::Ready(false),
                    // There is nothing to break.
                    Poll::Ready(Ok(Wish::Break) | Err(Again)) => {}
                    Poll::Pending if wanted => return core.handler.poll_connect(context).map(|()| true),
                    Poll::Pending => return Poll::Pending,
                }
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    /// A connection, or why there is none; the handler goes on meanwhile.
    async fn connect(&mut self) -> Result<Link, Ending> {
        let Self { core, connector, .. } = self;
        let mut connecting = pin!(connector.connect());
        poll_fn(|context| {
            for _ in 0..PASSES_MAX {
                core.turn(context);
                core.speak();
                if let Poll::Ready(result) = connecting.as_mut().poll(context) {
                    return Poll::Ready(result.map_err(Ending::NotConnected));
                }
                match core.settle(context) {
                    Poll::Ready(Ok(Wish::Leave)) => return Poll::Ready(Err(Ending::Left)),
                    Poll::Ready(Ok(Wish::Break)) => {
                        return Poll::Ready(Err(Ending::NotConnected(ConnectFault::TimedOut)));
                    }
                    Poll::Ready(Ok(Wish::Connect) | Err(Again)) => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    fn end(&mut self, ending: &Ending) {
        let now = self.core.look_at_clock();
        let Core { outlet, handler, .. } = &mut self.core;
        outlet.out.close();
        outlet.connection = None;
        outlet.breaks = false;
        self.seed = self.seed.wrapping_add(1);
        let reconnect = outlet.client.handle_closed(monotonic(now), ending.code(), self.seed);
        handler.handle_ended(outlet, ending, reconnect);
        self.core.give_up_at(None::<Instant>);
        debug_assert!(self.core.outlet.client.state() != State::Ready, "a session without a connection");
    }
}
