//! Sessions: the friendly API against a whole node.

use std::time::Instant;

use ringway_client::{
    Bounds, Event, Events, JoinOptions, Lane, Message, Publish, Session, SessionError, Socket, connect,
};
use ringway_protocol::Offset;
use ringway_protocol::command::{HistoryFrom, Since};

use crate::support::{EVERY_WAY, Over, PATIENCE, Server, server, soon};

pub(crate) async fn open(server: &Server, over: Over) -> (Session, Events) {
    soon(connect(server.config(over))).await.unwrap()
}

/// The next event that is one.
pub(crate) async fn until<T>(events: &mut Events, mut is: impl FnMut(Event) -> Option<T>) -> T {
    loop {
        let event = soon(events.next()).await.expect("the session goes on");
        if let Event::Violation(violation) = &event {
            panic!("{}", violation.fault);
        }
        if let Some(found) = is(event) {
            return found;
        }
    }
}

async fn message(events: &mut Events) -> Message {
    until(events, |event| if let Event::Message(message) = event { Some(message) } else { None }).await
}

pub(crate) async fn text(events: &mut Events) -> String {
    message(events).await.text().unwrap().to_owned()
}

#[tokio::test]
async fn sessions_of_every_transport_meet_in_a_room() {
    let server = server(2);
    let mut sessions = Vec::new();
    for over in EVERY_WAY {
        let (session, events) = open(&server, over).await;
        let room = session.join("room", JoinOptions::default()).await.unwrap();
        assert_eq!(room.joined().position.offset.0, 0);
        sessions.push((session, events, room));
    }
    for talker in 0..EVERY_WAY.len() {
        let said = format!("from {talker}");
        let published = sessions[talker].2.confirm(Publish::text(said.clone())).await.unwrap();
        let id = sessions[talker].0.id();
        for (_, events, _) in &mut sessions {
            let message = message(events).await;
            assert_eq!((message.text(), message.session), (Some(said.as_str()), id));
            assert_eq!((message.place, &*message.room), (published.place, "room"));
        }
    }
}

#[tokio::test]
async fn a_reader_that_waits_gets_every_reliable_message_in_the_end() {
    let server = server(1);
    for over in EVERY_WAY {
        let mut config = server.config(over);
        config.bounds = Bounds { events: 4, ..Bounds::default() };
        let (reader, mut events) = soon(connect(config)).await.unwrap();
        reader.join("slow", JoinOptions::default()).await.unwrap();
        let (talker, _) = open(&server, Over::WebSocket).await;
        for number in 0..100 {
            talker.publish("slow", Publish::text(format!("{number}"))).await.unwrap();
        }
        soon(talker.flush()).await.unwrap();
        for number in 0..100 {
            assert_eq!(text(&mut events).await, number.to_string(), "over {over:?}");
        }
    }
}

#[tokio::test]
async fn the_newest_of_many_values_arrives_and_the_others_are_counted() {
    let server = server(1);
    for over in EVERY_WAY {
        let (watcher, mut events) = open(&server, Over::WebSocket).await;
        let room = format!("values {over:?}");
        watcher.join(&room, JoinOptions::default()).await.unwrap();
        let (talker, _) = open(&server, over).await;
        let there = soon(talker.join(&room, JoinOptions::default())).await.unwrap();
        // The driver can't run in between: all but the newest of each key are replaced at the source.
        for number in 0..=1_000 {
            let key = if number % 2 == 0 { "even" } else { "odd" };
            there.put(Publish::text(number.to_string()).on(Lane::Latest).key(key)).unwrap();
        }
        let mut newest = [message(&mut events).await, message(&mut events).await];
        newest.sort_by(|one, other| one.key.cmp(&other.key));
        assert_eq!(newest.each_ref().map(|message| message.text().unwrap()), ["1000", "999"]);
        soon(talker.flush()).await.unwrap();
        assert_eq!(talker.lost().replaced, 999);
    }
}

#[tokio::test]
async fn a_large_burst_is_taken_at_the_pace_of_the_connection() {
    let server = server(1);
    for over in EVERY_WAY {
        let mut config = server.config(over);
        config.bounds = Bounds { send_bytes: 4 * 1024, ..Bounds::default() };
        let (talker, mut events) = soon(connect(config)).await.unwrap();
        let room = format!("burst {over:?}");
        let room = talker.join(&room, JoinOptions::default()).await.unwrap();
        let publishing = tokio::spawn(async move {
            for number in 0..200_u32 {
                room.publish(Publish::bytes([&number.to_le_bytes()[..], &[7; 3_000]].concat()))
                    .await
                    .unwrap();
            }
        });
        for number in 0..200_u32 {
            assert_eq!(message(&mut events).await.body[..4], number.to_le_bytes());
        }
        soon(publishing).await.unwrap();
    }
}

#[tokio::test]
async fn history_presence_and_leaving_are_answered() {
    let server = server(2);
    let (session, mut events) = open(&server, Over::Quic).await;
    let room = session.join("room", JoinOptions::default()).await.unwrap();
    for number in 1..=5 {
        room.confirm(Publish::text(number.to_string())).await.unwrap();
    }
    let page = soon(room.history(HistoryFrom::Before(Offset(5)), 3)).await.unwrap();
    let texts: Vec<_> = page.messages.iter().map(|message| message.text().unwrap()).collect();
    assert!(texts == ["2", "3", "4"] && page.more);
    let page = soon(room.history(HistoryFrom::After(Offset(5)), 3)).await.unwrap();
    assert!(page.messages.is_empty() && !page.more);
    assert!(soon(room.presence(None)).await.is_ok());
    soon(room.clone().leave()).await.unwrap();
    assert_eq!(room.history(HistoryFrom::Before(Offset(5)), 3).await, Err(SessionError::NotJoined));
    let since = JoinOptions { since: Some(Since::Last(2)), presence: false, stream: false };
    let again = soon(session.join("room", since)).await.unwrap();
    assert_eq!(again.joined().position.offset, Offset(5));
    let replayed = until(&mut events, |event| match event {
        Event::Message(message) if message.replay => Some(message),
        _ => None,
    });
    assert_eq!(replayed.await.text(), Some("4"));
}

#[tokio::test]
async fn a_session_outlives_its_connection_and_misses_nothing() {
    let server = server(2);
    for over in EVERY_WAY {
        let (talker, _) = open(&server, Over::WebSocket).await;
        let (session, mut events) = open(&server, over).await;
        let name = format!("outlive {over:?}");
        let room = session.join(&name, JoinOptions::default()).await.unwrap();
        let id = session.id();
        talker.publish(&name, Publish::text("before")).await.unwrap();
        assert_eq!(text(&mut events).await, "before");
        session.disconnect().await.unwrap();
        until(&mut events, |event| matches!(event, Event::Disconnected { returns: true, .. }).then_some(()))
            .await;
        talker.publish(&name, Publish::text("meanwhile")).await.unwrap();
        soon(talker.flush()).await.unwrap();
        // Published without a connection: it waits for the next one.
        soon(room.publish(Publish::text("mine"))).await.unwrap();
        let recovered = until(&mut events, |event| match event {
            Event::Rejoined { recovered, .. } => Some(recovered),
            _ => None,
        });
        assert!(recovered.await);
        assert_eq!(text(&mut events).await, "meanwhile");
        assert_eq!(text(&mut events).await, "mine");
        assert_eq!(session.id(), id);
    }
}

#[tokio::test]
async fn an_idempotent_publish_happens_once_whatever_the_connection_does() {
    let server = server(2);
    let (watcher, mut events) = open(&server, Over::WebSocket).await;
    watcher.join("once", JoinOptions::default()).await.unwrap();
    let (session, _events) = open(&server, Over::Quic).await;
    let room = session.join("once", JoinOptions::default()).await.unwrap();
    for number in 0..10 {
        let (room, session) = (room.clone(), session.clone());
        let publishing = tokio::spawn(async move {
            room.confirm(Publish::text(format!("{number}")).msg_id(vec![number])).await
        });
        tokio::task::yield_now().await;
        session.disconnect().await.unwrap();
        soon(publishing).await.unwrap().unwrap();
        assert_eq!(text(&mut events).await, number.to_string());
    }
}

#[tokio::test]
async fn a_session_moves_to_another_address_without_a_break() {
    let server = server(2);
    let mut config = server.config(Over::Quic);
    let socket = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    config.socket = Some(socket.clone());
    let (session, mut events) = soon(connect(config)).await.unwrap();
    let room = session.join("room", JoinOptions::default()).await.unwrap();
    for number in 0..5 {
        let before = socket.local_address().unwrap();
        socket.rebind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_ne!(socket.local_address().unwrap(), before);
        soon(room.publish(Publish::text(number.to_string()))).await.unwrap();
        let heard = until(&mut events, |event| match event {
            Event::Message(message) => Some(message.text().unwrap().to_owned()),
            Event::Disconnected { ending, .. } => panic!("{ending}"),
            _ => None,
        });
        assert_eq!(heard.await, number.to_string());
    }
}

#[tokio::test]
async fn the_server_s_clock_is_known_within_what_it_says() {
    let server = server(1);
    for over in EVERY_WAY {
        let (session, mut events) = open(&server, over).await;
        let room = session.join("room", JoinOptions::default()).await.unwrap();
        soon(session.flush()).await.unwrap();
        let clock = session.clock().expect("the flush was a ping");
        // The node runs in this process, whose clock jumps no further than this in a test.
        assert!(clock.offset_us.unsigned_abs() <= clock.uncertainty.as_micros() as u64 + 100_000);
        soon(room.publish(Publish::text("x"))).await.unwrap();
        let message = message(&mut events).await;
        assert!(clock.age(message.time, Instant::now()) < PATIENCE);
        let budget = session.budget();
        let is_quic = matches!(over, Over::Quic | Over::WebTransport);
        assert_eq!(budget.bytes_per_second.is_some(), is_quic);
        assert_eq!(budget.datagram_bytes_max.is_some_and(|most| most > 1_000), is_quic);
        assert!(budget.rtt.is_some());
    }
}

#[tokio::test]
async fn a_room_on_a_stream_of_its_own_keeps_its_order_over_a_reconnect() {
    let server = server(2);
    let (talker, _) = open(&server, Over::WebSocket).await;
    for over in EVERY_WAY {
        let (session, mut events) = open(&server, over).await;
        let name = format!("apart {over:?}");
        let options = JoinOptions { stream: true, ..JoinOptions::default() };
        let room = session.join(&name, options).await.unwrap();
        for number in 0..60 {
            if number == 30 {
                session.disconnect().await.unwrap();
            }
            if number % 2 == 0 {
                soon(room.publish(Publish::text(number.to_string()))).await.unwrap();
            } else {
                soon(talker.publish(&name, Publish::text(number.to_string()))).await.unwrap();
            }
            assert_eq!(text(&mut events).await, number.to_string());
        }
    }
}
