//! A session as most programs want it: async calls, owned events, bounded queues. On top of one driver.
//!
//! ```no_run
//! use ringway_client::{Config, Event, JoinOptions, Lane, Publish, Trust, connect};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config = Config::new("quic://127.0.0.1:7400");
//! config.trust = Some(Trust::Insecure);
//! let (session, mut events) = connect(config).await?;
//! let room = session.join("game:1", JoinOptions::default()).await?;
//! room.publish(Publish::text("hello")).await?;
//! room.put(Publish::bytes(vec![1, 2, 3]).on(Lane::Unreliable).key("position"));
//! while let Some(event) = events.next().await {
//!     if let Event::Message(message) = event {
//!         println!("{}: {:?}", message.room, message.text());
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod desk;
mod event;
mod inbox;
mod order;
mod publish;
mod room;
mod shared;

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use ringway_protocol::session::client::JoinOptions;
use ringway_protocol::{Lane, SessionId};
use tokio::sync::{mpsc, oneshot, watch};

pub use event::{Event, Member, Message, Refusal};
pub use order::{HistoryPage, PresencePage, SessionError};
pub use publish::{Publish, Published};
pub use room::{Joined, Room};

use self::desk::Desk;
use self::inbox::Inbox;
use self::order::{CheckedName, Order, Post, Reply};
use self::shared::Shared;
use crate::{Budget, Clock, Config, ConnectFault, Connector, Driver, Lost};

/// Orders that wait for the driver before their callers have to.
const ORDERS_MAX: usize = 64;
/// How long a close waits for what was said before to arrive, and for the farewell to leave.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// A handle of a session; clones are the same session. When the last one and all its [`Room`]s are gone, the session
/// leaves.
#[derive(Clone)]
pub struct Session {
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
    inbox: Arc<Inbox>,
    connector: Connector,
    /// True when the driver has ended.
    over: watch::Receiver<bool>,
}

/// The events of a session, in order. Dropped, they are not kept any more.
pub struct Events {
    inbox: Arc<Inbox>,
}

impl Events {
    /// The next event; none when the session is over. Cancel-safe.
    ///
    /// Who does not call this in time slows the server down: reliable messages wait there, values are replaced by newer
    /// ones.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|context| self.inbox.poll_next(context)).await
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

/// Connects and greets. The session comes back by itself when the connection breaks later; only the first attempt fails
/// here.
///
/// # Errors
/// When the first connection can't be made, or the server refuses the client.
pub async fn connect(config: Config) -> Result<(Session, Events), ConnectFault> {
    Session::open(&Connector::new(config)?).await
}

impl Session {
    /// As [`connect`], for one of many sessions that share a connector.
    ///
    /// # Errors
    /// As there.
    pub async fn open(connector: &Connector) -> Result<(Self, Events), ConnectFault> {
        let bounds = connector.bounds();
        let (orders, orders_there) = mpsc::channel(ORDERS_MAX);
        let (first, welcomed) = oneshot::channel();
        let (ended, over) = watch::channel(false);
        let shared = Arc::new(Shared::new(bounds));
        let inbox = Arc::new(Inbox::new(bounds));
        let desk = Desk {
            orders: orders_there,
            shared: Arc::clone(&shared),
            inbox: Arc::clone(&inbox),
            first: Some(first),
            stuck: VecDeque::new(),
            awaited: HashMap::new(),
            joins: HashMap::new(),
            leaves: HashMap::new(),
            pages: HashMap::new(),
            names: Vec::new(),
            ping_at: None,
            dropped: 0,
        };
        let driver = Driver::new(connector, desk);
        let there = Arc::clone(&inbox);
        tokio::spawn(async move {
            let desk = driver.run().await;
            // Whoever still waits learns it from the dropped replies, before the session counts as over.
            drop(desk);
            there.end();
            let _ = ended.send(true);
        });
        let events = Events { inbox: Arc::clone(&inbox) };
        let session = Self { orders, shared, inbox, connector: connector.clone(), over };
        match welcomed.await {
            Ok(Ok(())) => Ok((session, events)),
            Ok(Err(fault)) => Err(fault),
            Err(_) => Err(ConnectFault::Refused("the session ended at once".into())),
        }
    }

    /// Becomes a member of a room, now and after each reconnect.
    ///
    /// # Errors
    /// When the name is bad, the server refuses for good, or the session is over. A refusal that will pass is waited out.
    pub async fn join(&self, room: &str, options: JoinOptions) -> Result<Room, SessionError> {
        let name = CheckedName::new(room)?;
        let (index, joined) = self.ask(|reply| Order::Join { room: name, options, reply }).await?;
        Ok(Room::new(self.clone(), room.into(), index, joined))
    }

    /// Publishes without waiting for the server's word: what is on its way when a connection breaks may be lost. On the reliable lane this waits while the connection takes no
    /// more, or there is none; values of the other lanes go by [`put`](Self::put) and never wait.
    ///
    /// # Errors
    /// When the name is bad or the session is over. What the server refuses is told by [`Event::Refused`].
    pub async fn publish(&self, room: &str, publish: Publish) -> Result<(), SessionError> {
        if publish.lane != Lane::Reliable {
            return self.put(room, publish);
        }
        if !publish.echo {
            // The server answers those in any case.
            return self.confirm(room, publish).await.map(|_| ());
        }
        let post = Post { room: CheckedName::new(room)?, publish, reply: None, retry: None };
        self.orders.send(Order::Publish(post)).await.map_err(|_| SessionError::Closed)
    }

    /// Publishes and waits for the server's word. With a [`msg_id`](Publish::msg_id), in a room that was joined, it is sent
    /// again after a lost connection, and happens once.
    ///
    /// # Errors
    /// When the name is bad, the server refuses, the connection ended before the answer, or the session is over.
    pub async fn confirm(&self, room: &str, publish: Publish) -> Result<Published, SessionError> {
        let room = CheckedName::new(room)?;
        self.ask(|reply| Order::Publish(Post { room, publish, reply: Some(reply), retry: None })).await
    }

    /// Sets the newest value of a room and key on the latest or unreliable lane, and returns at once. If the connection
    /// does not take it before the next one of the same room and key, that one takes its place ([`lost`](Self::lost)
    /// counts). Without a connection it waits for one.
    ///
    /// # Errors
    /// When the name is bad or the session is over. A reliable publish is no value: it is put on the latest lane.
    pub fn put(&self, room: &str, publish: Publish) -> Result<(), SessionError> {
        let name = CheckedName::new(room)?;
        if *self.over.borrow() {
            return Err(SessionError::Closed);
        }
        let publish = if publish.lane == Lane::Reliable { publish.on(Lane::Latest) } else { publish };
        self.shared.put(room, name, publish);
        Ok(())
    }

    /// Gives the server a newer token of the same user, before the old one ends.
    ///
    /// # Errors
    /// When the session is over.
    pub async fn refresh(&self, token: &str) -> Result<(), SessionError> {
        self.orders.send(Order::Refresh(token.into())).await.map_err(|_| SessionError::Closed)
    }

    /// Waits until everything that was published before has reached the server.
    ///
    /// # Errors
    /// When the connection ended before that, or the session is over.
    pub async fn flush(&self) -> Result<(), SessionError> {
        self.ask(Order::Flush).await
    }

    /// Breaks the connection; the session comes back and resumes. For tests of what follows.
    ///
    /// # Errors
    /// When the session is over.
    pub async fn disconnect(&self) -> Result<(), SessionError> {
        self.orders.send(Order::Break).await.map_err(|_| SessionError::Closed)
    }

    /// Leaves for good: what was said arrives, if it does within two seconds; memberships end at once. All handles of the
    /// session are of no use afterwards.
    pub async fn close(self) {
        let _ = tokio::time::timeout(CLOSE_WITHIN, self.flush()).await;
        self.shared.close();
        let mut over = self.over.clone();
        let _ = tokio::time::timeout(CLOSE_WITHIN, over.wait_for(|over| *over)).await;
        // A socket of our own has nothing else to say.
        if self.connector.config().socket.is_none()
            && let Some(socket) = self.connector.socket()
        {
            let _ = tokio::time::timeout(CLOSE_WITHIN, socket.idle()).await;
        }
    }

    /// The session's public id: others see it in messages and member lists.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.shared.estimates().session
    }

    /// The server's clock; none before the first answer to a ping.
    #[must_use]
    pub fn clock(&self) -> Option<Clock> {
        self.shared.estimates().clock
    }

    /// What the connection can carry now.
    #[must_use]
    pub fn budget(&self) -> Budget {
        let known = self.shared.estimates();
        Budget::of(known.connection.as_ref(), known.rtt, known.waiting_bytes)
    }

    /// Values that were not sent or not told, as newer ones took their place or there was no room.
    #[must_use]
    pub fn lost(&self) -> Lost {
        let mut lost = self.shared.estimates().lost;
        let (replaced, dropped) = self.inbox.lost();
        lost.unread = replaced + dropped;
        lost
    }

    async fn ask<T>(&self, order: impl FnOnce(Reply<T>) -> Order) -> Result<T, SessionError> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| SessionError::Closed)?;
        answer.await.unwrap_or(Err(SessionError::Closed))
    }
}
