//! `ringway-bench quic-floor`: a server on `quinn` and tokio's current-thread runtime that sends the same frames to all its connections.
//!
//! As simple as it can be: one task walks all connections once a turn, quinn's own tasks send. There are no rooms, no sessions and no order to
//! keep, so whoever does more and costs the same has lost nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use quinn::{Connection, Endpoint, EndpointConfig, SendStream, TokioRuntime};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::{settings, socket};

/// What to send, how, and to how many.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
    /// Sending begins with so many connections, and with the next so many when all of those are gone
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// How it travels
    #[arg(long, value_enum, default_value_t = Carry::Datagrams)]
    carry: Carry,
    /// Frames at once; on a stream they are one write
    #[arg(long, default_value_t = 1)]
    burst: usize,
    /// Times a second that so many are sent; 0: nothing is
    #[arg(long, default_value_t = 0)]
    rate: u32,
    /// Bytes of a frame, size prefix included
    #[arg(long, default_value_t = 300)]
    bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Carry {
    Datagrams,
    Streams,
}

/// One connection, and the stream to it if there is one.
struct Listener {
    connection: Connection,
    stream: Option<SendStream>,
}

/// Serves until it is killed.
///
/// # Errors
/// If the socket, the certificate or the runtime can't be had.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = socket::bind(options.listen)?;
        let config = settings::server()?;
        let endpoint =
            Endpoint::new(EndpointConfig::default(), Some(config), socket, Arc::new(TokioRuntime))?;
        let (sender, listeners) = mpsc::unbounded_channel();
        tokio::spawn(accept(endpoint, options.carry, sender));
        println!("ready");
        broadcast(options, listeners).await
    })
}

async fn accept(endpoint: Endpoint, carry: Carry, sender: mpsc::UnboundedSender<Listener>) {
    while let Some(incoming) = endpoint.accept().await {
        let sender = sender.clone();
        tokio::spawn(async move {
            let Ok(connection) = incoming.await else { return };
            let stream = match carry {
                Carry::Datagrams => None,
                Carry::Streams => connection.open_uni().await.ok(),
            };
            let _ = sender.send(Listener { connection, stream });
        });
    }
}

async fn broadcast(options: &Options, mut arrivals: mpsc::UnboundedReceiver<Listener>) -> io::Result<()> {
    let frame = frame(options.bytes);
    let joined: Bytes = frame.repeat(options.burst).into();
    let mut listeners = Vec::new();
    loop {
        // Who has only come for a handshake is let go of here.
        listeners.retain(|listener: &Listener| listener.connection.close_reason().is_none());
        let Some(listener) = arrivals.recv().await else { return Ok(()) };
        listeners.push(listener);
        if options.rate == 0 || listeners.len() < options.connections {
            continue;
        }
        let mut turns = tokio::time::interval(Duration::from_secs(1) / options.rate);
        turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while !listeners.is_empty() {
            turns.tick().await;
            let mut at = 0;
            while let Some(listener) = listeners.get_mut(at) {
                let sent = match &mut listener.stream {
                    Some(stream) => stream.write_chunk(joined.clone()).await.is_ok(),
                    None => {
                        (0..options.burst).all(|_| listener.connection.send_datagram(frame.clone()).is_ok())
                    }
                };
                if sent {
                    at += 1;
                } else {
                    listeners.swap_remove(at);
                }
            }
        }
    }
}

/// A frame by its size prefix, empty beside it: who counts frames needs no more.
fn frame(bytes: usize) -> Bytes {
    let mut frame = BytesMut::zeroed(bytes.max(4));
    let counted = frame.len() as u32 - 4;
    frame[..4].copy_from_slice(&counted.to_le_bytes());
    frame.freeze()
}
