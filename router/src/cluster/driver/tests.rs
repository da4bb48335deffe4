//! The driver over coordinators in memory: the disk that fails, the queue that is full.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ringway_cluster::coordinator::Solo;
use ringway_cluster::lease::Timing;
use ringway_cluster::record::ClusterId;
use ringway_cluster::{NodeId, Term};

use super::*;
use crate::config::testing::Scratch;
use crate::shard::clock::Clock;

const CLUSTER: ClusterId = ClusterId(0xc1);

/// Keeps what it is told.
struct Notes(Arc<Mutex<Vec<Effect>>>);

impl Consumer for Notes {
    fn effect(&mut self, effect: Effect, _: &Member) {
        self.0.lock().unwrap().push(effect);
    }
}

/// Refuses about every other request that it is asked to take, at no regular distance.
struct Full {
    solo: Solo,
    wake: Arc<Notify>,
    state: u32,
    refused: Arc<Mutex<u32>>,
}

impl Coordinator for Full {
    fn submit(&mut self, token: Token, request: Request) -> Result<(), Request> {
        self.wake.notify_one();
        self.state = self.state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        if self.state & 0x1_0000 != 0 {
            *self.refused.lock().unwrap() += 1;
            return Err(request);
        }
        self.solo.submit(token, request)
    }

    fn poll(&mut self) -> Option<(Token, Event)> {
        self.solo.poll()
    }
}

fn options(directory: &Path, coordinator: Box<dyn Coordinator + Send>) -> DriverOptions {
    let config = Config {
        node: NodeId(1),
        cluster: CLUSTER,
        weight: 1,
        addresses: String::new(),
        replicas: 1,
        timing: Timing::DEFAULT,
        alone: true,
        remembered: None,
        raise_terms: false,
    };
    DriverOptions {
        config,
        coordinator,
        wake: Arc::new(Notify::new()),
        state_dir: directory.to_owned(),
        clock: Clock::monotonic,
        lease: Lease::none(100),
    }
}

fn solo() -> Box<dyn Coordinator + Send> {
    Box::new(Solo::new(CLUSTER, Term(1)))
}

async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is().await {
        assert!(Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn acquired(told: &Mutex<Vec<Effect>>) -> usize {
    told.lock().unwrap().iter().filter(|effect| matches!(effect, Effect::Acquire { .. })).count()
}

#[tokio::test]
async fn slots_wait_for_a_disk_that_fails_and_the_lease_does_not() {
    let scratch = Scratch::new("driver-disk");
    let directory = scratch.path.join("state");
    let told = Arc::default();
    let (driver, handle) = driver(options(&directory, solo()), |_| Notes(Arc::clone(&told)));
    let task = tokio::spawn(driver.run());
    until("the disk has failed", async || handle.look().await.unwrap().status.disk_fault.is_some()).await;
    let status = handle.look().await.unwrap().status;
    assert!(status.effects_waiting > 0);
    assert_eq!(acquired(&told), 0, "nothing that follows a map is acted on before the map is kept");
    assert!(handle.lease().may_ack(Clock::monotonic()));
    std::fs::create_dir(&directory).unwrap();
    until("all slots are acquired", async || acquired(&told) == 4_096).await;
    let kept = recall(&directory).unwrap().unwrap();
    assert!(kept.terms.iter().all(|term| *term == Term(1)));
    let look = handle.look().await.unwrap();
    assert!(look.status.disk_fault.is_none() && look.figures.disk_faults > 0);
    assert_eq!(handle.readiness(), Readiness::Ready);
    task.abort();
    let _ = task.await;
    assert!(!handle.lease().may_ack(Clock::monotonic()), "a lease ends with its driver");
    assert!(handle.look().await.is_err());
}

#[tokio::test]
async fn a_node_whose_disk_takes_nothing_leaves() {
    // A hundred times as fast, so that nobody has to wait for it.
    fn fast() -> Monotonic {
        static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
        Monotonic(1 + u64::try_from(START.elapsed().as_micros()).unwrap() * 100)
    }
    let scratch = Scratch::new("driver-leaves");
    let told = Arc::default();
    let options = DriverOptions { clock: fast, ..options(&scratch.path.join("none"), solo()) };
    let (driver, handle) = driver(options, |_| Notes(Arc::clone(&told)));
    let task = tokio::spawn(driver.run());
    until("it has left", async || handle.look().await.unwrap().status.state == "left").await;
    assert_eq!(acquired(&told), 0);
    assert_eq!(handle.lease().valid_until(), Monotonic(0));
    task.abort();
    let _ = task.await;
}

#[tokio::test]
async fn a_coordinator_with_a_full_queue_is_asked_again() {
    let scratch = Scratch::new("driver-full");
    let (refused, wake) = (Arc::new(Mutex::new(0)), Arc::new(Notify::new()));
    let full = Full {
        solo: Solo::new(CLUSTER, Term(1)),
        wake: Arc::clone(&wake),
        state: 1,
        refused: Arc::clone(&refused),
    };
    let told = Arc::default();
    let (driver, handle) = driver(DriverOptions { wake, ..options(&scratch.path, Box::new(full)) }, |_| {
        Notes(Arc::clone(&told))
    });
    let task = tokio::spawn(driver.run());
    until("all slots are acquired", async || acquired(&told) == 4_096).await;
    assert!(*refused.lock().unwrap() > 0);
    let look = handle.look().await.unwrap();
    assert!(look.figures.unanswered.iter().sum::<u64>() > 0);
    task.abort();
    let _ = task.await;
}

#[tokio::test]
async fn a_handle_is_refused_only_when_thousands_of_inputs_wait() {
    let scratch = Scratch::new("driver-busy");
    // Never run: nothing takes what is said.
    let (_driver, handle) = driver(options(&scratch.path, solo()), |_| Notes(Arc::default()));
    let slot = ringway_cluster::Slot::new(0).unwrap();
    let taken = (0..=INPUTS_MAX).take_while(|_| handle.request_alone(slot, Term(1)).is_ok()).count();
    assert_eq!(taken, INPUTS_MAX);
    assert_eq!(handle.drain(), Err(Busy));
}

#[test]
fn what_was_said_of_requests_is_counted_once() {
    let (us, beat) = (NodeId(1), ringway_cluster::coordinator::Key::Beat(NodeId(1)));
    let mut ledger = Ledger::default();
    let put = |key| {
        let put = vec![ringway_cluster::coordinator::Put { key, value: Some(Vec::new()) }];
        Request::Transact(ringway_cluster::coordinator::Transaction { compare: Vec::new(), put })
    };
    let mut asked: VecDeque<(u64, Request)> = VecDeque::new();
    asked.push_back((1, put(beat)));
    asked.push_back((2, put(ringway_cluster::coordinator::Key::Control)));
    asked.push_back((3, Request::Read(ringway_cluster::coordinator::Prefix::Beats)));
    for (token, request) in &asked {
        ledger.handle_request(us, Token(*token), request);
    }
    assert_eq!(ledger.pending(), 3);
    for _ in 0..2 {
        (1..=3).for_each(|token| ledger.handle_event(Token(token), &Event::Unknown));
    }
    assert_eq!((ledger.figures.requests, ledger.figures.unanswered), ([2, 1, 0], [2, 1, 0]));
    assert_eq!((ledger.figures.renewals_failed, ledger.pending()), (1, 0));
}
