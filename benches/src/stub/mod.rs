//! A server that costs next to nothing: what a load generator can do at best, and whether it reports what was.
//!
//! It upgrades WebSocket connections, plays one room in the binary format (whoever joins gets every publication; what came in one read leaves in
//! one write for each member), and echoes on `/echo`. It can hold each delivery for a programmed time or stand still once, and writes down what
//! it knows of its own deliveries. One thread, one epoll; not a server for anything else.

mod link;
mod room;
mod schedule;
mod server;
mod truth;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::cpu;
use schedule::{Delay, Stall, duration};
use server::{Programme, Server};

/// Where to listen, and what to do to deliveries.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to listen; port 0 takes one that is free
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Core to run on
    #[arg(long)]
    core: Option<usize>,
    /// Never sleep
    #[arg(long)]
    spin: bool,
    /// How long each delivery waits after its publication arrived: 5ms, or uniform:1ms..9ms, drawn for each
    ///
    /// The order of a member's deliveries is kept: let publications come further apart than the bounds, or one waits for the other.
    #[arg(long)]
    delay: Option<Delay>,
    /// Stand still once for so long
    #[arg(long, value_parser = duration, requires = "stall_at")]
    stall: Option<Duration>,
    /// So long after the first publication
    #[arg(long, value_parser = duration, requires = "stall")]
    stall_at: Option<Duration>,
    /// What draws depend on
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write here at the end (SIGTERM), as JSON, how late deliveries left
    ///
    /// Percentiles of the time from the intended moment in each body's stamp to the return of the write that sent it, both by CLOCK_MONOTONIC.
    #[arg(long)]
    log: Option<PathBuf>,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// If sockets can't be had, too many deliveries wait, or the log can't be written.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    if let Some(core) = options.core {
        cpu::pin(core)?;
    }
    cpu::raise_open_files()?;
    end_by_signal();
    let listener = TcpListener::bind(options.listen)?;
    println!("listening on {}, pid {}", listener.local_addr()?, std::process::id());
    let stall = options.stall.zip(options.stall_at).map(|(length, at)| Stall { at, length });
    let programme = Programme { delay: options.delay, stall, seed: options.seed, spin: options.spin };
    let mut server = Server::new(listener, programme)?;
    let result = server.run(|| OVER.load(Ordering::Relaxed));
    match &options.log {
        Some(path) => server.truth.write(path).and(result),
        None => result,
    }
}

static OVER: AtomicBool = AtomicBool::new(false);

extern "C" fn end(_signal: libc::c_int) {
    OVER.store(true, Ordering::Relaxed);
}

fn end_by_signal() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let handler: extern "C" fn(libc::c_int) = end;
        // SAFETY: the handler only stores into an atomic, which is allowed at any moment.
        unsafe { libc::signal(signal, handler as *const () as libc::sighandler_t) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringway_protocol::codec::{BinaryEncoder, binary, frames};
    use ringway_protocol::command::{Hello, Join, Publish};
    use ringway_protocol::websocket::handshake::{ClientHandshake, SUBPROTOCOL_BINARY};
    use ringway_protocol::websocket::{Decoder, Item, Opcode, Role, write_frame_masked};
    use ringway_protocol::{Body, BodyKind, Command, Event, Lane, RequestId, RoomName};
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::sync::Arc;

    const KEY: [u8; 4] = [1, 2, 3, 4];

    /// A stub on a thread of its own, for as long as this lives.
    struct Running {
        address: SocketAddr,
        over: Arc<AtomicBool>,
        thread: Option<std::thread::JoinHandle<u64>>,
    }

    impl Running {
        fn with(delay: Option<Delay>) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let (address, over) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
            let flag = over.clone();
            let thread = std::thread::spawn(move || {
                let programme = Programme { delay, stall: None, seed: 1, spin: false };
                let mut server = Server::new(listener, programme).unwrap();
                server.run(|| flag.load(Ordering::Relaxed)).unwrap();
                server.truth.deliveries
            });
            Self { address, over, thread: Some(thread) }
        }

        /// How many deliveries there were.
        fn end(mut self) -> u64 {
            self.over.store(true, Ordering::Relaxed);
            self.thread.take().unwrap().join().unwrap()
        }
    }

    struct Client {
        stream: TcpStream,
        received: Vec<u8>,
        decoder: Decoder,
    }

    impl Client {
        fn connect(address: SocketAddr, path: &str) -> Self {
            let mut stream = TcpStream::connect(address).unwrap();
            let (mut request, mut response) = (Vec::new(), Vec::new());
            let mut handshake = ClientHandshake::new([7; 16]);
            handshake.write_request("stub", path, &[SUBPROTOCOL_BINARY], &[], &mut request);
            stream.write_all(&request).unwrap();
            let accepted = loop {
                let mut piece = [0; 4_096];
                let count = stream.read(&mut piece).unwrap();
                response.extend_from_slice(&piece[..count]);
                if let Some(accepted) = handshake.handle_response(&response).unwrap() {
                    break accepted;
                }
            };
            let received = response.split_off(accepted.consumed);
            Self { stream, received, decoder: Decoder::new(Role::Client, 1 << 20) }
        }

        fn send(&mut self, payload: &[u8]) {
            let mut wire = Vec::new();
            write_frame_masked(&mut wire, Opcode::Binary, payload, KEY);
            self.stream.write_all(&wire).unwrap();
        }

        fn ask(&mut self, command: &Command<'_>) {
            self.send(BinaryEncoder::new().command(command));
        }

        fn next(&mut self) -> Vec<u8> {
            loop {
                let decoded = self.decoder.decode(&mut self.received).unwrap();
                let (consumed, item) = (decoded.consumed, decoded.item);
                let message = match item {
                    Some(Item::Binary(message)) => Some(message.to_vec()),
                    Some(other) => panic!("{other:?}"),
                    None => None,
                };
                self.received.drain(..consumed);
                if let Some(message) = message {
                    return message;
                }
                let mut piece = [0; 4_096];
                let count = self.stream.read(&mut piece).unwrap();
                assert!(count > 0, "the stub closed the connection");
                self.received.extend_from_slice(&piece[..count]);
            }
        }
    }

    fn play(delay: Option<Delay>) {
        let stub = Running::with(delay);
        let mut client = Client::connect(stub.address, "/v1");
        client.ask(&Command::Hello(Hello { protocol: 1, ..Hello::default() }));
        assert!(matches!(binary::decode_event(&client.next()).unwrap(), Event::Welcome(_)));
        let room = RoomName::new("room").unwrap();
        let id = RequestId::new(1);
        let (versions, since) = (Vec::new(), None);
        client.ask(&Command::Join(Join { id, room, since, versions, presence: false, stream: false }));
        assert!(matches!(binary::decode_event(&client.next()).unwrap(), Event::Joined(_)));
        let publish = |bytes| {
            Command::Publish(Publish {
                id: None,
                room,
                body: Body { kind: BodyKind::Bytes, bytes },
                lane: Lane::Reliable,
                key: None,
                msg_id: None,
                retry: None,
                echo: true,
            })
        };
        let mut encoder = BinaryEncoder::new();
        let both = [encoder.command(&publish(b"one")).to_vec(), encoder.command(&publish(b"two")).to_vec()];
        client.send(&both.concat());
        let message = client.next();
        let bodies: Vec<_> = frames(&message, 1 << 20)
            .map(|frame| match binary::decode_event(frame.unwrap()).unwrap() {
                Event::Message(message) => message.body.bytes.to_vec(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(bodies, [b"one", b"two"], "what came in one read leaves in one message");
        drop(client);
        assert_eq!(stub.end(), 2);
    }

    #[test]
    fn a_member_gets_what_is_published() {
        play(None);
    }

    #[test]
    fn a_member_gets_it_later_when_there_is_a_delay() {
        play(Some(Delay::Fixed(Duration::from_millis(2))));
    }

    #[test]
    fn echo_gives_back_all_that_came_in_one_read() {
        let stub = Running::with(None);
        let mut client = Client::connect(stub.address, "/echo");
        let mut wire = Vec::new();
        for payload in [b"one", b"two"] {
            write_frame_masked(&mut wire, Opcode::Binary, payload, KEY);
        }
        client.stream.write_all(&wire).unwrap();
        assert_eq!([client.next(), client.next()], [b"one", b"two"]);
        drop(client);
        assert_eq!(stub.end(), 0);
    }
}
