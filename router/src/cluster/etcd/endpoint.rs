//! Which of etcd's members is asked: one, until it fails.
//!
//! The client's own balancing spreads requests over all endpoints, dead ones too, which would lose every second renewal while one of
//! two is down. So there is a client for one endpoint at a time, and a failure makes the next one current.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use etcd_client::{Client, Error};
use tokio::sync::{OnceCell, watch};
use tracing::{info, warn};

use super::EtcdOptions;

/// A connection to one endpoint, made by its first user and shared by all that began while it was current.
#[derive(Clone)]
pub(super) struct Endpoint {
    number: u64,
    client: Arc<OnceCell<Client>>,
    options: Arc<EtcdOptions>,
}

impl Endpoint {
    /// The client. With a user this asks etcd for a token.
    pub(super) async fn client(&self) -> Result<Client, Error> {
        let url = self.url();
        let connect = || Client::connect([url], Some(self.options.connect_options()));
        self.client.get_or_try_init(connect).await.cloned()
    }

    fn url(&self) -> &str {
        let endpoints = &self.options.endpoints;
        &endpoints[(self.number % endpoints.len() as u64) as usize]
    }
}

/// The endpoint in use, and whoever wants to know that it is another.
#[derive(Clone)]
pub(super) struct Endpoints {
    current: watch::Sender<Endpoint>,
    said: Arc<Mutex<Said>>,
}

/// How long the log is left alone by an etcd that takes some requests and refuses others.
const QUIET: Duration = Duration::from_secs(5);

/// What the log was told last.
#[derive(Clone, Copy, Default)]
struct Said {
    answers: Option<bool>,
    at: Option<Instant>,
}

impl Said {
    /// Whether this is news that may be told.
    fn say(&mut self, answers: bool) -> bool {
        let news = self.answers != Some(answers) && self.at.is_none_or(|at| at.elapsed() >= QUIET);
        if news {
            *self = Self { answers: Some(answers), at: Some(Instant::now()) };
        }
        news
    }
}

impl Endpoints {
    pub(super) fn new(options: Arc<EtcdOptions>) -> Self {
        let first = Endpoint { number: 0, client: Arc::default(), options };
        Self { current: watch::Sender::new(first), said: Arc::default() }
    }

    pub(super) fn current(&self) -> Endpoint {
        self.current.borrow().clone()
    }

    /// An endpoint answered.
    pub(super) fn handle_answer(&self, endpoint: &Endpoint) {
        if self.is_news(true) {
            info!(endpoint = endpoint.url(), "the coordinator answers");
        }
    }

    /// An endpoint failed: the next one, unless somebody else found out before.
    pub(super) fn handle_failure(&self, endpoint: &Endpoint, why: &str) {
        if self.is_news(false) {
            warn!(
                endpoint = endpoint.url(),
                why, "the coordinator does not answer; trying its endpoints in turn"
            );
        }
        self.current.send_if_modified(|current| {
            let ours = current.number == endpoint.number;
            if ours {
                *current = Endpoint {
                    number: endpoint.number + 1,
                    client: Arc::default(),
                    options: Arc::clone(&endpoint.options),
                };
            }
            ours
        });
    }

    fn is_news(&self, answers: bool) -> bool {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).say(answers)
    }

    /// Waits until an endpoint is not the current one any more.
    pub(super) async fn left(&self, endpoint: &Endpoint) {
        let mut current = self.current.subscribe();
        // The sender is ours: it can't be gone.
        let _ = current.wait_for(|current| current.number != endpoint.number).await;
    }
}
