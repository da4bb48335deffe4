//! Building a shard on its own thread.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc;

use ringway_core::{Monotonic, Now, Part, Shard, ShardConfig, ShardId};
use ringway_mesh::Mailbox;
use ringway_protocol::ClusterKey;

use super::clock::Clock;
use super::cluster::{self, Cluster, ClusterSetup};
use super::context::{Context, HANDSHAKES_PER_TURN, Rim, State, times_of};
use super::doorman::Doorman;
use super::exchange::{Exchange, MeshSeat};
use super::fanout::Fanout;
use super::figures::Figures;
use super::flush::Flush;
use super::fuse::Fuse;
use super::orders::CHECKS_PER_TURN;
use super::pump::{self, Pump};
use super::quic::{Quic, QuicSetup};
use super::spin::Spin;
use super::wheel::Wheel;
use crate::frame::WireEncoder;
use crate::node::{FlushChoice, NodeSettings, Order, Reports, RuntimeKind, StartError};
use crate::rt::{self, Bell, Breath, Io, Signal};
use crate::transport::accept::accept;
use crate::transport::admission::Admission;
use crate::transport::listen::Listener;

/// Everything a shard's thread is given.
pub(crate) struct Setup {
    pub(crate) id: ShardId,
    pub(crate) shards: u16,
    pub(crate) core: Option<usize>,
    pub(crate) runtime: RuntimeKind,
    pub(crate) spin_us: u32,
    pub(crate) flush: FlushChoice,
    pub(crate) echo: bool,
    pub(crate) cluster_key: ClusterKey,
    pub(crate) seed: u64,
    pub(crate) settings: NodeSettings,
    pub(crate) listeners: Vec<Listener>,
    /// With UDP sockets, if there are any.
    pub(crate) quic: Option<QuicSetup>,
    /// Its part in a cluster, if there is one.
    pub(crate) cluster: Option<ClusterSetup>,
    pub(crate) seat: MeshSeat,
    pub(crate) orders: Arc<Mailbox<Order, Bell>>,
    /// Every shard's orders, for datagrams that came to the wrong one.
    pub(crate) neighbours: Vec<Arc<Mailbox<Order, Bell>>>,
    pub(crate) reports: Reports,
    pub(crate) ready: mpsc::Sender<Result<(), StartError>>,
}

/// Runs a shard until it is ordered to stop. Tells `ready` once it accepts connections, or why it can't.
pub(crate) fn run(setup: Setup) {
    let _fuse = Fuse;
    let ready = setup.ready.clone();
    if let Some(core) = setup.core
        && let Err(error) = rt::pin_to_core(core)
    {
        let _ = ready.send(Err(StartError::Core(core, error)));
        return;
    }
    let ended = rt::run(setup.runtime, || async move {
        let ready = setup.ready.clone();
        let pump = build(setup)?;
        let _ = ready.send(Ok(()));
        drop(ready);
        pump::run(pump).await;
        io::Result::Ok(())
    });
    if let Err(error) = ended.and_then(|ended| ended) {
        let _ = ready.send(Err(StartError::Runtime(error)));
    }
}

fn build(setup: Setup) -> io::Result<Pump> {
    let Setup { id, shards, settings, cluster_key, seed, .. } = setup;
    let quic = match (setup.quic, &settings.tls) {
        (Some(quic), Some(tls)) => Some(Box::new(Quic::new(quic, id.0 as u8, tls, &times_of(&settings))?)),
        _ => None,
    };
    let route = if setup.cluster.is_some() { Part::UNKNOWN } else { ShardConfig::ALONE };
    let config = ShardConfig { id, shards, key: cluster_key, seed, route };
    let cluster = setup.cluster.map(|cluster| Cluster::new(cluster, id, shards).map(Box::new)).transpose()?;
    let mut core = Shard::new(config, Arc::clone(&settings.core), WireEncoder::default());
    if cluster.is_some() {
        // Nothing may be said before the coordinator was heard.
        core.handle_lease(Now::default(), Monotonic(0));
    }
    let rim = Rim {
        id,
        shards,
        core,
        encoder: WireEncoder::default(),
        clock: Clock::default(),
        times: times_of(&settings),
        frame_bytes_max: settings.core.limits.frame_bytes_max as usize,
        doorman: Doorman::new(&settings.door.tokens, &cluster_key, &settings.core.node, !seed),
        admission: Admission::new(&settings.door, shards),
        wheel: Wheel::new(Clock::monotonic()),
        fired: Vec::new(),
        ready: VecDeque::new(),
        ready_since: Clock::monotonic(),
        tls: settings.tls,
        handshakes_left: HANDSHAKES_PER_TURN,
        handshakes_waiting: VecDeque::new(),
        checks_left: CHECKS_PER_TURN,
        checks_waiting: VecDeque::new(),
        quic_dirty: Vec::new(),
        fanout: Fanout::default(),
        paced: Vec::new(),
        paced_until: None,
        spare: Vec::new(),
        figures: Figures::default(),
        reports: setup.reports,
        cluster,
        echo: setup.echo,
        draining: None,
        drained: false,
        next_serial: 0,
        refusals_untold: 0,
        refusal_told_s: 0,
        door: settings.door,
    };
    let flush = Flush::new(setup.flush, setup.runtime)?;
    let front = Arc::clone(setup.seat.front());
    let ear = Rc::new(front.waker().ear()?);
    let context = Rc::new(Context {
        state: RefCell::new(State::new(rim, flush, quic)),
        pump: Signal::default(),
        front,
    });
    let mut listeners = Vec::with_capacity(setup.listeners.len());
    for listener in setup.listeners {
        let closing = Rc::new(Signal::default());
        let io = Rc::new(Io::new(OwnedFd::from(listener.socket))?);
        rt::spawn(accept(Rc::clone(&context), Rc::clone(&io), listener.tls, Rc::clone(&closing)));
        listeners.push((closing, io));
    }
    let sockets = context.state.borrow().quic.as_ref().map_or(Vec::new(), |quic| quic.sockets().to_vec());
    for (number, socket) in sockets.iter().enumerate() {
        let io = Rc::new(Io::new(OwnedFd::from(socket.try_clone()?))?);
        rt::spawn(super::quic::read(Rc::clone(&context), number, io));
    }
    let sockets = context.state.borrow().rim.cluster.as_ref().map_or(Vec::new(), |cluster| cluster.sockets());
    for (number, socket) in sockets.iter().enumerate() {
        let io = Rc::new(Io::new(OwnedFd::from(socket.try_clone()?))?);
        rt::spawn(cluster::read(Rc::clone(&context), number, io, setup.neighbours.clone()));
    }
    Ok(Pump {
        context,
        exchange: Exchange::new(setup.seat, shards),
        orders: setup.orders,
        ear,
        breath: Breath::new(setup.runtime)?,
        spin: Spin::new(setup.spin_us),
        listeners,
        stopping: None,
    })
}
