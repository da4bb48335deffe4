//! Drivers: events as they come, on every transport.

use ringway_client::{Connector, Ending, Way};
use ringway_protocol::Lane;

use crate::probe::{Probe, Seen};
use crate::support::{EVERY_WAY, Over, server};

#[tokio::test]
async fn clients_of_every_transport_hear_the_same_order() {
    let server = server(2);
    let mut clients: Vec<_> = EVERY_WAY.map(|over| Probe::start(server.config(over))).into();
    for client in &mut clients {
        client.join("room");
        client.joined().await;
    }
    for round in 0..60 {
        clients[round % EVERY_WAY.len()].publish("room", round.to_string(), Lane::Reliable);
        for client in &mut clients {
            assert_eq!(client.text().await, round.to_string());
        }
    }
}

#[tokio::test]
async fn many_sessions_share_one_socket_and_all_hear_a_burst() {
    let server = server(2);
    let connector = Connector::new(server.config(Over::Quic)).unwrap();
    let mut clients: Vec<_> = (0..20).map(|_| Probe::share(&connector)).collect();
    for client in &mut clients {
        client.join("room");
        client.joined().await;
    }
    clients[0].act(|outlet| {
        for number in 0..200 {
            let text = format!("{number} {}", "x".repeat(200));
            outlet.publish(&crate::probe::publication("room", &text, Lane::Reliable)).unwrap();
        }
    });
    for client in &mut clients {
        for number in 0..200 {
            let text = client.text().await;
            assert_eq!(text.split(' ').next(), Some(number.to_string().as_str()));
        }
    }
}

#[tokio::test]
async fn a_broken_connection_resumes_and_takes_up_where_it_was() {
    let server = server(2);
    for over in EVERY_WAY {
        let mut talker = Probe::start(server.config(Over::WebSocket));
        let mut client = Probe::start(server.config(over));
        for client in [&mut talker, &mut client] {
            client.join("resumed");
            client.joined().await;
        }
        talker.publish("resumed", "before", Lane::Reliable);
        assert_eq!(client.text().await, "before");
        client.act(|outlet| outlet.disconnect());
        let (ending, returns) = client.ended().await;
        assert!(matches!(ending, Ending::Lost(_)) && returns, "{ending}");
        talker.publish("resumed", "meanwhile", Lane::Reliable);
        let resumed = client
            .until(|seen| if let Seen::Welcomed { resumed } = seen { Some(resumed) } else { None })
            .await;
        assert!(resumed, "over {over:?}");
        let (recovered, _) = client.joined().await;
        assert!(recovered);
        assert_eq!(client.text().await, "meanwhile");
        talker.publish("resumed", "after", Lane::Reliable);
        assert_eq!(client.text().await, "after");
    }
}

#[tokio::test]
async fn what_may_be_lost_goes_as_datagrams_both_ways_where_it_fits() {
    let server = server(1);
    for over in [Over::Quic, Over::WebTransport] {
        let mut listener = Probe::start(server.config(over));
        listener.join("room");
        listener.joined().await;
        let mut sender = Probe::start(server.config(over));
        sender.until(|seen| matches!(seen, Seen::Welcomed { .. }).then_some(())).await;
        sender.act(|outlet| {
            let sent = outlet.publish(&crate::probe::publication("room", "small", Lane::Unreliable));
            assert_eq!(sent, Ok(ringway_client::Sent::Datagram));
        });
        assert_eq!(listener.message().await, ("small".into(), Lane::Unreliable, Way::Datagram));
        let large = "x".repeat(3_000);
        sender.publish("room", large.clone(), Lane::Unreliable);
        let (text, _, way) = listener.message().await;
        assert!(text == large && way != Way::Datagram);
    }
}

#[tokio::test]
async fn a_session_that_leaves_ends_for_good_and_at_once() {
    let server = server(1);
    for over in EVERY_WAY {
        let mut client = Probe::start(server.config(over));
        client.join("room");
        client.joined().await;
        client.act(|outlet| outlet.close());
        let (ending, returns) = client.ended().await;
        assert!(matches!(ending, Ending::Left) && !returns, "{ending}");
    }
}
