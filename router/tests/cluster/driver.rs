//! Members in real time over a real etcd, each with its driver, as three processes would have them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Instant;

use ringway::cluster::driver::{DriverOptions, Look, MapEntry, Readiness, driver, recall};
use ringway::cluster::{Consumer, Handle, Lease};
use ringway_cluster::lease::Timing;
use ringway_cluster::member::{Config, Effect, Member};
use ringway_cluster::record::ClusterId;
use ringway_cluster::{Monotonic, NodeId, Term};
use tokio::task::JoinHandle;

use super::servers::Servers;
use super::support::{Scratch, until};

/// Long leases: a machine that is busy with other things must not cost a node its own.
const TIMING: Timing = Timing { beat_ms: 200, ttl_ms: 5_000, margin_ms: 500, grace_ms: 400 };
/// What each of three nodes has at least when nothing moves any more.
const SHARE_MIN: usize = 1_000;

fn clock() -> Monotonic {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    // Not from 0, where a lease would be none.
    Monotonic(1_000_000 + u64::try_from(START.elapsed().as_micros()).unwrap())
}

/// Does at once what it is told, and notes it. A map must be on the disk before what follows from it.
struct Rim {
    handle: Handle,
    told: Arc<Mutex<Vec<Effect>>>,
    directory: std::path::PathBuf,
}

impl Consumer for Rim {
    fn effect(&mut self, effect: Effect, member: &Member) {
        match effect {
            Effect::Freeze { slot, term } => self.handle.frozen(slot, term).unwrap(),
            Effect::Transfer { slot, term, .. } => {
                self.handle.transferred(slot, Term(term.0 - 1), true).unwrap();
            }
            Effect::Replicate { slot, term, standby: Some(standby), waits: false } => {
                assert!(member.revision() > ringway_cluster::coordinator::Revision(0));
                self.handle.request_in_sync(slot, term, standby).unwrap();
            }
            Effect::MapChanged(revision) => {
                let kept = recall(&self.directory).unwrap().expect("the map is on the disk");
                assert!(kept.revision >= revision, "{:?} {revision:?}", kept.revision);
            }
            _ => {}
        }
        self.told.lock().unwrap().push(effect);
    }
}

struct Node {
    handle: Handle,
    lease: Lease,
    told: Arc<Mutex<Vec<Effect>>>,
    task: JoinHandle<()>,
}

impl Node {
    fn start(servers: &Servers, directory: &Path, change: impl FnOnce(&mut Config)) -> Self {
        let etcd = servers.engine("cluster-of-three");
        let mut config = Config {
            node: NodeId(1),
            cluster: ClusterId(0xc1),
            weight: 100,
            addresses: "127.0.0.1:7410".into(),
            replicas: 1,
            timing: TIMING,
            alone: false,
            remembered: recall(directory).unwrap(),
            raise_terms: false,
        };
        change(&mut config);
        let wake = etcd.wake();
        let options = DriverOptions {
            config,
            coordinator: Box::new(etcd),
            wake,
            state_dir: directory.to_owned(),
            clock,
            lease: Lease::none(100),
        };
        let told = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&told);
        let directory = directory.to_owned();
        let (driver, handle) = driver(options, |handle| Rim { handle, told: notes, directory });
        Self { lease: handle.lease(), handle, told, task: tokio::spawn(driver.run()) }
    }

    async fn look(&self) -> Look {
        self.handle.look().await.unwrap()
    }

    async fn fault(&self) -> Option<u16> {
        self.look().await.status.fault.map(|fault| fault.number)
    }

    /// Gone without a word, as after a kill.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
        assert_eq!(self.lease.valid_until(), Monotonic(0), "whoever has the lease sees that it is over");
    }
}

/// How many slots each node owns in the map as this node sees it.
async fn owners(node: &Node) -> BTreeMap<Option<String>, usize> {
    let mut owners = BTreeMap::new();
    for entry in node.handle.map().await.unwrap() {
        *owners.entry(entry.owner).or_default() += 1;
    }
    owners
}

/// Waits until these nodes, and nobody else, own all slots, and all of them know it.
async fn settled(nodes: &[&Node], names: &[&str]) {
    let names: Vec<Option<String>> = names.iter().map(|name| Some((*name).to_string())).collect();
    until("all slots are owned by the living nodes", async || {
        for node in nodes {
            let owners = owners(node).await;
            if !owners.keys().eq(&names) || node.look().await.status.state != "up" {
                return false;
            }
        }
        true
    })
    .await;
}

async fn three(servers: &Servers, scratch: &Scratch, replicas: u8) -> Vec<Node> {
    let start = |number: u64| {
        let directory = scratch.0.join(number.to_string());
        std::fs::create_dir_all(&directory).unwrap();
        Node::start(servers, &directory, |config| {
            (config.node, config.replicas) = (NodeId(number), replicas);
        })
    };
    let nodes: Vec<Node> = (1..=3).map(start).collect();
    let [one, two, three] = nodes.as_slice() else { unreachable!() };
    settled(&[one, two, three], &["1", "2", "3"]).await;
    until("nothing moves any more", async || {
        let shares = owners(one).await;
        shares.len() == 3
            && shares.values().all(|share| *share >= SHARE_MIN)
            && one
                .handle
                .map()
                .await
                .unwrap()
                .iter()
                .all(|entry| entry.next.is_none() && entry.in_sync == (replicas == 2))
    })
    .await;
    nodes
}

#[tokio::test]
async fn three_nodes_form_a_cluster_and_a_lost_one_is_taken_over_under_higher_terms() {
    let Some(servers) = Servers::start(3).await else { return };
    let scratch = Scratch::new();
    let mut nodes = three(&servers, &scratch, 1).await;
    for node in &nodes {
        // What a node is told may be behind what it knows: the disk comes between.
        let acquired = |effect: &&Effect| matches!(effect, Effect::Acquire { .. });
        until("it was told of its slots, and that it is ready", async || {
            let owned = node.look().await.status.slots_owned;
            let told = node.told.lock().unwrap().iter().filter(acquired).count();
            told >= owned && node.handle.readiness() == Readiness::Ready && node.lease.may_ack(clock())
        })
        .await;
        let figures = node.look().await.figures;
        assert!(figures.renewals > 0 && figures.requests.iter().all(|count| *count > 0));
    }
    let before = nodes[0].handle.map().await.unwrap();
    let lost = nodes.remove(1);
    lost.kill().await;
    settled(&[&nodes[0], &nodes[1]], &["1", "3"]).await;
    let after = nodes[0].handle.map().await.unwrap();
    let changed: Vec<(&MapEntry, &MapEntry)> =
        before.iter().zip(&after).filter(|(before, after)| before.owner != after.owner).collect();
    assert!(!changed.is_empty());
    for (before, after) in changed {
        assert!(after.term > before.term, "{before:?} {after:?}");
    }
    let taken: u64 = {
        let mut sum = 0;
        for node in &nodes {
            sum += node.look().await.figures.acquired_takeover;
        }
        sum
    };
    assert!(taken >= before.iter().filter(|entry| entry.owner.as_deref() == Some("2")).count() as u64);
    for node in &nodes {
        let look = node.look().await;
        assert_eq!(look.figures.failovers_ms.count(), 1, "one death was seen, and made good");
        assert_eq!(look.status.nodes_up, 2);
    }
    let dead = nodes[0].handle.nodes().await.unwrap();
    assert_eq!(dead.iter().map(|node| node.state.as_str()).collect::<Vec<_>>(), ["up", "dead", "up"]);
}

#[tokio::test]
async fn an_in_sync_standby_goes_on_where_the_owner_was() {
    let Some(servers) = Servers::start(1).await else { return };
    let scratch = Scratch::new();
    let mut nodes = three(&servers, &scratch, 2).await;
    let before = nodes[0].handle.map().await.unwrap();
    nodes.remove(2).kill().await;
    settled(&[&nodes[0], &nodes[1]], &["1", "2"]).await;
    let lost = before.iter().filter(|entry| entry.owner.as_deref() == Some("3")).count();
    until("all that the lost one owned goes on", async || {
        let heir = |effect: &&Effect| {
            matches!(effect, Effect::Acquire { from: Some(NodeId(3)), continues: true, .. })
        };
        nodes.iter().map(|node| node.told.lock().unwrap().iter().filter(heir).count()).sum::<usize>() == lost
    })
    .await;
}

#[tokio::test]
async fn a_drained_node_gives_its_slots_away_and_leaves() {
    let Some(servers) = Servers::start(1).await else { return };
    let scratch = Scratch::new();
    let mut nodes = three(&servers, &scratch, 1).await;
    let leaving = nodes.remove(0);
    let owned = leaving.look().await.status.slots_owned as u64;
    leaving.handle.drain().unwrap();
    until("it has left", async || leaving.look().await.status.state == "left").await;
    settled(&[&nodes[0], &nodes[1]], &["2", "3"]).await;
    until("it was told so", async || leaving.told.lock().unwrap().contains(&Effect::Drained)).await;
    let look = leaving.look().await;
    assert!(look.figures.released >= owned && look.figures.stepped_down == 0, "{look:?}");
    assert!(!leaving.lease.may_ack(clock()));
    for node in &nodes {
        assert_eq!(node.look().await.figures.acquired_takeover, 0, "nothing was taken over");
    }
}

#[tokio::test]
async fn a_killed_member_of_etcd_costs_nobody_the_cluster() {
    let Some(mut servers) = Servers::start(3).await else { return };
    let scratch = Scratch::new();
    let nodes = three(&servers, &scratch, 1).await;
    let leader = servers.leader().await;
    servers.kill(leader);
    let mut seen = Vec::new();
    for node in &nodes {
        seen.push(node.look().await.figures.renewals);
    }
    until("all renew their leases again", async || {
        for (node, seen) in nodes.iter().zip(&seen) {
            if node.look().await.figures.renewals < seen + 20 {
                return false;
            }
        }
        true
    })
    .await;
    settled(&nodes.iter().collect::<Vec<_>>(), &["1", "2", "3"]).await;
}

#[tokio::test]
async fn another_cluster_s_node_and_another_process_with_the_same_number_are_refused() {
    let Some(servers) = Servers::start(1).await else { return };
    let (first, second) = (Scratch::new(), Scratch::new());
    let node = Node::start(&servers, &first.0, |_| {});
    settled(&[&node], &["1"]).await;
    let stranger = Node::start(&servers, &second.0, |config| {
        (config.node, config.cluster) = (NodeId(2), ClusterId(0xc2));
    });
    let copy = Node::start(&servers, &second.0, |_| {});
    until("both are refused", async || (stranger.fault().await, copy.fault().await) == (Some(1), Some(2)))
        .await;
    let Readiness::NotReady(why) = stranger.handle.readiness() else { panic!("it is ready") };
    assert!(why.contains("wrong_cluster (1)") && why.contains("copy it from a node"), "{why}");
    settled(&[&node], &["1"]).await;
    assert!(node.lease.may_ack(clock()) && !copy.lease.may_ack(clock()));
}

#[tokio::test]
async fn a_wiped_coordinator_stops_everybody_until_terms_are_raised() {
    let Some(mut servers) = Servers::start(1).await else { return };
    let scratch = Scratch::new();
    let nodes = three(&servers, &scratch, 1).await;
    let before = nodes[0].handle.map().await.unwrap();
    servers.wipe().await;
    until("all of them stop", async || {
        for node in &nodes {
            if !matches!(node.fault().await, Some(3 | 4)) {
                return false;
            }
        }
        true
    })
    .await;
    for node in nodes {
        assert!(!node.lease.may_ack(clock()));
        node.kill().await;
    }
    let start = |number: u64, raise_terms: bool| {
        Node::start(&servers, &scratch.0.join(number.to_string()), |config| {
            (config.node, config.raise_terms) = (NodeId(number), raise_terms);
        })
    };
    let untold = start(1, false);
    until("it refuses again", async || untold.fault().await == Some(3)).await;
    untold.kill().await;
    let one = start(1, true);
    settled(&[&one], &["1"]).await;
    let (two, three) = (start(2, true), start(3, true));
    settled(&[&one, &two, &three], &["1", "2", "3"]).await;
    let after = one.handle.map().await.unwrap();
    assert!(before.iter().zip(&after).all(|(before, after)| after.term > before.term));
}

#[tokio::test]
async fn a_node_that_starts_before_its_coordinator_joins_when_it_is_there() {
    let Some(mut servers) = Servers::start(1).await else { return };
    servers.kill(0);
    let scratch = Scratch::new();
    let node = Node::start(&servers, &scratch.0, |_| {});
    until("it says that nobody answers", async || node.look().await.status.state == "connecting").await;
    servers.revive(0);
    settled(&[&node], &["1"]).await;
}
