//! Listening sockets: one per shard and address, all bound before any shard starts. Node view.
//!
//! `SO_REUSEPORT` lets the kernel spread connections over the shards, and would as silently share the port with another
//! process of the same user, who then steals connections. Hence the trial bind without it first.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::node::{Listen, StartError};

/// The kernel takes a dead process's ring down in its own time, and with it the sockets that were polled there: an
/// address may be taken for a moment after its owner is gone.
const PATIENCE: Duration = Duration::from_millis(600);
const PAUSE: Duration = Duration::from_millis(30);
/// Connections that wait for their accept.
const BACKLOG: i32 = 4096;

/// One listening socket of one shard.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) tls: bool,
}

/// All sockets of a node.
pub(crate) struct Sockets {
    /// In the order of the listeners, with the ports they got.
    pub(crate) addresses: Vec<SocketAddr>,
    /// By shard, one for each listener.
    pub(crate) of_shards: Vec<Vec<Listener>>,
}

/// Binds every address once for each shard.
///
/// # Errors
/// The first address that can't be had.
pub(crate) fn bind(listeners: &[Listen], shards: usize) -> Result<Sockets, StartError> {
    if listeners.is_empty() {
        return Err(StartError::NoListener);
    }
    let mut sockets = Sockets { addresses: Vec::new(), of_shards: (0..shards).map(|_| Vec::new()).collect() };
    for listener in listeners {
        let mut address = listener.address;
        let fault = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => StartError::AddressTaken(listener.address),
            _ => StartError::Listen(listener.address, error),
        };
        if address.port() != 0 {
            try_out(address).map_err(fault)?;
        }
        for of_shard in &mut sockets.of_shards {
            let socket = listening(address, true).map_err(fault)?;
            // The first one may have been given a port; the others take the same.
            address = socket.local_addr().map_err(fault)?;
            of_shard.push(Listener { socket, tls: listener.tls });
        }
        sockets.addresses.push(address);
    }
    Ok(sockets)
}

/// Whether the address can be had for oneself. Bound, but never listening: nobody may take the trial for the node.
fn try_out(address: SocketAddr) -> io::Result<()> {
    soon(|| bound(address, false)).map(drop)
}

/// Binds, if need be when whoever had the address has gone.
///
/// # Errors
/// Why it can't be had; of one that is taken, after a moment.
pub(crate) fn soon<T>(bind: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let mut patience = PATIENCE;
    loop {
        match bind() {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && !patience.is_zero() => {
                std::thread::sleep(PAUSE);
                patience = patience.saturating_sub(PAUSE);
            }
            other => return other,
        }
    }
}

fn listening(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = bound(address, shared)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Only lets a restart bind while old connections linger; two listeners are still refused.
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // Accepting is done without waiting, after readiness was told.
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback(port: u16) -> Listen {
        Listen { address: SocketAddr::from(([127, 0, 0, 1], port)), tls: false }
    }

    #[test]
    fn every_shard_gets_a_socket_on_the_same_free_port() {
        let sockets = bind(&[loopback(0), loopback(0)], 3).unwrap();
        assert_eq!(sockets.addresses.len(), 2);
        for of_shard in &sockets.of_shards {
            for (listener, address) in of_shard.iter().zip(&sockets.addresses) {
                assert_eq!(listener.socket.local_addr().unwrap(), *address);
            }
        }
    }

    #[test]
    fn a_port_that_another_process_listens_on_is_refused_even_if_it_shares_ports() {
        for shared in [false, true] {
            let other = listening(SocketAddr::from(([127, 0, 0, 1], 0)), shared).unwrap();
            let taken = other.local_addr().unwrap();
            let result = bind(&[loopback(taken.port())], 2);
            assert!(matches!(result, Err(StartError::AddressTaken(address)) if address == taken));
        }
    }

    #[test]
    fn an_address_that_is_about_to_be_free_is_waited_for() {
        let other = listening(SocketAddr::from(([127, 0, 0, 1], 0)), false).unwrap();
        let address = other.local_addr().unwrap();
        let leaving = std::thread::spawn(move || {
            std::thread::sleep(PAUSE);
            drop(other);
        });
        bind(&[loopback(address.port())], 1).unwrap();
        leaving.join().unwrap();
    }

    #[test]
    fn the_trial_takes_no_connection() {
        let free = listening(SocketAddr::from(([127, 0, 0, 1], 0)), false).unwrap().local_addr().unwrap();
        let trial = bound(free, false).unwrap();
        assert!(std::net::TcpStream::connect(free).is_err());
        drop(trial);
    }

    #[test]
    fn an_address_of_another_machine_is_refused_as_such() {
        let listen = Listen { address: "192.0.2.1:0".parse().unwrap(), tls: false };
        assert!(matches!(bind(&[listen], 1), Err(StartError::Listen(..))));
    }
}
