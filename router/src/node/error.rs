//! Why a node did not start: each one clear line that says what, where and how to mend it. The process exits 2.

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// Why a node did not start.
#[derive(Debug)]
pub enum StartError {
    /// The plan has no shard, or more than can be numbered.
    Shards(usize),
    /// The plan lists no address to listen on.
    NoListener,
    /// Another process listens on this address.
    AddressTaken(SocketAddr),
    /// The address can't be listened on.
    Listen(SocketAddr, io::Error),
    /// A listener wants TLS and the settings have none.
    TlsMissing(SocketAddr),
    /// io_uring was asked for and is not to be had.
    IoUring(io::Error),
    /// Neither io_uring nor epoll can be had.
    Runtime(io::Error),
    /// The shard can't run on this CPU.
    Core(usize, io::Error),
    /// The thread of a shard could not be made.
    Thread(io::Error),
    /// The operating system gives no random bytes.
    Entropy(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shards(count) => write!(formatter, "{count} shards can't be started: give 1 to 256"),
            Self::NoListener => {
                write!(formatter, "there is no address to listen on: give at least one listener")
            }
            Self::AddressTaken(address) => write!(
                formatter,
                "can't listen on {address}: another process already does; stop it (`ss -ltnp` names it) or choose another port"
            ),
            Self::Listen(address, error) => {
                write!(
                    formatter,
                    "can't listen on {address}: {error}; check that the address is this machine's"
                )
            }
            Self::TlsMissing(address) => {
                write!(formatter, "the listener on {address} wants TLS: give it a certificate and a key")
            }
            Self::IoUring(error) => write!(
                formatter,
                "io_uring is not available here: {error}; needs Linux 6.1, kernel.io_uring_disabled=0 and a seccomp profile that lets io_uring_setup through, or set runtime = \"epoll\""
            ),
            Self::Runtime(error) if error.kind() == io::ErrorKind::OutOfMemory => write!(
                formatter,
                "the shards' event loop can't be made: io_uring finds too little locked memory: raise the limit \
                 (`ulimit -l`, LimitMEMLOCK= of systemd), run fewer shards, or set node.runtime = \"epoll\""
            ),
            Self::Runtime(error) => write!(formatter, "the shards' event loop can't be made: {error}"),
            Self::Core(core, error) => {
                write!(
                    formatter,
                    "can't run a shard on CPU {core}: {error}; `taskset -p $$` shows which CPUs are allowed"
                )
            }
            Self::Thread(error) => write!(formatter, "can't start a shard's thread: {error}"),
            Self::Entropy(error) => write!(formatter, "the operating system gives no random bytes: {error}"),
        }
    }
}

impl std::error::Error for StartError {}
