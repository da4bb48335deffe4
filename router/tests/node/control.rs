use std::sync::Arc;
use std::time::Duration;

use ringway::node::{Notice, PublishOrder, Whom};
use ringway_protocol::event::Place;
use ringway_protocol::{BodyKind, CloseCode, ErrorCode, Format, Lane, Offset};

use crate::client::Client;
use crate::sessions::core;
use crate::support::{PATIENCE, options, start};

fn order(room: &str, text: &str) -> PublishOrder {
    PublishOrder {
        room: room.to_owned(),
        user: "api".into(),
        lane: Lane::Reliable,
        key: None,
        msg_id: None,
        retry: None,
        body_kind: BodyKind::Text,
        body: text.as_bytes().to_vec(),
    }
}

#[test]
fn what_the_api_publishes_reaches_members_and_is_answered_with_its_place() {
    let node = start(2, |_| {});
    let mut client = Client::open(&node, Format::Json);
    client.join("news");
    for number in 1..=20 {
        let published = node.handle.publish(order("news", &number.to_string())).wait().unwrap().unwrap();
        assert_eq!(published.place, Place::Offset(Offset(number)));
        assert_eq!(client.text(), number.to_string());
    }
    let refused = node.handle.publish(order("", "x")).wait().unwrap();
    assert_eq!(refused.unwrap_err(), ErrorCode::BadRoomName);
}

#[test]
fn a_user_is_disconnected_on_every_shard() {
    let node = start(2, |_| {});
    let mut client = Client::open(&node, Format::Json);
    let mut other = Client::open(&node, Format::Json);
    let user: Arc<str> = client.welcome["user"].as_str().unwrap().into();
    let count = node.handle.disconnect(&Whom::User(user), CloseCode::Disconnected.number(), "enough").wait();
    assert_eq!(count, Ok(1));
    assert_eq!(client.read_type("closing")["reason"], "enough");
    assert_eq!(client.close_code(), CloseCode::Disconnected.number());
    let notice = node.notices.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(notice, Notice::Closing { .. }), "{notice:?}");
    other.join("room");
}

#[test]
fn a_drain_tells_everybody_lets_nobody_in_and_ends_with_the_last() {
    let node = start(2, |_| {});
    let mut clients: Vec<_> = (0..10).map(|_| Client::open(&node, Format::Binary)).collect();
    node.handle.stop_listening().unwrap();
    let drained = node.handle.drain(Duration::from_millis(50));
    for client in &mut clients {
        assert_eq!(client.close_code(), CloseCode::Draining.number());
    }
    drop(clients);
    drained.wait().unwrap();
    assert!(std::net::TcpStream::connect(node.address()).is_err(), "nobody listens any more");
}

#[test]
fn a_reload_changes_what_is_new_and_keeps_who_is_in() {
    let node = start(1, |_| {});
    let mut client = Client::open(&node, Format::Json);
    client.join("room");
    let (mut changed, _) = options(1);
    core(&mut changed, |settings| settings.node = "renamed".to_owned());
    node.reload(&changed.settings);
    let late = Client::open(&node, Format::Json);
    assert_eq!(late.welcome["node"], "renamed");
    client.publish("room", "still here", Lane::Reliable, false);
    assert_eq!(client.text(), "still here");
}

#[test]
fn a_resume_outlives_a_reload_though_no_secret_is_configured() {
    let node = start(1, |_| {});
    let first = Client::open(&node, Format::Json);
    let secret = first.welcome["resume"].as_str().unwrap().to_owned();
    let (unchanged, _) = options(1);
    node.reload(&unchanged.settings);
    let mut again = Client::silent(&node, Format::Json);
    again.hello(Some(&secret));
    assert_eq!(again.welcome["session"], first.welcome["session"]);
}

#[test]
fn a_node_that_is_stopped_closes_what_is_open_and_answers_nobody_any_more() {
    let node = start(2, |_| {});
    let mut client = Client::open(&node, Format::Json);
    node.handle.stop();
    node.handle.stop();
    assert!(client.socket.read().is_err());
    assert!(node.handle.snapshot().wait().is_err());
}
