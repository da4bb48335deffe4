//! A network namespace with a TUN device in it, held by file descriptors alone: nothing has a name that could be left
//! behind, and the kernel takes all of it away with the last process that uses it, however that ends.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;

use super::sys::{self, InterfaceSetting};
use crate::scenario::RunFault;

/// Where the server is.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
/// Where the client is.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);
/// The first of the client's further addresses: all 254 of this /24 are its own.
pub const CLIENT_SOURCES: Ipv4Addr = Ipv4Addr::new(10, 99, 1, 1);

const DEVICE: &str = "ringway0";
const TUN: &str = "/dev/net/tun";
/// Covers all of the above, so that neither side needs a route.
const NETMASK: Ipv4Addr = Ipv4Addr::new(255, 255, 0, 0);
const SOURCES_NETMASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);
/// What the kernel keeps for the forwarder to read. More than it would by itself: a burst must wait, not be lost.
const QUEUE_PACKETS: u32 = 10_000;

/// One side of the network.
pub(super) struct Namespace {
    namespace: OwnedFd,
}

impl Namespace {
    /// Makes a namespace with an address of ours, and the end of its device that packets come out of and go into.
    pub(super) fn create(address: Ipv4Addr, mtu_bytes: u32) -> Result<(Self, File), RunFault> {
        // The namespace is of the thread that makes it; descriptors hold it when the thread is gone.
        thread::scope(|scope| scope.spawn(|| create_here(address, mtu_bytes)).join())
            .expect("making a namespace does not panic")
    }

    /// Another handle, for a child that shall live in it.
    pub(super) fn handle(&self) -> io::Result<OwnedFd> {
        self.namespace.try_clone()
    }

    /// What `nsenter --net=` takes.
    pub(super) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.namespace.as_raw_fd())
    }

    /// Packets that the kernel dropped because the forwarder did not read them in time.
    pub(super) fn overrun_packets(&self) -> Option<u64> {
        let table = thread::scope(|scope| {
            let read = || {
                sys::enter_network(self.namespace.as_fd())?;
                fs::read_to_string("/proc/thread-self/net/dev")
            };
            scope.spawn(read).join().ok()?.ok()
        })?;
        let line = table.lines().find_map(|line| line.trim().strip_prefix(DEVICE)?.strip_prefix(':'))?;
        // Eight columns of what was received, then bytes, packets, errors and drops of what was sent.
        line.split_ascii_whitespace().nth(11)?.parse().ok()
    }
}

fn create_here(address: Ipv4Addr, mtu_bytes: u32) -> Result<(Namespace, File), RunFault> {
    sys::leave_network().map_err(|fault| {
        RunFault::Asked(format!(
            "no network namespace ({fault}): the relay needs CAP_SYS_ADMIN and CAP_NET_ADMIN: run it as root"
        ))
    })?;
    let namespace = File::open("/proc/thread-self/ns/net")?.into();
    let device = open_tun()?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let set = |name, setting| {
        sys::set_interface(&socket, name, setting)
            .map_err(|fault| RunFault::Asked(format!("{name}: {setting:?} was refused: {fault}")))
    };
    set("lo", InterfaceSetting::Up)?;
    if address == CLIENT {
        // Every address of a network on the loopback is local.
        set("lo:1", InterfaceSetting::Address(CLIENT_SOURCES))?;
        set("lo:1", InterfaceSetting::Netmask(SOURCES_NETMASK))?;
    }
    set(DEVICE, InterfaceSetting::Address(address))?;
    set(DEVICE, InterfaceSetting::Netmask(NETMASK))?;
    set(DEVICE, InterfaceSetting::MtuBytes(mtu_bytes))?;
    set(DEVICE, InterfaceSetting::QueuePackets(QUEUE_PACKETS))?;
    set(DEVICE, InterfaceSetting::Up)?;
    Ok((Namespace { namespace }, device))
}

fn open_tun() -> Result<File, RunFault> {
    let device = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(TUN);
    let device = device.map_err(|fault| {
        let mend = if Path::new(TUN).exists() {
            "run it as root; in a container, allow the device"
        } else {
            "load the module `tun`; in a container, pass the device in"
        };
        RunFault::Asked(format!("the relay needs {TUN} ({fault}): {mend}"))
    })?;
    sys::attach_tun(&device, DEVICE).map_err(|fault| {
        RunFault::Asked(format!("no TUN device ({fault}): the relay needs CAP_NET_ADMIN: run it as root"))
    })?;
    Ok(device)
}
