//! The relay's arguments as typed, and the network that they ask for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::model::{Conditions, Loss, Rate};
use super::ready::Port;
use crate::args::duration;
use crate::scenario::RunFault;

const EXAMPLES: &str = "\
Examples:
  # 80 ms and 5 % loss in bursts of 4, both ways (docs/load.md has a relay.toml)
  ringway-load relay --rtt 80ms --loss 5 --burst 4 \\
    --server 'exec ringway serve -c relay.toml' --ready tcp:7400,udp:7400 -- \\
    ringway-load fanout --url wss://10.99.0.1:7400/v1 --insecure --subscribers 50

  # A phone: 256 kbit/s down behind a second of queue, and jitter
  ringway-load relay --rtt 60ms --jitter 5ms --down-rate-kbit 256 --queue 32768 -- sh

Both commands find the server's address in RINGWAY_RELAY_SERVER, the client its process in RINGWAY_RELAY_SERVER_PID.";

/// `relay`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub struct RelayArgs {
    /// How long a packet and its answer are under way, half of it each.
    #[arg(long, default_value = "0ms", value_parser = duration, value_name = "TIME")]
    pub rtt: Duration,
    /// Up to so much longer, each packet for itself; a late one holds up those behind it.
    #[arg(long, default_value = "0ms", value_parser = duration, value_name = "TIME")]
    pub jitter: Duration,
    /// Let jitter put packets out of order.
    #[arg(long, requires = "jitter")]
    pub reorder: bool,
    /// So many of a hundred packets are lost, in each direction.
    #[arg(long, default_value_t = 0.0, value_name = "PERCENT")]
    pub loss: f64,
    /// Instead of --loss, from the client to the server.
    #[arg(long, value_name = "PERCENT")]
    pub up_loss: Option<f64>,
    /// Instead of --loss, from the server to the client.
    #[arg(long, value_name = "PERCENT")]
    pub down_loss: Option<f64>,
    /// Lose as many, but in runs of so many packets on average.
    #[arg(long, value_name = "PACKETS")]
    pub burst: Option<f64>,
    /// Lose so much of the time instead, in spells of this length on average in which nothing passes.
    #[arg(long, value_parser = duration, value_name = "TIME", conflicts_with = "burst")]
    pub spell: Option<Duration>,
    /// The line's rate in each direction; without one it is as fast as this host.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..), value_name = "KBIT")]
    pub rate_kbit: Option<u32>,
    /// Instead of --rate-kbit, from the client to the server.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..), value_name = "KBIT")]
    pub up_rate_kbit: Option<u32>,
    /// Instead of --rate-kbit, from the server to the client.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..), value_name = "KBIT")]
    pub down_rate_kbit: Option<u32>,
    /// What may wait for the rate; more is dropped. By default what it carries in 200 ms, and at least 10 packets.
    #[arg(long, value_name = "BYTES")]
    pub queue: Option<u32>,
    /// The largest packet, with its IP header.
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u32).range(576..=9216), value_name = "BYTES")]
    pub mtu: u32,
    /// What chance is made of: the same seed loses the same packets.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// The server, as a line for `sh`; its output goes to standard error. With `exec` before the command, the process is
    /// the server's own and not the shell's.
    #[arg(long, value_name = "COMMAND")]
    pub server: Option<String>,
    /// Start the client when the server has opened these ports: tcp:7400,udp:7400.
    #[arg(long, value_delimiter = ',', value_name = "PORTS", requires = "server")]
    pub ready: Vec<Port>,
    /// How long the server may take for that.
    #[arg(long, default_value = "10s", value_parser = duration, value_name = "TIME")]
    pub ready_timeout: Duration,
    /// How long either command may take to end when told to; then it is killed.
    #[arg(long, default_value = "5s", value_parser = duration, value_name = "TIME")]
    pub grace: Duration,
    /// Pin the forwarder to this core.
    #[arg(long, value_name = "CORE")]
    pub core: Option<usize>,
    /// Write what happened here as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// The client and its arguments.
    #[arg(last = true, value_name = "CLIENT")]
    pub client: Vec<String>,
}

impl RelayArgs {
    /// What packets meet on their way up and on their way down.
    ///
    /// # Errors
    /// When there is no such network.
    pub fn conditions(&self) -> Result<[Conditions; 2], RunFault> {
        let one = |loss: Option<f64>, rate_kbit: Option<u32>| -> Result<Conditions, RunFault> {
            let share = loss.unwrap_or(self.loss) / 100.0;
            let loss = match (self.burst, self.spell) {
                (Some(burst), _) => Loss::bursts(share, burst),
                (None, Some(spell)) => Loss::spells(share, spell),
                (None, None) => Loss::independent(share),
            };
            Ok(Conditions {
                delay: self.rtt / 2,
                jitter: self.jitter,
                reorder: self.reorder,
                loss: loss.map_err(|fault| RunFault::Asked(fault.to_string()))?,
                rate: rate_kbit.or(self.rate_kbit).map(|kbit| self.rate(kbit)).transpose()?,
            })
        };
        Ok([one(self.up_loss, self.up_rate_kbit)?, one(self.down_loss, self.down_rate_kbit)?])
    }

    fn rate(&self, kbit: u32) -> Result<Rate, RunFault> {
        let queue_bytes = self.queue.unwrap_or_else(|| (kbit.saturating_mul(25)).max(10 * self.mtu));
        if queue_bytes < self.mtu {
            let mtu = self.mtu;
            return Err(RunFault::Asked(format!("--queue {queue_bytes}: not even one packet of {mtu} fits")));
        }
        Ok(Rate { kbit, queue_bytes })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Task};

    fn conditions(flags: &str) -> Result<[Conditions; 2], RunFault> {
        let words = ["ringway-load", "relay"].into_iter().chain(flags.split_ascii_whitespace());
        let Task::Relay(args) = Args::try_parse_from(words).expect("good flags").task else {
            panic!("not the relay")
        };
        args.conditions()
    }

    #[test]
    fn one_value_holds_for_both_directions_unless_one_has_its_own() {
        let [up, down] = conditions("--rtt 80ms --loss 5 --down-loss 1 --rate-kbit 256").unwrap();
        assert_eq!((up.delay, down.delay), (Duration::from_millis(40), Duration::from_millis(40)));
        assert_eq!(up.loss, Loss::independent(0.05).unwrap());
        assert_eq!(down.loss, Loss::independent(0.01).unwrap());
        assert_eq!(up.rate, Some(Rate { kbit: 256, queue_bytes: 15_000 }));
        let [up, down] = conditions("--down-rate-kbit 8000").unwrap();
        assert_eq!((up.rate, down.rate), (None, Some(Rate { kbit: 8_000, queue_bytes: 200_000 })));
    }

    #[test]
    fn networks_that_cannot_be_are_refused() {
        assert!(conditions("--loss 101").is_err());
        assert!(conditions("--loss 90 --burst 2").is_err());
        assert!(conditions("--loss 5 --spell 10us").is_err());
        assert!(conditions("--rate-kbit 256 --queue 1000").is_err());
    }
}
