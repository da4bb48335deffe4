//! `echo` against servers that echo well and badly.

mod support;

use support::{echo_server, load};

/// Longer than a busy host keeps anybody from running.
const SHORT: &str = "echo --connections 7 --duration 1s --warmup 50ms";

#[test]
fn what_comes_back_unchanged_is_fine() {
    let summary = load(echo_server(|_| {}), SHORT);
    assert_eq!(summary.failures(), <[String; 0]>::default());
    assert_eq!(summary.value("connections"), 7);
    assert!(summary.value("messages_per_s").as_f64().unwrap() > 0.0);
    assert!(summary.value("p50_us").as_f64().unwrap() > 0.0);
    assert!(summary.value("server_rss_kib").as_u64().unwrap() > 0, "the listener is found by its port");
}

#[test]
fn text_is_echoed_too() {
    let summary = load(echo_server(|_| {}), &format!("{SHORT} --text --size 100000 --threads 2"));
    assert_eq!(summary.failures(), <[String; 0]>::default());
}

#[test]
fn a_changed_byte_is_noticed() {
    let summary = load(echo_server(|message| message[20] ^= 1), SHORT);
    assert!(summary.value("corrupted").as_u64().unwrap() > 0);
    assert!(!summary.failures().is_empty());
}

#[test]
fn a_port_without_a_server_is_a_failure_and_not_a_hang() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let summary = load(closed, &format!("{SHORT} --server-pid 1"));
    assert_eq!(summary.value("connect_failures"), 7);
    assert!(!summary.failures().is_empty());
}

/// A server that stands still for 200 ms, once: ten percent of two seconds' messages were due meanwhile.
fn stalling_server() -> std::net::SocketAddr {
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    echo_server(move |_| {
        if count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 500 {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    })
}

#[test]
fn a_stall_shows_in_every_message_that_was_due_in_it() {
    let summary =
        load(stalling_server(), "echo --connections 1 --rate 1000 --duration 2s --warmup 100ms --size 64");
    assert_eq!(summary.failures(), <[String; 0]>::default());
    // Latencies of those due in the stall go evenly from 200 ms down to nothing: 1 % of all waited for 180 ms and more.
    // Had each message waited for the one before, a single one would have been late.
    let p99 = summary.value("p99_us").as_f64().unwrap();
    assert!(p99 >= 175_000.0, "p99 {p99} µs");
    let p90 = summary.value("p90_us").as_f64().unwrap();
    assert!(p90 >= 1_000.0 || p99 > 190_000.0, "p90 {p90} µs");
    // All that were due, however long the host took to see that the time was over.
    let figure = |name: &str| summary.value(name).as_f64().unwrap();
    let sent = figure("sent_per_s") * figure("duration_s");
    assert!((1_990.0..=2_010.0).contains(&sent), "the rate was kept: {sent} in two seconds");
}

#[test]
fn several_messages_in_flight_come_back_in_turn() {
    let summary =
        load(echo_server(|_| ()), "echo --connections 2 --in-flight 8 --duration 1s --warmup 50ms --size 32");
    assert_eq!(summary.failures(), <[String; 0]>::default());
    assert!(summary.value("messages_per_s").as_f64().unwrap() > 0.0);
}
