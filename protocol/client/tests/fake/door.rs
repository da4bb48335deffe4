//! A handler decides when its client may connect.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ringway_client::{Arrival, Connector, Driver, Handler, Outlet};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::server::{EVERY_WAY, Server, soon};

/// Open or not, and who waits before it.
#[derive(Default)]
struct Door(Mutex<(bool, Option<Waker>)>);

impl Door {
    fn open(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        state.1.take().expect("somebody waits").wake();
    }
}

struct Guest {
    door: Arc<Door>,
    inside: UnboundedSender<()>,
}

impl Handler for Guest {
    fn poll_connect(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.door.0.lock().unwrap();
        if std::mem::take(&mut state.0) {
            return Poll::Ready(());
        }
        state.1 = Some(context.waker().clone());
        Poll::Pending
    }

    fn handle_connected(&mut self, _outlet: &mut Outlet, _took: Duration) {
        let _ = self.inside.send(());
    }

    fn handle_event(&mut self, _outlet: &mut Outlet, _arrival: Arrival<'_>) {}
}

#[tokio::test]
async fn each_connection_waits_until_the_handler_lets_it() {
    for over in EVERY_WAY {
        let server = Server::start(over);
        let door = Arc::<Door>::default();
        let (inside, mut seen) = unbounded_channel();
        let guest = Guest { door: Arc::clone(&door), inside };
        tokio::spawn(Driver::new(&Connector::new(server.config()).unwrap(), guest).run());
        // The second time it comes back.
        for _ in 0..2 {
            soon(async {
                while door.0.lock().unwrap().1.is_none() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
            .await;
            assert!(seen.try_recv().is_err());
            door.open();
            let peer = server.accept().await;
            soon(seen.recv()).await.expect("the driver runs");
            peer.connection.close(1001_u32.into(), b"");
        }
    }
}
