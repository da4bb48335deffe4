//! Echo where nobody echoes: each client subscribes to a topic of its own, and what it publishes there comes back.
//! Thread view.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ringway_protocol::session::client::{JoinOptions, Options, Publication};
use ringway_protocol::{Body, BodyKind, Format, Lane, RoomName};

use super::Flights;
use crate::engine::{MemberId, Nanos, Observer, Seen, Sessions};
use crate::report::{Board, Tally};
use crate::scenario::Setup;
use crate::scenario::run::CpuMeter;

/// One thread's clients, until the schedule ends.
pub(super) fn run(
    setup: &Setup,
    thread: u16,
    first: u32,
    count: u32,
    flights: Flights,
) -> std::io::Result<Tally> {
    let pace = setup.pace();
    let echoes = Echoes { flights, board: setup.board.clone(), back: Vec::new() };
    let mut sessions = Sessions::new(setup.target(thread).clone(), pace, first, echoes)?;
    let options = Arc::new(Options::default());
    let topics: Vec<String> = (first..first + count).map(|number| format!("load-echo-{number}")).collect();
    for topic in &topics {
        let member = sessions.add(Format::Binary, &options);
        if let Some(room) = RoomName::new(topic) {
            sessions.join(member, room, JoinOptions::default());
        }
    }
    let mut cpu = CpuMeter::default();
    let mut body = Vec::new();
    while !setup.stop.load(Relaxed) {
        let pause = sessions.observer().flights.pause(setup.common.spin);
        sessions.turn(pause)?;
        let now = Nanos::now();
        sessions.observer().flights.show(now);
        let Some(schedule) = setup.schedule.get() else { continue };
        if now >= schedule.start {
            let each = sessions.observer().flights.begin(schedule);
            let first = (0..count).flat_map(|member| (0..each).map(move |_| MemberId(member)));
            sessions.observer().back.extend(first);
            send_back(&mut sessions, &topics, &mut body);
            send_due(&mut sessions, &topics, &mut body);
        }
        cpu.tick(now, schedule, &mut sessions.observer().flights.tally);
        if now >= schedule.end {
            break;
        }
    }
    cpu.stop(Nanos::now(), &mut sessions.observer().flights.tally);
    for member in (0..count).map(MemberId) {
        sessions.end(member);
    }
    sessions.finish()?;
    Ok(sessions.observer().flights.finish())
}

/// Sends the next message of each client whose last one is back.
fn send_back(sessions: &mut Sessions<Echoes>, topics: &[String], body: &mut Vec<u8>) {
    let mut back = std::mem::take(&mut sessions.observer().back);
    for member in back.drain(..) {
        if !send(sessions, topics, Nanos::now(), member, body) {
            sessions.observer().flights.tally.unsent += 1;
        }
    }
    // Nothing comes back meanwhile: clients are heard in turns only.
    sessions.observer().back = back;
}

/// Sends whatever is due. What comes late keeps its intended time.
fn send_due(sessions: &mut Sessions<Echoes>, topics: &[String], body: &mut Vec<u8>) {
    loop {
        let Some((intended, connection)) = sessions.observer().flights.due() else { return };
        let takes = sessions.observer().flights.takes(connection);
        let sent = takes && send(sessions, topics, intended, MemberId(connection), body);
        sessions.observer().flights.account(intended, sent);
    }
}

fn send(
    sessions: &mut Sessions<Echoes>,
    topics: &[String],
    since: Nanos,
    member: MemberId,
    body: &mut Vec<u8>,
) -> bool {
    let topic = topics.get(member.0 as usize).and_then(|topic| RoomName::new(topic));
    // Without a session the number is not used up, so that what comes back is still counted right.
    let Some(room) = topic.filter(|_| sessions.standing(member).is_ready) else { return false };
    body.clear();
    body.extend_from_slice(sessions.observer().flights.next(since, member.0));
    let publication = Publication {
        room,
        body: Body { kind: BodyKind::Bytes, bytes: body },
        lane: Lane::Reliable,
        key: None,
        msg_id: None,
        retry: None,
        echo: true,
        answer: true,
    };
    let sent = sessions.publish(Nanos::now(), member, &publication);
    sessions.flush(member);
    sent
}

/// What came back.
struct Echoes {
    flights: Flights,
    board: Arc<Board>,
    /// Whose message is back.
    back: Vec<MemberId>,
}

impl Observer for Echoes {
    fn observe(&mut self, now: Nanos, member: MemberId, seen: Seen<'_>) {
        let who = || format!("connection {}", member.0);
        match seen {
            Seen::Message(arrival) => {
                self.flights.back(now, member.0, arrival.body);
                if self.flights.is_closed_loop() {
                    self.back.push(member);
                }
            }
            Seen::Opened { took, .. } => {
                self.flights.opened(took);
                self.board.connected.fetch_add(1, Relaxed);
            }
            Seen::Joined { .. } => {
                self.board.ready.fetch_add(1, Relaxed);
            }
            Seen::Ended(ending, _) => {
                let before = self.flights.tally.disconnects + self.flights.tally.connect_failures;
                self.flights.ended(member.0, ending);
                let after = self.flights.tally.disconnects + self.flights.tally.connect_failures;
                self.board.ended.fetch_add(after - before, Relaxed);
            }
            Seen::Undecodable(text) => {
                self.flights.tally.broken += 1;
                self.flights.tally.witness(who, || format!("undecodable: {text}"));
            }
            Seen::Violation(breach) => self.flights.tally.fault(who, breach.fault),
            Seen::Refused(_, error) | Seen::Faulted(error) => self.flights.tally.error(error.code.name()),
            Seen::Unsent => self.flights.tally.unsent += 1,
            Seen::Welcomed { .. }
            | Seen::Published(_)
            | Seen::Gap { .. }
            | Seen::Reset { .. }
            | Seen::Left
            | Seen::Presence { .. } => {}
        }
    }
}
