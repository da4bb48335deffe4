//! A driver that does what a test says and tells all that it sees.

use std::task::{Context, Poll};
use std::time::Duration;

use ringway_client::{Arrival, Config, Connector, Driver, Ending, Handler, Outlet, Way};
use ringway_protocol::session::client::{JoinOptions, Publication, Reaction, Reconnect, Violation};
use ringway_protocol::{Body, BodyKind, Event, Lane, RoomName};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::soon;

type Act = Box<dyn FnOnce(&mut Outlet) + Send>;

/// What a driver saw.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    Connected,
    Welcomed { resumed: bool },
    Joined { recovered: bool, replay: u32 },
    Message { text: String, lane: Lane, way: Way },
    Pong,
    Violation(String),
    Ended { ending: Ending, returns: bool },
    Other,
}

/// The handler's end.
struct Tell {
    acts: UnboundedReceiver<Act>,
    seen: UnboundedSender<Seen>,
}

/// The test's end.
pub(crate) struct Probe {
    acts: UnboundedSender<Act>,
    seen: UnboundedReceiver<Seen>,
}

impl Probe {
    /// A client that runs on a task of its own.
    pub(crate) fn start(config: Config) -> Self {
        Self::share(&Connector::new(config).unwrap())
    }

    /// One of several that share a connector.
    pub(crate) fn share(connector: &Connector) -> Self {
        let (acts, acts_here) = unbounded_channel();
        let (seen_here, seen) = unbounded_channel();
        let driver = Driver::new(connector, Tell { acts: acts_here, seen: seen_here });
        tokio::spawn(driver.run());
        Self { acts, seen }
    }

    pub(crate) fn act(&self, act: impl FnOnce(&mut Outlet) + Send + 'static) {
        let _ = self.acts.send(Box::new(act));
    }

    pub(crate) fn join(&self, room: &'static str) {
        self.act(move |outlet| {
            outlet.join(RoomName::new(room).unwrap(), JoinOptions::default());
        });
    }

    pub(crate) fn publish(&self, room: &'static str, text: impl Into<String>, lane: Lane) {
        let text = text.into();
        self.act(move |outlet| {
            outlet.publish(&publication(room, &text, lane)).unwrap();
        });
    }

    /// The first thing seen that is one.
    pub(crate) async fn until<T>(&mut self, mut is: impl FnMut(Seen) -> Option<T>) -> T {
        loop {
            let seen = soon(self.seen.recv()).await.expect("the driver runs");
            if let Seen::Violation(violation) = &seen {
                panic!("{violation}");
            }
            if let Some(found) = is(seen) {
                return found;
            }
        }
    }

    pub(crate) async fn joined(&mut self) -> (bool, u32) {
        self.until(|seen| match seen {
            Seen::Joined { recovered, replay } => Some((recovered, replay)),
            _ => None,
        })
        .await
    }

    pub(crate) async fn message(&mut self) -> (String, Lane, Way) {
        self.until(|seen| match seen {
            Seen::Message { text, lane, way } => Some((text, lane, way)),
            _ => None,
        })
        .await
    }

    pub(crate) async fn text(&mut self) -> String {
        self.message().await.0
    }

    pub(crate) async fn ended(&mut self) -> (Ending, bool) {
        self.until(|seen| match seen {
            Seen::Ended { ending, returns } => Some((ending, returns)),
            _ => None,
        })
        .await
    }
}

pub(crate) fn publication<'a>(room: &'a str, text: &'a str, lane: Lane) -> Publication<'a> {
    Publication {
        room: RoomName::new(room).unwrap(),
        body: Body { kind: BodyKind::Text, bytes: text.as_bytes() },
        lane,
        key: None,
        msg_id: None,
        retry: None,
        echo: true,
        answer: false,
    }
}

impl Tell {
    fn tell(&self, seen: Seen) {
        let _ = self.seen.send(seen);
    }
}

impl Handler for Tell {
    fn handle_connected(&mut self, _outlet: &mut Outlet, _took: Duration) {
        self.tell(Seen::Connected);
    }

    fn handle_event(&mut self, _outlet: &mut Outlet, arrival: Arrival<'_>) {
        self.tell(match (arrival.reaction, arrival.event) {
            (Reaction::Welcomed { resumed }, _) => Seen::Welcomed { resumed },
            (Reaction::Joined { recovered, replay, .. }, _) => Seen::Joined { recovered, replay },
            (Reaction::Message { .. }, Event::Message(message)) => Seen::Message {
                text: String::from_utf8_lossy(message.body.bytes).into_owned(),
                lane: message.lane,
                way: arrival.way,
            },
            (Reaction::Pong { .. }, _) => Seen::Pong,
            _ => Seen::Other,
        });
    }

    fn handle_violation(&mut self, _outlet: &mut Outlet, violation: &Violation) {
        self.tell(Seen::Violation(violation.fault.to_string()));
    }

    fn handle_ended(&mut self, _outlet: &mut Outlet, ending: &Ending, reconnect: Reconnect) {
        self.tell(Seen::Ended { ending: ending.clone(), returns: reconnect != Reconnect::Never });
    }

    fn poll(&mut self, outlet: &mut Outlet, context: &mut Context<'_>) {
        while let Poll::Ready(act) = self.acts.poll_recv(context) {
            match act {
                Some(act) => act(outlet),
                None => return outlet.close(),
            }
        }
    }
}
