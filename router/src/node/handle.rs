//! Starting a node and speaking to it. Node view; the handle is shared by whoever controls the node.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use ringway_core::{ClusterUpdate, ShardId};
use ringway_mesh::{Bounds, Inbound, Mailbox, seats};
use ringway_protocol::RoomHandle;

use super::answer::Pending;
use super::desk::{Desk, Waiter};
use super::order::{Order, PublishOrder, PublishOutcome, Whom};
use super::{
    Answer, Gone, NodeOptions, NodeSettings, NodeSnapshot, Notice, RuntimeChoice, RuntimeKind, StartError,
};
use crate::pki::Credentials;
use crate::quic::{self, socket};
use crate::rt::{self, Bell};
use crate::shard::{
    self, ClusterSetup, KnownNode, LinkBounds, LinkIdentity, LinkSetup, LinkTable, LinkTimes, QuicSetup,
    Setup,
};
use crate::transport::listen;

/// Orders that wait for one shard.
const ORDERS_MAX: usize = 1024;
/// How long the cluster waits for a shard that takes no orders.
const PATIENCE: Duration = Duration::from_secs(5);
/// Memory of all rings of a node together.
const MESH_BYTES_MAX: usize = 256 * 1024 * 1024;
/// More shards can't be numbered in a token's home byte.
const SHARDS_MAX: usize = 256;

/// Starts a node: binds, builds the shards, and returns once all of them accept connections.
///
/// # Errors
/// Whatever keeps it from starting; nothing is left running then.
pub fn start(options: NodeOptions) -> Result<NodeHandle, StartError> {
    let shards = options.shards.0.len();
    if !(1..=SHARDS_MAX).contains(&shards) {
        return Err(StartError::Shards(shards));
    }
    if let Some(listener) = options.listeners.iter().find(|listener| listener.tls)
        && options.settings.tls.is_none()
    {
        return Err(StartError::TlsMissing(listener.address));
    }
    let (runtime, fallback) = choose_runtime(options.runtime)?;
    if let Some(address) = options.quic.addresses.first()
        && options.settings.tls.is_none()
    {
        return Err(StartError::TlsMissing(*address));
    }
    let mut sockets = listen::bind(&options.listeners, shards)?;
    let mut udp = socket::bind(&options.quic, shards)?;
    let addresses = sockets.addresses.clone();

    let mut fronts = Vec::with_capacity(shards);
    for _ in 0..shards {
        fronts.push(Arc::new(Inbound::new(shards + 1, Bell::new().map_err(StartError::Runtime)?)));
    }
    let orders: Vec<_> = fronts
        .iter()
        .map(|front| Arc::new(Mailbox::<Order, Bell>::new(ORDERS_MAX, Arc::clone(front), shards)))
        .collect();
    let pending = Arc::new(Pending::default());
    let desk = Desk::open(Arc::clone(&pending), options.observe).map_err(StartError::Thread)?;
    if let Some(reason) = fallback {
        desk.tell(Notice::Fallback(reason));
    }
    if let Some(error) = &udp.unsteered {
        desk.tell(Notice::Unsteered(error.to_string()));
    }

    let mut links =
        options.cluster.as_ref().map(|cluster| socket::bind(&cluster.links, shards)).transpose()?;
    let table = Arc::new(LinkTable::new());
    let bounds = options.rings.unwrap_or_else(|| Bounds::of_budget(shards, MESH_BYTES_MAX));
    let settings = options.settings.with_secrets().map_err(StartError::Entropy)?;
    let (ready, started) = mpsc::channel();
    let mut handle = NodeHandle {
        orders,
        addresses,
        quic_addresses: udp.addresses,
        link_addresses: links.as_ref().map_or(Vec::new(), |links| links.addresses.clone()),
        runtime,
        cluster_key: options.cluster_key,
        secrets: settings.door.tokens.resume_secrets.clone(),
        pending,
        next_ticket: AtomicU64::new(1),
        stopped: AtomicBool::new(false),
        threads: Mutex::new(Threads { shards: Vec::new(), desk: Some(desk) }),
    };
    let retry_secret = random_bytes().map_err(StartError::Entropy)?;
    let reset_secret = match settings.door.tokens.resume_secrets.first() {
        Some(secret) => quic::settings::reset_secret(secret, &settings.core.node),
        None => random_bytes().map_err(StartError::Entropy)?,
    };
    for (number, seat) in seats(&fronts, bounds).into_iter().enumerate() {
        let setup = Setup {
            id: ShardId(number as u16),
            shards: shards as u16,
            core: options.shards.0[number],
            runtime,
            spin_us: options.spin.budget_us(shards),
            flush: options.flush,
            echo: options.echo,
            cluster_key: options.cluster_key,
            seed: random_u64().map_err(StartError::Entropy)?,
            settings: settings.clone(),
            listeners: std::mem::take(&mut sockets.of_shards[number]),
            quic: (!options.quic.addresses.is_empty())
                .then(|| {
                    Ok(QuicSetup {
                        sockets: std::mem::take(&mut udp.of_shards[number]),
                        congestion: options.quic.congestion,
                        retry_secret,
                        reset_secret,
                        seed: random_bytes().map_err(StartError::Entropy)?,
                        neighbours: handle.orders.clone(),
                    })
                })
                .transpose()?,
            cluster: links
                .as_mut()
                .zip(options.cluster.as_ref())
                .map(|(links, cluster)| {
                    let setup = LinkSetup {
                        shard: number as u8,
                        identity: LinkIdentity::new(
                            &cluster.credentials.identity,
                            cluster.incarnation,
                            shards as u16,
                        ),
                        credentials: Arc::clone(&cluster.credentials),
                        addresses: links.addresses.clone(),
                        retry_secret,
                        reset_secret,
                        seed: random_bytes().map_err(StartError::Entropy)?,
                        times: LinkTimes::default(),
                        bounds: LinkBounds::default(),
                    };
                    Ok(ClusterSetup {
                        lease: cluster.lease.clone(),
                        table: Arc::clone(&table),
                        said: cluster.said.clone(),
                        links: setup,
                        sockets: std::mem::take(&mut links.of_shards[number]),
                    })
                })
                .transpose()?,
            neighbours: handle.orders.clone(),
            seat,
            orders: Arc::clone(&handle.orders[number]),
            reports: handle.reports(),
            ready: ready.clone(),
        };
        let thread = std::thread::Builder::new()
            .name(format!("ringway-shard-{number}"))
            .spawn(move || shard::run(setup))
            .map_err(StartError::Thread)?;
        handle.threads_mut().shards.push(thread);
    }
    drop(ready);
    for _ in 0..shards {
        match started.recv() {
            Ok(Ok(())) => {}
            // Dropping the handle stops the shards that did start.
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(StartError::Thread(std::io::Error::other("a shard ended at its start"))),
        }
    }
    Ok(handle)
}

fn choose_runtime(choice: RuntimeChoice) -> Result<(RuntimeKind, Option<String>), StartError> {
    match choice {
        RuntimeChoice::Epoll => Ok((RuntimeKind::Epoll, None)),
        RuntimeChoice::IoUring => match rt::probe_io_uring() {
            Ok(()) => Ok((RuntimeKind::IoUring, None)),
            Err(error) => Err(StartError::IoUring(error)),
        },
        RuntimeChoice::Auto => match rt::probe_io_uring() {
            Ok(()) => Ok((RuntimeKind::IoUring, None)),
            Err(error) => Ok((RuntimeKind::Epoll, Some(error.to_string()))),
        },
    }
}

pub(crate) fn random_bytes<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    // SAFETY: N bytes are writable at the pointer. Up to 256 bytes come whole.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), N, 0) };
    if got == N as isize { Ok(bytes) } else { Err(std::io::Error::last_os_error()) }
}

fn random_u64() -> std::io::Result<u64> {
    random_bytes().map(u64::from_ne_bytes)
}

struct Threads {
    shards: Vec<JoinHandle<()>>,
    desk: Option<Desk>,
}

/// A running node. Dropping it stops it.
pub struct NodeHandle {
    orders: Vec<Arc<Mailbox<Order, Bell>>>,
    addresses: Vec<SocketAddr>,
    quic_addresses: Vec<SocketAddr>,
    link_addresses: Vec<SocketAddr>,
    runtime: RuntimeKind,
    cluster_key: ringway_protocol::ClusterKey,
    /// The random secrets that stand in for configured ones, kept over reloads.
    secrets: Vec<[u8; 32]>,
    pending: Arc<Pending<Waiter>>,
    next_ticket: AtomicU64,
    stopped: AtomicBool,
    threads: Mutex<Threads>,
}

impl NodeHandle {
    /// Where the node listens, in the order of its listeners, with the ports it got.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where the node listens for QUIC, in the order asked for, with the ports it got.
    #[must_use]
    pub fn quic_addresses(&self) -> &[SocketAddr] {
        &self.quic_addresses
    }

    /// Where links of other nodes arrive, with the ports it got; nowhere on a node that is alone.
    #[must_use]
    pub fn link_addresses(&self) -> &[SocketAddr] {
        &self.link_addresses
    }

    /// Tells every shard what changed in the cluster. Waits for room in their queues: nothing of this may be lost, and a shard that
    /// takes no orders for long is not alive.
    ///
    /// # Errors
    /// [`Gone`] when a shard takes none for [`PATIENCE`], or the node stops.
    pub(crate) fn cluster(&self, update: ClusterUpdate) -> Result<(), Gone> {
        let update = Arc::new(update);
        self.insist(|| Order::Cluster(Arc::clone(&update)))
    }

    /// Tells every shard the cluster's nodes.
    pub(crate) fn cluster_nodes(&self, nodes: Vec<KnownNode>) -> Result<(), Gone> {
        let nodes = Arc::new(nodes);
        self.insist(|| Order::Nodes(Arc::clone(&nodes)))
    }

    /// Gives links to come other credentials.
    pub(crate) fn link_credentials(&self, credentials: &Arc<Credentials>) -> Result<(), Gone> {
        self.insist(|| Order::LinkCredentials(Arc::clone(credentials)))
    }

    fn insist(&self, order: impl Fn() -> Order) -> Result<(), Gone> {
        for shard in 0..self.shards() {
            let until = std::time::Instant::now() + PATIENCE;
            while self.post(shard, order()).is_err() {
                if self.stopped.load(Ordering::SeqCst) || std::time::Instant::now() >= until {
                    return Err(Gone);
                }
                std::thread::sleep(Duration::from_micros(200));
            }
        }
        Ok(())
    }

    /// What drives the shards.
    #[must_use]
    pub const fn runtime(&self) -> RuntimeKind {
        self.runtime
    }

    /// How many shards there are.
    #[must_use]
    pub const fn shards(&self) -> usize {
        self.orders.len()
    }

    /// Gives every shard new settings: all of them, or with [`Gone`] perhaps only some (then say it again).
    ///
    /// # Errors
    /// [`Gone`] when a shard is too busy or stopping.
    pub fn reload(&self, settings: &NodeSettings) -> Result<(), Gone> {
        let settings = settings.clone().with_fallback_secrets(&self.secrets);
        for shard in 0..self.shards() {
            self.post(shard, Order::Reload(Box::new(settings.clone())))?;
        }
        Ok(())
    }

    /// Publishes in a room; orders for one room keep their order.
    pub fn publish(&self, order: PublishOrder) -> Answer<PublishOutcome> {
        let handle = RoomHandle::of(&self.cluster_key, &order.room);
        let shard = usize::from(handle.slot()) % self.shards();
        let (ticket, answer) = self.ticket(Waiter::published);
        self.order(shard, ticket, Order::Publish { ticket, order: Box::new(order) });
        answer
    }

    /// Closes sessions with this code; answers how many.
    pub fn disconnect(&self, whom: &Whom, code: u16, reason: &str) -> Answer<u32> {
        let (ticket, answer) = self.ticket(|sender| Waiter::disconnected(sender, self.shards()));
        let reason: Arc<str> = reason.into();
        for shard in 0..self.shards() {
            let whom = whom.clone();
            self.order(shard, ticket, Order::Disconnect { ticket, whom, code, reason: Arc::clone(&reason) });
        }
        answer
    }

    /// Closes the listening sockets; connections go on.
    ///
    /// # Errors
    /// [`Gone`] when a shard is too busy or stopping.
    pub fn stop_listening(&self) -> Result<(), Gone> {
        (0..self.shards()).try_for_each(|shard| self.post(shard, Order::StopListening))
    }

    /// Tells all sessions to reconnect elsewhere, spread over this time; answers when the last connection is closed.
    /// Listeners should be closed before.
    pub fn drain(&self, spread: Duration) -> Answer<()> {
        let (ticket, answer) = self.ticket(|sender| Waiter::drained(sender, self.shards()));
        let spread_ms = spread.as_millis().try_into().unwrap_or(u64::MAX);
        for shard in 0..self.shards() {
            self.order(shard, ticket, Order::Drain { ticket, spread_ms });
        }
        answer
    }

    /// The figures of all shards.
    pub fn snapshot(&self) -> Answer<NodeSnapshot> {
        let (ticket, answer) = self.ticket(|sender| Waiter::snapshot(sender, self.shards()));
        for shard in 0..self.shards() {
            self.order(shard, ticket, Order::Snapshot { ticket });
        }
        answer
    }

    /// Ends all shards at once, closing what is open, and waits for their threads. The second time it does nothing.
    pub fn stop(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for (shard, thread) in threads.shards.drain(..).enumerate() {
            while !thread.is_finished() && self.post(shard, Order::Stop).is_err() {
                // Its queue is full of other orders: it is busy with them.
                std::thread::sleep(Duration::from_millis(1));
            }
            // A shard that panicked has said so; in a release build it has ended the process.
            let _ = thread.join();
        }
        self.stopped.store(true, Ordering::SeqCst);
        drop(threads.desk.take());
        // Also who asked meanwhile shall learn that no answer will come.
        self.pending.clear();
    }

    fn reports(&self) -> super::desk::Reports {
        self.threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .desk
            .as_ref()
            .expect("not stopped")
            .reports()
    }

    fn threads_mut(&mut self) -> &mut Threads {
        self.threads.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn ticket<T>(&self, waiter: impl FnOnce(tokio::sync::oneshot::Sender<T>) -> Waiter) -> (u64, Answer<T>) {
        let ticket = self.next_ticket.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.pending.insert(ticket, waiter(sender));
        (ticket, Answer(receiver))
    }

    /// Posts an order that will be answered; when it can't be, nobody shall wait for the answer.
    fn order(&self, shard: usize, ticket: u64, order: Order) {
        if self.post(shard, order).is_err() || self.stopped.load(Ordering::SeqCst) {
            drop(self.pending.take(ticket));
        }
    }

    fn post(&self, shard: usize, order: Order) -> Result<(), Gone> {
        self.orders[shard].post(order).map_err(|_| Gone)
    }
}

impl Drop for NodeHandle {
    fn drop(&mut self) {
        self.stop();
    }
}
