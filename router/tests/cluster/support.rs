//! Waiting, asking, and directories that go away.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ringway::cluster::etcd::Etcd;
use ringway_cluster::coordinator::{Coordinator, Event, Request, Token};
use tokio::sync::Notify;

/// Only a fault takes so long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !is().await {
        assert!(Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An engine and what it has said.
pub(crate) struct Asker {
    engine: Etcd,
    wake: Arc<Notify>,
    next: u64,
    said: Vec<(Token, Event)>,
}

impl Asker {
    pub(crate) fn new(engine: Etcd) -> Self {
        let wake = engine.wake();
        Self { engine, wake, next: 1, said: Vec::new() }
    }

    pub(crate) fn submit(&mut self, request: Request) -> Token {
        let token = Token(self.next);
        self.next += 1;
        self.engine.submit(token, request).unwrap();
        token
    }

    pub(crate) fn unwatch(&mut self, token: Token) {
        self.engine.submit(token, Request::Unwatch).unwrap();
    }

    /// The next event of a token.
    pub(crate) async fn event(&mut self, token: Token) -> Event {
        let end = Instant::now() + DEADLINE;
        loop {
            self.said.extend(std::iter::from_fn(|| self.engine.poll()));
            if let Some(index) = self.said.iter().position(|(of, _)| *of == token) {
                return self.said.remove(index).1;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no event of {token:?}");
            let _ = tokio::time::timeout(left, self.wake.notified()).await;
        }
    }

    pub(crate) async fn ask(&mut self, request: Request) -> Event {
        let token = self.submit(request);
        self.event(token).await
    }

    /// Whether anything was said of a token up to now.
    pub(crate) fn has_said(&mut self, token: Token) -> bool {
        self.said.extend(std::iter::from_fn(|| self.engine.poll()));
        self.said.iter().any(|(of, _)| *of == token)
    }
}

/// A directory of one test.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique =
            format!("ringway-cluster-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
