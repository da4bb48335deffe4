//! Who is slow slows the other side down: readers, connections, and servers that take nothing.

use ringway_client::{ConnectFault, NotSent, Way};
use ringway_protocol::Lane;

use crate::probe::{Probe, publication};
use crate::server::{EVERY_WAY, Over, Server, joined, latest, reliable, unreliable};

#[tokio::test]
async fn a_handler_that_takes_no_more_stops_what_is_in_order_and_nothing_else() {
    for over in EVERY_WAY {
        let server = Server::start(over);
        let mut client = Probe::start(server.config());
        client.appetite.set(Some(10));
        let mut peer = server.joined().await;
        for offset in 1..=100 {
            peer.say(&reliable(offset, &offset.to_string())).await;
        }
        for offset in 1..=10 {
            assert_eq!(client.message().await.0, offset.to_string());
        }
        peer.datagram(&[unreliable(1, "datagram")]);
        assert_eq!(client.message().await, ("datagram".into(), Way::Datagram));
        peer.stream(&latest(2, "value")).await;
        assert_eq!(client.message().await, ("value".into(), Way::Stream));
        client.appetite.set(Some(1));
        assert_eq!(client.message().await.0, "11");
        peer.datagram(&[unreliable(3, "again")]);
        assert_eq!(client.message().await.0, "again", "not 12");
        client.appetite.set(None);
        for offset in 12..=100 {
            assert_eq!(client.message().await.0, offset.to_string());
        }
    }
}

#[tokio::test]
async fn a_room_s_own_stream_waits_for_the_handler_too() {
    let server = Server::start(Over::Quic);
    let mut client = Probe::start(server.config());
    client.appetite.set(Some(2));
    let mut peer = server.accept().await;
    peer.welcome().await;
    let id = peer.asked_to_join().await;
    let texts: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    let mut events = vec![joined(id)];
    events.extend(texts.iter().zip(1..).map(|(text, offset)| reliable(offset, text)));
    let _stream = peer.open(&events).await;
    assert_eq!(client.message().await.0, "0");
    assert_eq!(client.message().await.0, "1");
    peer.datagram(&[unreliable(1, "datagram")]);
    assert_eq!(client.message().await.0, "datagram");
    client.appetite.set(None);
    for text in &texts[2..] {
        assert_eq!(client.message().await.0, *text);
    }
}

#[tokio::test]
async fn a_connection_that_takes_nothing_gets_the_newest_value_of_each_key() {
    for over in EVERY_WAY {
        let protocol: &[u8] = if over == Over::Web { b"h3" } else { b"ringway/1" };
        let server = Server::speaking(over, protocol, 8 * 1024);
        let client = Probe::start(server.config());
        let mut peer = server.joined().await;
        // Far more than all windows hold, and nobody reads: turn by turn, so that the connection can take what it takes.
        for number in 0..2_000_u32 {
            let text = format!("{number} {}", "x".repeat(2_000));
            client
                .ask(move |outlet| {
                    let key = if number % 2 == 0 { "even" } else { "odd" };
                    outlet.publish(&publication(&text, Lane::Latest, Some(key))).unwrap();
                })
                .await;
        }
        let lost = client.ask(|outlet| outlet.lost()).await;
        assert!(lost.replaced > 1_000 && lost.dropped == 0, "{lost:?}");
        let mut newest = [0; 2];
        while newest != [1_998, 1_999] {
            let text = peer.published().await;
            let number: u32 = text.split(' ').next().unwrap().parse().unwrap();
            let held = &mut newest[number as usize % 2];
            assert!(number >= *held, "{number} after {held}");
            *held = number;
        }
    }
}

#[tokio::test]
async fn a_reliable_publish_is_refused_while_there_is_no_room_and_taken_when_there_is() {
    for over in EVERY_WAY {
        let protocol: &[u8] = if over == Over::Web { b"h3" } else { b"ringway/1" };
        let server = Server::speaking(over, protocol, 8 * 1024);
        let client = Probe::start(server.config());
        let mut peer = server.joined().await;
        let mut sent = 0;
        loop {
            let text = format!("{sent} {}", "x".repeat(1_000));
            let result =
                client.ask(move |outlet| outlet.publish(&publication(&text, Lane::Reliable, None))).await;
            match result {
                Ok(_) => sent += 1,
                Err(refused) => {
                    assert_eq!(refused, NotSent::Full);
                    break;
                }
            }
            assert!(sent < 10_000, "it is never full");
        }
        for number in 0..sent {
            assert_eq!(peer.published().await.split(' ').next(), Some(number.to_string().as_str()));
        }
        let mut again = Err(NotSent::Full);
        while again == Err(NotSent::Full) {
            again = client.ask(|outlet| outlet.publish(&publication("last", Lane::Reliable, None))).await;
        }
        assert_eq!(peer.published().await, "last");
    }
}

#[tokio::test]
async fn a_server_of_another_protocol_is_named_as_one() {
    let server = Server::speaking(Over::Quic, b"other", 1 << 20);
    let fault = server.fault_of(server.config()).await;
    assert!(matches!(&fault, ConnectFault::Protocol(reason) if reason.contains("ALPN")), "{fault}");
}
