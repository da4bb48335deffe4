//! `echo` against servers that echo well and badly.

mod support;

use support::{echo_server, load};

const SHORT: &str = "echo --connections 7 --duration 150ms --warmup 50ms";

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
