//! Streams and datagrams of the server, which overtake each other.

use ringway_client::Way;
use ringway_protocol::{Event, Lane, Version};

use crate::probe::{Probe, Seen, publication};
use crate::server::{EVERY_WAY, Server, joined, latest, reliable, unreliable};

#[tokio::test]
async fn values_come_on_streams_of_their_own_and_as_datagrams() {
    for over in EVERY_WAY {
        let server = Server::start(over);
        let mut client = Probe::start(server.config());
        let mut peer = server.joined().await;
        peer.stream(&latest(1, "alone")).await;
        assert_eq!(client.message().await, ("alone".into(), Way::Stream));
        let large = "x".repeat(100_000);
        peer.stream(&latest(2, &large)).await;
        assert_eq!(client.message().await, (large, Way::Stream));
        peer.datagram(&[unreliable(3, "one"), unreliable(4, "two")]);
        assert_eq!(client.message().await, ("one".into(), Way::Datagram));
        assert_eq!(client.message().await, ("two".into(), Way::Datagram));
        peer.say(&reliable(1, "in order")).await;
        assert_eq!(client.message().await, ("in order".into(), Way::Control));
    }
}

#[tokio::test]
async fn a_stream_that_is_reset_was_superseded_and_is_forgotten() {
    for over in EVERY_WAY {
        let server = Server::start(over);
        let mut client = Probe::start(server.config());
        let mut peer = server.joined().await;
        for version in 0..600 {
            // More than may be open at once: each goes to make room for the next.
            let mut stream = peer.open(&[]).await;
            stream.write_all(&[200, 0, 0, 0, 1, 2, 3]).await.unwrap();
            stream.reset((version % 3_u32).into()).unwrap();
        }
        peer.stream(&latest(1, "newest")).await;
        assert_eq!(client.message().await, ("newest".into(), Way::Stream));
    }
}

#[tokio::test]
async fn what_comes_before_joined_is_told_after_it() {
    for over in EVERY_WAY {
        let server = Server::start(over);
        let mut client = Probe::start(server.config());
        let mut peer = server.accept().await;
        peer.welcome().await;
        let id = peer.asked_to_join().await;
        peer.stream(&latest(1, "early")).await;
        peer.datagram(&[unreliable(2, "earlier")]);
        peer.say(&joined(id)).await;
        peer.say(&reliable(1, "late")).await;
        assert!(matches!(client.next().await, Seen::Joined));
        let mut told = Vec::new();
        for _ in 0..3 {
            told.push(client.message().await.0);
        }
        told.sort_unstable();
        assert_eq!(told, ["earlier", "early", "late"]);
    }
}

#[tokio::test]
async fn values_that_were_overtaken_are_dropped_without_a_word() {
    for over in EVERY_WAY {
        let server = Server::start(over);
        let mut client = Probe::start(server.config());
        let mut peer = server.joined().await;
        peer.stream(&latest(5, "newest")).await;
        assert_eq!(client.message().await.0, "newest");
        peer.stream(&latest(4, "older")).await;
        peer.stream(&latest(5, "newest")).await;
        peer.datagram(&[latest(3, "oldest")]);
        peer.say(&latest(2, "and in order")).await;
        // One more of each way, so that those before have been seen.
        peer.datagram(&[unreliable(9, "datagram")]);
        assert_eq!(client.message().await.0, "datagram");
        peer.say(&reliable(1, "control")).await;
        assert_eq!(client.message().await.0, "control");
        peer.stream(&latest(6, "newer")).await;
        assert_eq!(client.message().await.0, "newer");
        assert_eq!(client.ask(|outlet| outlet.lost().stale).await, 4);
    }
}

#[tokio::test]
async fn a_room_s_order_may_have_a_stream_of_its_own() {
    for over in EVERY_WAY {
        let server = Server::start(over);
        let mut client = Probe::start(server.config());
        let mut peer = server.accept().await;
        peer.welcome().await;
        let id = peer.asked_to_join().await;
        let mut stream = peer.open(&[joined(id), reliable(1, "one"), reliable(2, "two")]).await;
        assert!(matches!(client.next().await, Seen::Joined));
        assert_eq!(client.message().await, ("one".into(), Way::Stream));
        assert_eq!(client.message().await, ("two".into(), Way::Stream));
        let mut encoder = ringway_protocol::codec::BinaryEncoder::new();
        let frame = encoder.event(&reliable(3, "three"));
        for byte in frame {
            stream.write_all(&[*byte]).await.unwrap();
        }
        assert_eq!(client.message().await, ("three".into(), Way::Stream));
    }
}

#[tokio::test]
async fn own_values_that_may_be_lost_go_as_datagrams() {
    for over in EVERY_WAY {
        let server = Server::start(over);
        let client = Probe::start(server.config());
        let mut peer = server.joined().await;
        client.act(|outlet| {
            outlet.publish(&publication("small", Lane::Unreliable, None)).unwrap();
            outlet.publish(&publication("kept", Lane::Latest, None)).unwrap();
        });
        assert_eq!(peer.published_as_datagram().await, "small");
        assert_eq!(peer.published().await, "kept");
        client.act(|outlet| {
            outlet.publish(&publication(&"large ".repeat(1_000), Lane::Unreliable, None)).unwrap();
        });
        assert!(peer.published().await.starts_with("large "));
    }
}

#[tokio::test]
async fn late_values_are_told_from_current_ones_by_the_version_of_joined() {
    for over in EVERY_WAY {
        let server = Server::start(over);
        let mut client = Probe::start(server.config());
        let mut peer = server.accept().await;
        peer.welcome().await;
        let mut said = joined(peer.asked_to_join().await);
        if let Event::Joined(joined) = &mut said {
            joined.version = Version(10);
        }
        // Those of the room's own stream are its current values; held open, so that it is one stream to the end.
        let stream = peer.open(&[said, latest(4, "current")]).await;
        assert!(matches!(client.next().await, Seen::Joined));
        assert_eq!(client.message().await, ("current".into(), Way::Stream));
        peer.stream(&latest(9, "late")).await;
        peer.datagram(&[unreliable(10, "late, too"), unreliable(11, "datagram")]);
        assert_eq!(client.message().await, ("datagram".into(), Way::Datagram));
        peer.stream(&latest(11, "newer")).await;
        assert_eq!(client.message().await, ("newer".into(), Way::Stream));
        assert_eq!(client.ask(|outlet| outlet.lost().stale).await, 2);
        drop(stream);
    }
}
