//! The task that takes requests: one future for each, a bounded number of them at once.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Error, GetOptions};
use ringway_cluster::coordinator::{Event, Prefix, Request, Revision, Token, Transaction};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::endpoint::{Endpoint, Endpoints};
use super::{EtcdOptions, IN_FLIGHT_MAX, Outbound, translate, watch};

pub(super) struct Task {
    options: Arc<EtcdOptions>,
    endpoints: Endpoints,
    outbound: Outbound,
    in_flight: JoinSet<()>,
    watching: JoinSet<Token>,
    watches: BTreeMap<Token, AbortHandle>,
}

impl Task {
    pub(super) fn new(options: EtcdOptions, outbound: Outbound) -> Self {
        let options = Arc::new(options);
        Self {
            endpoints: Endpoints::new(Arc::clone(&options)),
            options,
            outbound,
            in_flight: JoinSet::new(),
            watching: JoinSet::new(),
            watches: BTreeMap::new(),
        }
    }

    /// Until nobody submits any more; what is on its way is dropped with it.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<(Token, Request)>) {
        loop {
            tokio::select! {
                request = requests.recv(), if self.in_flight.len() < IN_FLIGHT_MAX => match request {
                    Some((token, request)) => self.begin(token, request),
                    None => return,
                },
                Some(_) = self.in_flight.join_next() => {}
                Some(over) = self.watching.join_next() => {
                    if let Ok(token) = over {
                        self.watches.remove(&token);
                    }
                }
            }
        }
    }

    fn begin(&mut self, token: Token, request: Request) {
        let one = One {
            options: Arc::clone(&self.options),
            endpoint: self.endpoints.current(),
            endpoints: self.endpoints.clone(),
        };
        let outbound = self.outbound.clone();
        match request {
            Request::Transact(transaction) => {
                self.in_flight.spawn(async move {
                    let event = one.transact(&transaction).await;
                    outbound.send(token, event).await;
                });
            }
            Request::Read(prefix) => {
                self.in_flight.spawn(async move {
                    let event = one.read(prefix).await;
                    outbound.send(token, event).await;
                });
            }
            Request::Watch(prefix, from) => {
                let handle = self.watching.spawn(async move {
                    watch::run(&one, prefix, from, token, &outbound).await;
                    token
                });
                self.watches.insert(token, handle);
            }
            Request::Unwatch => {
                if let Some(watch) = self.watches.remove(&token) {
                    watch.abort();
                }
            }
        }
    }
}

/// One request, with the endpoint that it goes to.
pub(super) struct One {
    pub(super) options: Arc<EtcdOptions>,
    pub(super) endpoint: Endpoint,
    pub(super) endpoints: Endpoints,
}

impl One {
    async fn transact(&self, transaction: &Transaction) -> Event {
        let txn = translate::transaction(&self.options, transaction);
        let answer = async { self.endpoint.client().await?.txn(txn).await };
        let Some(answer) = self.within(self.options.timeouts.transact, answer).await else {
            return Event::Unknown;
        };
        let at = translate::revision(answer.header().map_or(0, etcd_client::ResponseHeader::revision));
        if answer.succeeded() { Event::Committed(at) } else { Event::Refused(at) }
    }

    async fn read(&self, prefix: Prefix) -> Event {
        let options = GetOptions::new().with_prefix();
        let below = translate::below(&self.options, prefix);
        let answer = async { self.endpoint.client().await?.get(below, Some(options)).await };
        let Some(answer) = self.within(self.options.timeouts.read, answer).await else {
            return Event::Unknown;
        };
        let at = translate::revision(answer.header().map_or(0, etcd_client::ResponseHeader::revision));
        if at == Revision(0) {
            return Event::Unknown;
        }
        Event::Rows(
            at,
            answer.kvs().iter().filter_map(|stored| translate::row(&self.options, stored)).collect(),
        )
    }

    /// The answer, if it comes in time; otherwise the endpoint has failed.
    pub(super) async fn within<T>(
        &self,
        patience: Duration,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Option<T> {
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(answer)) => {
                self.endpoints.handle_answer(&self.endpoint);
                Some(answer)
            }
            Ok(Err(error)) => {
                self.endpoints.handle_failure(&self.endpoint, &error.to_string());
                None
            }
            Err(_) => {
                self.endpoints.handle_failure(&self.endpoint, "no answer in time");
                None
            }
        }
    }
}
