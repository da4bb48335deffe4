//! What clients do that they should not, while others go on.

use std::io::Write;
use std::time::{Duration, Instant};

use ringway_protocol::command::{Command, Hello, History, HistoryFrom, Presence};
use ringway_protocol::{CloseCode, ErrorCode, Format, Lane, Offset, RoomName};
use serde_json::Value;

use crate::client::{Client, id};
use crate::sessions::core;
use crate::support::{Node, PATIENCE, start};

/// A client that resumes with this secret; what it was answered is its `welcome`.
fn resumed(node: &Node, secret: &Value) -> Client {
    let mut client = Client::silent(node, Format::Json);
    client.hello(secret.as_str());
    client
}

#[test]
fn of_two_connections_that_resume_one_session_the_newer_stays() {
    // With two shards a resume meets the older connection on its own shard or on the other one.
    for _ in 0..8 {
        let node = start(2, |_| {});
        let mut first = Client::open(&node, Format::Json);
        first.join("room");
        let mut second = resumed(&node, &first.welcome["resume"]);
        assert_eq!(second.welcome["session"], first.welcome["session"]);
        assert_eq!(second.join("room")["count"], 1, "one member, on another connection");
        assert_eq!(first.read_type("closing")["code"], CloseCode::TakenOver.number());
        assert_eq!(first.close_code(), CloseCode::TakenOver.number());
        second.publish("room", "still here", Lane::Reliable, false);
        assert_eq!(second.text(), "still here");
    }
}

#[test]
fn a_connection_that_was_overtaken_before_it_joined_is_told_that_it_is_stale() {
    let node = start(2, |_| {});
    let first = Client::open(&node, Format::Json);
    let mut overtaken = resumed(&node, &first.welcome["resume"]);
    let mut newer = resumed(&node, &overtaken.welcome["resume"]);
    newer.join("room");
    overtaken.say(&join("room"));
    let stale = overtaken.read_type("error");
    assert_eq!((&stale["code"], &stale["name"]), (&206.into(), &ErrorCode::ResumeStale.name().into()));
    newer.publish("room", "mine", Lane::Reliable, false);
    assert_eq!(newer.text(), "mine");
}

fn join(room: &str) -> Command<'_> {
    let room = RoomName::new(room).unwrap();
    Command::Join(ringway_protocol::command::Join {
        id: id(2),
        room,
        since: None,
        versions: Vec::new(),
        presence: false,
        stream: false,
    })
}

#[test]
fn history_and_presence_asked_for_in_a_loop_are_charged_and_then_refused() {
    const PER_S: u32 = 5;
    const BURST: u32 = 200;
    let node = start(1, |options| {
        core(options, |settings| {
            settings.limits.work_per_s = PER_S;
            settings.limits.work_burst = BURST;
        });
    });
    let begun = Instant::now();
    let mut greedy = Client::open(&node, Format::Json);
    greedy.join("room");
    let body = "x".repeat(2_000);
    for _ in 0..50 {
        greedy.publish("room", &body, Lane::Reliable, false);
        greedy.text();
    }
    let room = RoomName::new("room").unwrap();
    let mut pages = 0;
    let refused = loop {
        let from = HistoryFrom::After(Offset(0));
        greedy.say(&Command::History(History { id: id(7), room, from, limit: 50 }));
        greedy.say(&Command::Presence(Presence { id: id(8), room, cursor: None }));
        let answer = loop {
            let frame = greedy.read();
            if frame["id"] == 7 {
                break frame;
            }
        };
        if answer["type"] == "error" {
            break answer;
        }
        pages += 1;
        assert!(begun.elapsed() < PATIENCE, "the loop was never slowed down: {pages} pages");
    };
    // A page of all of it weighs seven units.
    let units = f64::from(BURST) + f64::from(PER_S) * begun.elapsed().as_secs_f64();
    assert!(f64::from(7 * pages) <= units, "{pages} pages for {units} units");
    assert_eq!(refused["name"], ErrorCode::RateLimited.name());
    let wait = Duration::from_millis(refused["retry_after_ms"].as_u64().unwrap());
    assert!(wait > Duration::ZERO);
    // Others have a bucket of their own.
    let mut other = Client::open(&node, Format::Json);
    other.join("room");
    other.publish("room", "at once", Lane::Reliable, false);
    assert_eq!(other.text(), "at once");
    // And who waits as long as it was told is served again.
    std::thread::sleep(wait + Duration::from_secs(1));
    greedy.say(&Command::Ping { id: id(9) });
    assert_eq!(greedy.read_type("pong")["id"], 9);
}

#[test]
fn clients_that_vanish_in_the_middle_of_anything_cost_nobody_a_message() {
    let node = start(2, |_| {});
    let mut steady: Vec<_> = (0..4).map(|_| Client::open(&node, Format::Binary)).collect();
    steady.iter_mut().for_each(|client| drop(client.join("room")));
    for round in 0..20 {
        let mut victims: Vec<_> = (0..10).map(|_| Client::silent(&node, Format::Json)).collect();
        for (number, victim) in victims.iter_mut().enumerate() {
            match number % 3 {
                0 => {}
                1 => victim.hello(None),
                _ => {
                    victim.hello(None);
                    victim.join("room");
                }
            }
            // Half a frame, or a request whose answer nobody will read.
            if number % 2 == 0 {
                victim.socket.get_mut().write_all(&[0x81, 0xfe, 0x10]).unwrap();
            } else {
                victim.say(&Command::Hello(Hello { id: id(1), protocol: 1, ..Hello::default() }));
            }
            reset_on_close(victim);
        }
        steady[round % 4].publish("room", &round.to_string(), Lane::Reliable, false);
        drop(victims);
        for client in &mut steady {
            assert_eq!(client.text(), round.to_string());
        }
    }
    let until = Instant::now() + PATIENCE;
    while node.handle.snapshot().wait().unwrap().shards.iter().map(|shard| shard.rim.connections).sum::<u64>()
        > 4
    {
        assert!(Instant::now() < until, "connections of clients that are gone stay");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Closing says RST, as when a process is killed while bytes for it are on their way.
fn reset_on_close(client: &Client) {
    socket2::SockRef::from(&**client.socket.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
}
