//! All connections of one thread behind one epoll: connect, upgrade, read, decode, write. Thread view.
//!
//! Level-triggered, one `recv` per readiness into one scratch buffer of 256 KiB that all connections share; messages,
//! or the bytes of a connection that is no WebSocket, reach the [`Handler`] as slices of it. What a handler puts into
//! [`Out`] is written once after its batch. Nothing is spawned, nothing blocks but [`Fleet::poll`].

use std::io::{self, ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::time::Duration;

use ringway_protocol::websocket::Item;
use ringway_protocol::websocket::handshake::ClientHandshake;

use super::framing::Framing;
use super::sys::{Epoll, Interest};
use super::transport::Transport;
use super::{Ending, Nanos, Out, Target};

/// Bytes that one `recv` may give.
pub const SCRATCH_BYTES: usize = 256 * 1024;
/// Events taken from the kernel at once: a caller's schedule waits no longer than these take.
const EVENTS_MAX: usize = 256;

/// A connection of this thread; reused after the connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

/// What a scenario does with its connections. `now` is read once per batch of bytes.
pub trait Handler {
    /// The upgrade is done or, where there is none, the server's first bytes came; `took` from the first packet on.
    fn handle_open(&mut self, now: Nanos, link: LinkId, took: Duration, out: &mut Out);

    /// A message; control frames are answered by the fleet.
    fn handle_item(&mut self, now: Nanos, link: LinkId, item: Item<'_>, out: &mut Out);

    /// What came on a bare connection, wherever the network cut it.
    fn handle_bytes(&mut self, _now: Nanos, _link: LinkId, _bytes: &[u8], _out: &mut Out) {}

    /// The connection is gone; the id may come again.
    fn handle_end(&mut self, now: Nanos, link: LinkId, ending: &Ending);
}

enum Stage {
    /// With the upgrade that follows, if there is one.
    Connecting(Option<Box<ClientHandshake>>),
    Upgrading(Box<(ClientHandshake, Vec<u8>)>),
    /// A bare connection on which nothing came yet.
    Greeting,
    Open,
}

struct Link {
    transport: Transport,
    stage: Stage,
    framing: Framing,
    out: Out,
    started: Nanos,
    interest: Interest,
}

/// All connections of one thread.
pub struct Fleet {
    epoll: Epoll,
    links: Vec<Slot>,
    free: Vec<u32>,
    scratch: Vec<u8>,
    opened_in_all: u32,
    open: usize,
    received_bytes: u64,
    nonce: u64,
}

#[derive(Default)]
struct Slot {
    link: Option<Link>,
    reuse: u32,
}

impl Fleet {
    /// An empty fleet; `first` is the number of its first connection over all threads, which picks source addresses.
    ///
    /// # Errors
    /// When the kernel gives no epoll.
    pub fn new(first: u32) -> io::Result<Self> {
        Ok(Self {
            epoll: Epoll::new(EVENTS_MAX)?,
            links: Vec::new(),
            free: Vec::new(),
            scratch: vec![0; SCRATCH_BYTES],
            opened_in_all: first,
            open: 0,
            received_bytes: 0,
            nonce: Nanos::now().0 | 1,
        })
    }

    /// Connections that exist, open or on their way.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.open
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// Bytes received in all.
    #[must_use]
    pub const fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// Begins a connection with an upgrade to WebSocket.
    ///
    /// # Errors
    /// When the system has no socket, port or memory for it.
    pub fn open(&mut self, target: &Target, subprotocols: &[&str]) -> io::Result<LinkId> {
        self.open_path(target, &target.path, subprotocols)
    }

    /// The same at another path than the target's.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_path(&mut self, target: &Target, path: &str, subprotocols: &[&str]) -> io::Result<LinkId> {
        let mut handshake = ClientHandshake::new(self.nonce());
        let mut out = Out::default();
        handshake.write_request(&target.host, path, subprotocols, &[], out.raw());
        self.begin(target, Some(Box::new(handshake)), Framing::web_socket(), out)
    }

    /// Begins a connection without an upgrade: the greeting is what is said first.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_bare(&mut self, target: &Target, greeting: Out) -> io::Result<LinkId> {
        self.begin(target, None, Framing::Bare, greeting)
    }

    fn begin(
        &mut self,
        target: &Target,
        upgrade: Option<Box<ClientHandshake>>,
        framing: Framing,
        out: Out,
    ) -> io::Result<LinkId> {
        let transport = Transport::connect(target, self.opened_in_all)?;
        self.opened_in_all = self.opened_in_all.wrapping_add(1);
        let index = self.free.pop().unwrap_or(self.links.len() as u32);
        if index as usize == self.links.len() {
            self.links.push(Slot::default());
        }
        let slot = &mut self.links[index as usize];
        slot.reuse = slot.reuse.wrapping_add(1);
        // Readable comes with the answer to what was said first at the earliest.
        let interest = Interest { read: true, write: true };
        self.epoll.add(transport.as_raw_fd(), key(index, slot.reuse), interest)?;
        slot.link = Some(Link {
            transport,
            stage: Stage::Connecting(upgrade),
            framing,
            out,
            started: Nanos::now(),
            interest,
        });
        self.open += 1;
        Ok(LinkId(index))
    }

    /// Waits at most so long (`None`: for ever), then handles everything that is ready now.
    ///
    /// # Errors
    /// When the kernel's readiness call fails: the run can't go on.
    pub fn poll(&mut self, timeout: Option<Duration>, handler: &mut impl Handler) -> io::Result<usize> {
        self.epoll.wait(timeout)?;
        let count = self.epoll.count();
        for index in 0..count {
            let Some(ready) = self.epoll.ready(index) else { break };
            let (at, reuse) = (ready.key as u32, (ready.key >> 32) as u32);
            let Some(slot) = self.links.get_mut(at as usize).filter(|slot| slot.reuse == reuse) else {
                continue;
            };
            let Some(link) = &mut slot.link else { continue };
            let result =
                serve(link, &mut self.scratch, &mut self.received_bytes, LinkId(at), ready.read, handler);
            let result = result.and_then(|()| arm(&self.epoll, link, ready.key));
            if let Err(ending) = result {
                self.drop_link(LinkId(at), &ending, handler);
            }
        }
        Ok(count)
    }

    /// Lets a caller add messages to a connection outside of its batch; call [`Fleet::flush`] after it.
    pub fn out(&mut self, link: LinkId) -> Option<&mut Out> {
        self.links.get_mut(link.0 as usize)?.link.as_mut().map(|link| &mut link.out)
    }

    /// Writes what waits on a connection.
    pub fn flush(&mut self, id: LinkId, handler: &mut impl Handler) {
        let Some(slot) = self.links.get_mut(id.0 as usize) else { return };
        let Some(link) = slot.link.as_mut().filter(|link| matches!(link.stage, Stage::Open)) else { return };
        if let Err(ending) = arm(&self.epoll, link, key(id.0, slot.reuse)) {
            self.drop_link(id, &ending, handler);
        }
    }

    /// Stops or resumes reading from a connection; its receive window fills up meanwhile.
    pub fn read_from(&mut self, id: LinkId, read: bool) {
        let Some(slot) = self.links.get_mut(id.0 as usize) else { return };
        let Some(link) = slot.link.as_mut() else { return };
        link.interest.read = read;
        let _ = self.epoll.modify(link.transport.as_raw_fd(), key(id.0, slot.reuse), link.interest);
    }

    /// Reads at most so many bytes from a connection now, whether or not it is watched.
    pub fn read_some(&mut self, id: LinkId, bytes_max: usize, handler: &mut impl Handler) {
        let Some(slot) = self.links.get_mut(id.0 as usize) else { return };
        let Some(link) = slot.link.as_mut() else { return };
        let bytes_max = bytes_max.min(self.scratch.len());
        let scratch = &mut self.scratch[..bytes_max];
        let result = read(link, scratch, &mut self.received_bytes, id, handler);
        let result = result.and_then(|_| arm(&self.epoll, link, key(id.0, slot.reuse)));
        if let Err(ending) = result {
            self.drop_link(id, &ending, handler);
        }
    }

    /// Ends a connection: in order, over WebSocket with a close frame, if there is a code, else by a reset. The handler
    /// is told.
    pub fn close(&mut self, id: LinkId, code: Option<u16>, handler: &mut impl Handler) {
        let Some(link) = self.links.get_mut(id.0 as usize).and_then(|slot| slot.link.as_mut()) else {
            return;
        };
        match code {
            Some(code) if matches!(link.stage, Stage::Open) => {
                if matches!(link.framing, Framing::WebSocket(_)) {
                    link.out.close(code);
                }
                let _ = link.out.flush(&mut link.transport);
            }
            _ => link.transport.reset_on_close(),
        }
        self.drop_link(id, &Ending::Ended, handler);
    }

    fn drop_link(&mut self, id: LinkId, ending: &Ending, handler: &mut impl Handler) {
        if let Some(slot) = self.links.get_mut(id.0 as usize)
            && slot.link.take().is_some()
        {
            self.free.push(id.0);
            self.open -= 1;
            handler.handle_end(Nanos::now(), id, ending);
        }
    }

    fn nonce(&mut self) -> [u8; 16] {
        self.nonce ^= self.nonce << 13;
        self.nonce ^= self.nonce >> 7;
        self.nonce ^= self.nonce << 17;
        let low = self.nonce.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (u128::from(self.nonce) << 64 | u128::from(low)).to_le_bytes()
    }
}

const fn key(index: u32, reuse: u32) -> u64 {
    (reuse as u64) << 32 | index as u64
}

/// Writes what waits and watches for exactly what is needed next.
fn arm(epoll: &Epoll, link: &mut Link, key: u64) -> Result<(), Ending> {
    if matches!(link.stage, Stage::Connecting(_)) {
        return Ok(());
    }
    let done = link.out.flush(&mut link.transport).map_err(|fault| ended(link, &fault.to_string()))?;
    let interest = Interest { write: !done || link.transport.wants_write(), ..link.interest };
    if interest != link.interest {
        let modified = epoll.modify(link.transport.as_raw_fd(), key, interest);
        modified.map_err(|fault| ended(link, &fault.to_string()))?;
        link.interest = interest;
    }
    Ok(())
}

fn serve(
    link: &mut Link,
    scratch: &mut [u8],
    received: &mut u64,
    id: LinkId,
    readable: bool,
    handler: &mut impl Handler,
) -> Result<(), Ending> {
    if let Stage::Connecting(upgrade) = &mut link.stage {
        if let Some(fault) = link.transport.fault() {
            return Err(Ending::NotOpened(fault.to_string()));
        }
        link.stage = match upgrade.take() {
            Some(handshake) => Stage::Upgrading(Box::new((*handshake, Vec::new()))),
            None => Stage::Greeting,
        };
        return Ok(());
    }
    if !readable {
        return Ok(());
    }
    loop {
        let bytes = read(link, scratch, received, id, handler)?;
        if bytes == 0 || !(link.transport.buffers() || bytes == scratch.len()) {
            return Ok(());
        }
    }
}

/// One `recv` and everything in it; 0 when nothing was there.
fn read(
    link: &mut Link,
    scratch: &mut [u8],
    received: &mut u64,
    id: LinkId,
    handler: &mut impl Handler,
) -> Result<usize, Ending> {
    let bytes = match link.transport.read(scratch) {
        Ok(0) => return Err(ended(link, "the server closed the connection")),
        Ok(bytes) => bytes,
        Err(fault) if matches!(fault.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return Ok(0),
        Err(fault) => return Err(ended(link, &fault.to_string())),
    };
    *received += bytes as u64;
    let now = Nanos::now();
    let mut input = &mut scratch[..bytes];
    let mut early;
    if let Stage::Upgrading(upgrade) = &mut link.stage {
        let (handshake, head) = &mut **upgrade;
        head.extend_from_slice(input);
        match handshake.handle_response(head) {
            Ok(None) => return Ok(bytes),
            Ok(Some(accepted)) => {
                early = head.split_off(accepted.consumed);
                link.stage = Stage::Open;
                handler.handle_open(now, id, now.since(link.started), &mut link.out);
            }
            Err(fault) => return Err(Ending::NotOpened(fault.to_string())),
        }
        input = &mut early;
    } else if matches!(link.stage, Stage::Greeting) {
        link.stage = Stage::Open;
        handler.handle_open(now, id, now.since(link.started), &mut link.out);
    }
    let Link { framing, out, transport, .. } = link;
    framing.handle(input, (now, id), out, transport, handler)?;
    Ok(bytes)
}

/// How an ending counts: before the server said something, the connection never came to be.
fn ended(link: &Link, text: &str) -> Ending {
    match link.stage {
        Stage::Open => Ending::Broken(text.to_owned()),
        _ => Ending::NotOpened(text.to_owned()),
    }
}
