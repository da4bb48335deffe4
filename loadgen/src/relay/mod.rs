//! The relay: a seeded network between two commands, for TCP and UDP alike. Process view.
//!
//! Two network namespaces (`namespace`) hold a TUN device each; the server runs in one and the client in the other
//! (`children`). A thread (`forwarder`) carries every IP packet from one device to the other and does with it what the
//! model says ([`model`]), which is pure: time is an argument, and luck is a function of the seed and the packet's
//! ordinal. The kernel segments before a TUN device, so that each packet has a fate of its own, whatever offloads its
//! sender uses.
//!
//! The relay works on its process's main thread: it blocks signals for all threads that it starts, and its children
//! die with the thread that started them.

mod args;
mod children;
mod flight;
mod forwarder;
pub mod model;
mod namespace;
mod ready;
mod report;
mod sys;

use std::time::{Duration, Instant};

pub use args::RelayArgs;
pub use namespace::{CLIENT, CLIENT_SOURCES, SERVER};
pub use ready::Port;

use self::children::{Process, exit_code};
use self::forwarder::Forwarder;
use self::model::{Direction, Line};
use self::namespace::Namespace;
use self::report::Report;
use self::sys::Signals;
use crate::scenario::RunFault;

/// How often a server is asked whether it is ready.
const READY_EVERY: Duration = Duration::from_millis(10);
/// How often children are looked at even though no signal came.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs the commands through the network and gives back the client's exit code.
///
/// # Errors
/// When the network could not be made, or a command could not be started or did not get ready.
pub fn run(args: &RelayArgs) -> Result<u8, RunFault> {
    let conditions = args.conditions()?;
    let signals = Signals::block()?;
    let (server_side, server_device) = Namespace::create(SERVER, args.mtu)?;
    let (client_side, client_device) = Namespace::create(CLIENT, args.mtu)?;
    let [up, down] = conditions;
    let lines = [Line::new(up, args.seed, Direction::Up), Line::new(down, args.seed, Direction::Down)];
    let began = Instant::now();
    let forwarder = Forwarder::start([client_device, server_device], lines, args.mtu, args.core)?;
    let relay =
        Relay { args, signals, server_side: &server_side, client_side: &client_side, forwarder: &forwarder };
    let code = relay.run();
    let overrun = [client_side.overrun_packets(), server_side.overrun_packets()];
    let outcome =
        forwarder.stop().map_err(|fault| RunFault::Asked(format!("the forwarder failed: {fault}")))?;
    let code = code?;
    let report = Report::new(args, &conditions, &outcome, overrun, began.elapsed());
    report.publish(args.json.as_deref()).map_err(|fault| RunFault::Asked(format!("--json: {fault}")))?;
    Ok(code)
}

/// Both sides while the network is up.
struct Relay<'a> {
    args: &'a RelayArgs,
    signals: Signals,
    server_side: &'a Namespace,
    client_side: &'a Namespace,
    forwarder: &'a Forwarder,
}

impl Relay<'_> {
    /// Starts the server, then the client, and ends them in the other order.
    fn run(&self) -> Result<u8, RunFault> {
        let command = self.args.server.as_deref();
        let mut server = command.map(|command| Process::server(command, self.server_side)).transpose()?;
        let code = match self.await_ready(&mut server)? {
            Some(signal) => 128 + signal as u8,
            None if self.args.client.is_empty() => self.stay_open(),
            None => self.run_client(&mut server)?,
        };
        if let Some(server) = &mut server {
            server.end(libc::SIGTERM, self.args.grace, &self.signals)?;
        }
        Ok(code)
    }

    /// Waits for the server's ports; gives back the signal when the relay was told to end meanwhile.
    fn await_ready(&self, server: &mut Option<Process>) -> Result<Option<i32>, RunFault> {
        let Some(server) = server else { return Ok(None) };
        let began = Instant::now();
        loop {
            let Some(missing) = self.args.ready.iter().find(|port| !port.is_open(server.id())) else {
                return Ok(None);
            };
            if let Some(status) = server.ended()? {
                return Err(RunFault::Asked(format!(
                    "the server ended before it opened {missing}: {status}"
                )));
            }
            if began.elapsed() > self.args.ready_timeout {
                let waited = self.args.ready_timeout;
                return Err(RunFault::Asked(format!("the server did not open {missing} within {waited:?}")));
            }
            if let Some(signal) = self.signals.wait(READY_EVERY) {
                return Ok(Some(signal));
            }
        }
    }

    fn run_client(&self, server: &mut Option<Process>) -> Result<u8, RunFault> {
        let mut client = Process::client(&self.args.client, self.client_side, server.as_ref())?;
        let mut server_runs = server.is_some();
        loop {
            if let Some(status) = client.ended()? {
                return Ok(exit_code(status));
            }
            if server_runs && let Some(status) = server.as_mut().map(Process::ended).transpose()?.flatten() {
                server_runs = false;
                eprintln!("ringway-load: the server ended before the client: {status}");
            }
            let signal = self.signals.wait(LOOK_EVERY).or(self.forwarder.is_over().then_some(libc::SIGTERM));
            if let Some(signal) = signal {
                return Ok(exit_code(client.end(signal, self.args.grace, &self.signals)?));
            }
        }
    }

    /// Without a client: until told to end.
    fn stay_open(&self) -> u8 {
        println!("server side ({SERVER}): nsenter --net={} COMMAND", self.server_side.path());
        println!("client side ({CLIENT}): nsenter --net={} COMMAND", self.client_side.path());
        println!("Ctrl-C ends it.");
        while self.signals.wait(LOOK_EVERY).is_none() && !self.forwarder.is_over() {}
        0
    }
}
