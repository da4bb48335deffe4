//! Orderly emptying: 503 first while clients still come in, then closed listeners and `closing`, then the end.

use std::net::TcpStream;

use crate::client::Client;
use crate::process::{Node, Scratch, refused, ringway};

#[test]
fn sigterm_says_503_still_lets_in_then_tells_everybody_and_ends_with_0() {
    // Long enough for a busy host to do all that is done meanwhile.
    let mut node = Node::dev(&["--set", "drain.delay=10s", "--set", "drain.spread=0s"]);
    let mut before = Client::connect(node.clients[0], None);
    assert_eq!(node.get("/readyz").0, 200);
    node.signal(libc::SIGTERM);
    node.said("draining: /readyz says 503");
    assert_eq!(node.get("/readyz"), (503, "draining\n".into()));
    assert_eq!(node.get("/livez").0, 200);
    let mut during = Client::connect(node.clients[0], None);
    assert!(during.welcome["session"].is_string(), "still accepting while /readyz says 503");
    for client in [&mut before, &mut during] {
        let closing = client.read_type("closing");
        assert_eq!(closing["code"], 3000);
        assert_eq!(client.close_code(), 3000);
    }
    assert!(node.wait().success());
    assert!(TcpStream::connect(node.clients[0]).is_err());
}

#[test]
fn the_command_drains_a_running_node() {
    let scratch = Scratch::new();
    let token = scratch.write("api.token", "a token for this node");
    let mut node = Node::dev(&["--set", &format!("http.token_file={token}")]);
    let http = node.http.to_string();
    let told = refused(&[
        "drain",
        "--dev",
        "--http",
        &http,
        "--token-file",
        &scratch.write("wrong", "another token"),
    ]);
    assert!(told.contains("refused (401)"), "{told}");
    let told = refused(&["drain", "--dev", "--http", &http]);
    assert!(told.contains("there is no API token: give --token-file"), "{told}");
    assert!(
        ringway(&["drain", "--dev", "--http", &http, "--token-file", &token]).status().unwrap().success()
    );
    assert!(node.wait().success());
    let told = refused(&["drain", "--dev", "--http", &http, "--token-file", &token]);
    assert!(told.contains("can't reach") && told.contains("is the node running"), "{told}");
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let mut node = Node::dev(&["--set", "drain.delay=10m"]);
    node.signal(libc::SIGINT);
    node.said("draining");
    node.signal(libc::SIGINT);
    assert_eq!(node.wait().code(), Some(130));
}

#[test]
fn a_client_that_does_not_go_is_not_waited_for_for_ever() {
    let mut node = Node::dev(&["--set", "drain.spread=0s", "--set", "drain.flush=100ms"]);
    // Connected, but it will never read what it is told.
    let _silent = TcpStream::connect(node.clients[0]).unwrap();
    node.signal(libc::SIGTERM);
    assert!(node.wait().success());
}
