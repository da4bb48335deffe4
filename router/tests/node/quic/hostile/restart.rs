//! What connections do when their server changes: its certificate, or itself.

use quinn::{ConnectionError, TransportConfig};
use ringway::node::NodeSettings;
use ringway_protocol::Lane;

use super::gate::Gate;
use super::{Quic, RUNTIME, server, server_with, trusting};
use crate::sessions::door;
use crate::support::options;
use crate::tls::certificate;

#[test]
fn after_a_reload_under_traffic_new_connections_get_the_new_certificate_and_old_ones_lose_nothing() {
    let server = server(2);
    let mut old: Vec<_> = (0..4).map(|_| Quic::open(&server)).collect();
    old.iter_mut().for_each(|client| drop(client.join("room")));
    let mut newest = None;
    for round in 0..6 {
        let (second, config) = certificate();
        // Half of what is said is on its way when the certificate changes.
        for number in 0..20 {
            if number == 10 {
                let settings = NodeSettings { tls: Some(config.clone()), ..options(1).0.settings };
                server.node.reload(&settings);
            }
            old[number % 4].publish("room", &format!("{round} {number}"), Lane::Reliable);
        }
        let mut heard: Vec<Vec<_>> =
            old.iter_mut().map(|client| (0..20).map(|_| client.text()).collect()).collect();
        assert!(heard.windows(2).all(|pair| pair[0] == pair[1]), "one order for all");
        heard[0].sort_unstable();
        let mut said: Vec<_> = (0..20).map(|number| format!("{round} {number}")).collect();
        said.sort_unstable();
        assert_eq!(heard[0], said);
        let trust = trusting(&second, b"ringway/1");
        let mut new = Quic::connect_to(server.address(), trust, TransportConfig::default());
        new.hello(None);
        assert_eq!(new.welcome["type"], "welcome");
        newest = Some(new);
    }
    // Who trusts only the first certificate does not get in any more.
    let endpoint = newest.unwrap().endpoint;
    let refused = RUNTIME.block_on(async {
        endpoint.connect_with(server.trust.clone(), server.address(), "localhost").unwrap().await
    });
    assert!(matches!(refused, Err(ConnectionError::TransportError(_))), "{refused:?}");
}

#[test]
fn a_client_learns_at_once_that_a_restarted_server_has_forgotten_it() {
    for shards in [1, 2] {
        let server = || {
            server_with(shards, |options| {
                door(options, |door| door.tokens.resume_secrets = vec![[7; 32]]);
            })
        };
        let (first, second) = (server(), server());
        let gate = Gate::before(first.address());
        let mut client = Quic::connect_to(gate.address, first.trust.clone(), TransportConfig::default());
        client.hello(None);
        client.join("room");
        gate.lead_to(second.address());
        // It does not wait for its idle timeout: the next packet of its own is answered by a reset (RFC 9000 §10.3).
        client.publish("room", "anybody?", Lane::Reliable);
        assert_eq!(client.closed(), ConnectionError::Reset);
    }
}
