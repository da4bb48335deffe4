//! What only the kernel can answer: which rings it makes for us, which of their operations it knows, whether it cuts and joins datagrams.
//!
//! Asked with system calls on a host, read from a file (`probe.json`, written by `ringway-tune probe`) for a fixture or another machine. Nothing
//! here waits, and nothing outlives the question.

mod ring;
mod udp;

use serde::{Deserialize, Serialize};

use ring::{Ring, Setup};

/// Operations by their numbers in `linux/io_uring.h`.
pub mod operation {
    /// Those that shards use, with their names.
    pub const NEEDED: [(u8, &str); 9] = [
        (6, "POLL_ADD"),
        (11, "TIMEOUT"),
        (13, "ACCEPT"),
        (14, "ASYNC_CANCEL"),
        (19, "CLOSE"),
        (22, "READ"),
        (23, "WRITE"),
        (26, "SEND"),
        (27, "RECV"),
    ];
    /// Accept a connection.
    pub const ACCEPT: u8 = 13;
    /// Receive from a socket.
    pub const RECV: u8 = 27;
    /// Send without a copy.
    pub const SEND_ZC: u8 = 47;
}

/// What the kernel said to one question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nobody asked, or there was no way to.
    #[default]
    NotAsked,
    /// It does.
    Yes,
    /// It does not; the error number says why.
    Error(i32),
}

/// What the kernel said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Probes {
    /// A plain ring, as Linux 5.1 makes them.
    pub ring: Answer,
    /// A ring with the flags of a shard: `SINGLE_ISSUER` and `DEFER_TASKRUN`.
    pub shard_ring: Answer,
    /// The numbers of the operations that rings know; `None` when nobody asked.
    pub operations: Option<Vec<u8>>,
    /// One accept that yields many connections.
    pub accept_multishot: Answer,
    /// One receive that yields many buffers.
    pub recv_multishot: Answer,
    /// The kernel cuts a train of datagrams for us (`UDP_SEGMENT`).
    pub udp_gso: Answer,
    /// The kernel joins datagrams to a train (`UDP_GRO`).
    pub udp_gro: Answer,
}

impl Probes {
    /// Asks the kernel on which we run.
    #[must_use]
    pub fn ask() -> Self {
        // On a thread of its own: taking a ring down interrupts the system calls of the thread that made it.
        let asked = std::thread::Builder::new().name("probe".into()).spawn(ask_here);
        asked.ok().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }

    /// Reads what `ringway-tune probe` wrote.
    ///
    /// # Errors
    /// A sentence about what is wrong with the text.
    pub fn from_json(text: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|error| error.to_string())
    }

    /// As `ringway-tune probe` writes it.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl<T> From<std::io::Result<T>> for Answer {
    fn from(result: std::io::Result<T>) -> Self {
        match result {
            Ok(_) => Self::Yes,
            Err(error) => error.raw_os_error().map_or(Self::NotAsked, Self::Error),
        }
    }
}

fn ask_here() -> Probes {
    let plain = Ring::new(Setup::PLAIN);
    let mut probes = Probes { udp_gso: udp::gso(), udp_gro: udp::gro(), ..Probes::default() };
    if let Ok(ring) = &plain {
        probes.operations = ring.operations();
        probes.accept_multishot = ring.accepts_in_series();
        probes.recv_multishot = ring.receives_in_series();
    }
    probes.ring = plain.into();
    probes.shard_ring = Ring::new(Setup::SHARD).into();
    probes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_survive_their_file() {
        let probes = Probes::ask();
        assert_eq!(Probes::from_json(probes.to_json().as_bytes()), Ok(probes));
        assert_eq!(Probes::from_json(b"{}"), Ok(Probes::default()));
        assert!(Probes::from_json(b"{\"rings\":1}").is_err());
    }

    #[test]
    fn a_ring_that_can_be_made_is_asked_everything() {
        let probes = Probes::ask();
        if probes.ring == Answer::Yes {
            assert!(probes.operations.expect("asked").contains(&operation::RECV));
            assert_ne!(probes.accept_multishot, Answer::NotAsked);
            assert_ne!(probes.recv_multishot, Answer::NotAsked);
        }
    }
}
