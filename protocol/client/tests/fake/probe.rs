//! A driver that is in the room "room", does what a test says, and tells what it sees.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use ringway_client::{Arrival, Config, Connector, Driver, Ending, Handler, Outlet, Way};
use ringway_protocol::codec::DecodeError;
use ringway_protocol::session::client::{JoinOptions, Publication, Reconnect, Violation};
use ringway_protocol::{Body, BodyKind, Event, Lane, RoomName};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::server::soon;

type Act = Box<dyn FnOnce(&mut Outlet) + Send>;

#[derive(Clone, Debug)]
pub(crate) enum Seen {
    Joined,
    Message(String, Way),
    Ended(Ending, bool),
}

/// How many more ordered events the handler takes.
#[derive(Default)]
pub(crate) struct Appetite(Mutex<(Option<u32>, Option<Waker>)>);

impl Appetite {
    pub(crate) fn set(&self, events: Option<u32>) {
        let mut state = self.0.lock().unwrap();
        state.0 = events;
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }
}

struct Tell {
    acts: UnboundedReceiver<Act>,
    seen: UnboundedSender<Seen>,
    appetite: Arc<Appetite>,
}

pub(crate) struct Probe {
    acts: UnboundedSender<Act>,
    seen: UnboundedReceiver<Seen>,
    pub(crate) appetite: Arc<Appetite>,
}

impl Probe {
    /// A client that joins "room".
    pub(crate) fn start(config: Config) -> Self {
        let connector = Connector::new(config).unwrap();
        let (acts, acts_here) = unbounded_channel();
        let (seen_here, seen) = unbounded_channel();
        let appetite = Arc::<Appetite>::default();
        let tell = Tell { acts: acts_here, seen: seen_here, appetite: Arc::clone(&appetite) };
        let mut driver = Driver::new(&connector, tell);
        driver.outlet().join(RoomName::new("room").unwrap(), JoinOptions::default());
        tokio::spawn(driver.run());
        Self { acts, seen, appetite }
    }

    pub(crate) fn act(&self, act: impl FnOnce(&mut Outlet) + Send + 'static) {
        let _ = self.acts.send(Box::new(act));
    }

    /// What an act gives.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Outlet) -> T + Send + 'static,
    ) -> T {
        let (give, given) = tokio::sync::oneshot::channel();
        self.act(move |outlet| drop(give.send(act(outlet))));
        soon(given).await.unwrap()
    }

    pub(crate) async fn next(&mut self) -> Seen {
        soon(self.seen.recv()).await.expect("the driver runs")
    }

    /// The next message, and how it came.
    pub(crate) async fn message(&mut self) -> (String, Way) {
        loop {
            if let Seen::Message(text, way) = self.next().await {
                return (text, way);
            }
        }
    }

    pub(crate) async fn ended(&mut self) -> (Ending, bool) {
        loop {
            if let Seen::Ended(ending, returns) = self.next().await {
                return (ending, returns);
            }
        }
    }
}

pub(crate) fn publication<'a>(text: &'a str, lane: Lane, key: Option<&'a str>) -> Publication<'a> {
    Publication {
        room: RoomName::new("room").unwrap(),
        body: Body { kind: BodyKind::Text, bytes: text.as_bytes() },
        lane,
        key,
        msg_id: None,
        retry: None,
        echo: true,
        answer: false,
    }
}

impl Handler for Tell {
    fn handle_event(&mut self, _outlet: &mut Outlet, arrival: Arrival<'_>) {
        let _ = match arrival.event {
            Event::Joined(_) => self.seen.send(Seen::Joined),
            Event::Message(message) => {
                if let Some(left) = &mut self.appetite.0.lock().unwrap().0 {
                    *left = left.saturating_sub(u32::from(message.lane == Lane::Reliable));
                }
                let text = String::from_utf8_lossy(message.body.bytes).into_owned();
                self.seen.send(Seen::Message(text, arrival.way))
            }
            _ => Ok(()),
        };
    }

    fn handle_violation(&mut self, _outlet: &mut Outlet, violation: &Violation) {
        panic!("{}", violation.fault);
    }

    fn handle_garbled(&mut self, _outlet: &mut Outlet, way: Way, fault: &DecodeError) {
        panic!("{way:?}: {fault}");
    }

    fn handle_ended(&mut self, _outlet: &mut Outlet, ending: &Ending, reconnect: Reconnect) {
        let _ = self.seen.send(Seen::Ended(ending.clone(), reconnect != Reconnect::Never));
    }

    fn poll(&mut self, outlet: &mut Outlet, context: &mut Context<'_>) {
        while let Poll::Ready(act) = self.acts.poll_recv(context) {
            match act {
                Some(act) => act(outlet),
                None => return outlet.close(),
            }
        }
    }

    fn poll_ready(&mut self, way: Way, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.appetite.0.lock().unwrap();
        if way == Way::Control && state.0 == Some(0) {
            state.1 = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}
