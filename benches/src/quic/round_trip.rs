//! `ringway-bench quic-rtt`: what two ends on `quinn` and tokio take to send some bytes over one stream and have them back.
//!
//! The floor of everything that crosses a link between two nodes: no rooms, no order of several, nothing but the stream. Each end is one thread
//! that sleeps while nothing comes, as the nodes' shards do.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use quinn::{Endpoint, EndpointConfig, RecvStream, SendStream, TokioRuntime};
use serde_json::json;
use tokio::time::MissedTickBehavior;

use super::{settings, socket};

/// Longer than any round trip; nanoseconds.
const LONGEST_NS: u64 = 60_000_000_000;

/// Which end, how much, how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Answer here until killed
    #[arg(long, conflicts_with = "connect")]
    listen: Option<SocketAddr>,
    /// Ask there, and print what it took as JSON
    #[arg(long, required_unless_present = "listen")]
    connect: Option<SocketAddr>,
    /// Bytes in each direction
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    bytes: u32,
    /// Round trips a second, at even intervals; 0: the next begins when one is over
    #[arg(long, default_value_t = 0)]
    rate: u32,
    /// Milliseconds before it counts
    #[arg(long, default_value_t = 500)]
    warm_ms: u64,
    /// Milliseconds that count
    #[arg(long, default_value_t = 3_000)]
    measure_ms: u64,
}

/// Answers until it is killed, or asks for so long and prints `{"trips", "p50_us", "p99_us"}`.
///
/// # Errors
/// If the socket, the certificate or the runtime can't be had, or the connection ends.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match (options.listen, options.connect) {
            (Some(listen), _) => answer(endpoint(listen, Some(settings::server()?))?).await,
            (None, Some(server)) => {
                let trips = ask(options, server).await?;
                let us = |quantile| trips.value_at_quantile(quantile) as f64 / 1e3;
                println!("{}", json!({ "trips": trips.len(), "p50_us": us(0.5), "p99_us": us(0.99) }));
                Ok(())
            }
            (None, None) => Err(io::Error::other("neither --listen nor --connect")),
        }
    })
}

fn endpoint(address: SocketAddr, server: Option<quinn::ServerConfig>) -> io::Result<Endpoint> {
    let socket = socket::bind(address)?;
    Endpoint::new(EndpointConfig::default(), server, socket, Arc::new(TokioRuntime))
}

/// Sends back what comes on each connection's streams.
async fn answer(endpoint: Endpoint) -> io::Result<()> {
    println!("ready");
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(async move {
            let Ok(connection) = incoming.await else { return };
            while let Ok((send, receive)) = connection.accept_bi().await {
                tokio::spawn(echo(send, receive));
            }
        });
    }
    Ok(())
}

async fn echo(mut send: SendStream, mut receive: RecvStream) -> Option<()> {
    loop {
        let chunk = receive.read_chunk(usize::MAX, true).await.ok()??;
        send.write_chunk(chunk.bytes).await.ok()?;
    }
}

/// Nanoseconds from sending to when all of it was back.
async fn ask(options: &Options, server: SocketAddr) -> io::Result<Histogram<u64>> {
    let endpoint = endpoint((Ipv4Addr::UNSPECIFIED, 0).into(), None)?;
    let connecting =
        endpoint.connect_with(settings::client()?, server, "localhost").map_err(io::Error::other)?;
    let connection = connecting.await?;
    let (mut send, mut receive) = connection.open_bi().await?;
    let mut trips = Histogram::new_with_max(LONGEST_NS, 3).map_err(io::Error::other)?;
    let (there, mut back) = (vec![0x5a; options.bytes as usize], vec![0; options.bytes as usize]);
    let every = Duration::from_secs(1).checked_div(options.rate);
    let mut ticks = every.map(tokio::time::interval);
    if let Some(ticks) = &mut ticks {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    }
    let begun = Instant::now();
    let counts = begun + Duration::from_millis(options.warm_ms);
    let ends = counts + Duration::from_millis(options.measure_ms);
    loop {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let from = Instant::now();
        send.write_all(&there).await?;
        receive.read_exact(&mut back).await.map_err(io::Error::other)?;
        let now = Instant::now();
        if now >= ends {
            connection.close(0u32.into(), b"");
            endpoint.wait_idle().await;
            return Ok(trips);
        }
        if from >= counts {
            trips.saturating_record((now - from).as_nanos() as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(server: SocketAddr, rate: u32) -> Options {
        Options { listen: None, connect: Some(server), bytes: 200, rate, warm_ms: 0, measure_ms: 200 }
    }

    #[test]
    fn what_is_sent_comes_back_paced_or_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listening =
                endpoint((Ipv4Addr::LOCALHOST, 0).into(), Some(settings::server().unwrap())).unwrap();
            let server = listening.local_addr().unwrap();
            tokio::spawn(answer(listening));
            for rate in [0, 100] {
                let trips = ask(&options(server, rate), server).await.unwrap();
                assert!(!trips.is_empty(), "at {rate}");
                assert!(rate == 0 || trips.len() <= 21, "{} at {rate}", trips.len());
            }
        });
    }
}
