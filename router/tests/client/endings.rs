//! How sessions end, and how they don't begin.

use std::sync::Arc;

use ringway::node::{DoorSettings, Whom};
use ringway_client::{ConnectFault, Connector, Event, JoinOptions, Publish, SessionError, Trust, connect};
use ringway_protocol::{CloseCode, ErrorCode};

use crate::session::{open, text, until};
use crate::support::{EVERY_WAY, Over, server, server_with, soon};

#[tokio::test]
async fn the_server_s_close_code_is_told_and_obeyed() {
    let server = server(1);
    for over in EVERY_WAY {
        let (session, mut events) = open(&server, over).await;
        let id = session.id();
        let gone = server.handle.disconnect(&Whom::Session(id), CloseCode::Disconnected.number(), "out");
        assert_eq!(gone.await.unwrap(), 1);
        let (ending, returns) = until(&mut events, |event| match event {
            Event::Disconnected { ending, returns } => Some((ending, returns)),
            _ => None,
        })
        .await;
        assert_eq!(ending.code(), Some(CloseCode::Disconnected.number()), "{ending}");
        assert!(!returns);
        assert!(soon(events.next()).await.is_none());
        assert_eq!(soon(session.flush()).await, Err(SessionError::Closed));
    }
}

#[tokio::test]
async fn a_session_that_closes_says_all_and_is_gone_at_once() {
    let server = server(1);
    for over in EVERY_WAY {
        let (watcher, mut events) = open(&server, Over::WebSocket).await;
        let name = format!("close {over:?}");
        watcher.join(&name, JoinOptions::default()).await.unwrap();
        let (session, _events) = open(&server, over).await;
        let room = session.join(&name, JoinOptions::default()).await.unwrap();
        assert_eq!(room.joined().count, 2);
        for number in 0..50 {
            room.publish(Publish::text(number.to_string())).await.unwrap();
        }
        soon(session.close()).await;
        for number in 0..50 {
            assert_eq!(text(&mut events).await, number.to_string());
        }
        assert_eq!(room.publish(Publish::text("late")).await, Err(SessionError::Closed));
        let (late, _) = open(&server, Over::WebSocket).await;
        assert_eq!(late.join(&name, JoinOptions::default()).await.unwrap().joined().count, 2);
    }
}

#[tokio::test]
async fn a_connection_that_can_not_be_made_says_why() {
    let server = server_with(1, |options| options.settings.door = Arc::new(DoorSettings::default()));
    let fault = |config| async { soon(connect(config)).await.err().expect("no session") };
    // Anonymous users are not let in here.
    for over in EVERY_WAY {
        let refused = fault(server.config(over)).await;
        assert!(
            matches!(&refused, ConnectFault::Refused(reason) if reason.contains("token_required")),
            "{refused}"
        );
    }
    for over in [Over::Quic, Over::SecureWebSocket, Over::WebTransport] {
        let mut config = server.config(over);
        config.trust = Some(Trust::Fingerprint([7; 32]));
        let untrusted = fault(config).await;
        assert!(
            matches!(&untrusted, ConnectFault::Certificate(reason) if reason.contains("fingerprint")),
            "{untrusted}"
        );
        if over != Over::WebTransport {
            let mut config = server.config(over);
            config.server_name = Some("example.org".into());
            let untrusted = fault(config).await;
            assert!(matches!(&untrusted, ConnectFault::Certificate(_)), "{untrusted}");
        }
        let mut config = server.config(over);
        config.trust = None;
        assert!(matches!(Connector::new(config), Err(ConnectFault::NoTrust)));
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unreachable = fault(ringway_client::Config::new(format!("ws://{closed}/v1"))).await;
    assert!(matches!(unreachable, ConnectFault::Unreachable(_)), "{unreachable}");
}

#[tokio::test]
async fn what_the_server_refuses_says_why() {
    let server = server(1);
    let (session, _events) = open(&server, Over::Quic).await;
    assert!(matches!(session.join("", JoinOptions::default()).await, Err(SessionError::BadRoomName)));
    let bad = session.confirm("room", Publish::json("{")).await;
    assert!(matches!(bad, Err(SessionError::Refused(refusal)) if refusal.code == ErrorCode::BadBody));
    let large = session.confirm("room", Publish::bytes(vec![0; 1 << 20])).await;
    assert_eq!(large, Err(SessionError::TooLarge));
}
