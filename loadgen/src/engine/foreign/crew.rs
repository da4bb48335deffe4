//! The clients of one thread, each with its [`Dialect`] and where it stands. Thread view.
//!
//! [`Crew`] is what a [`Fleet`](super::Fleet) hands its messages and bytes to; the dialect makes something of them, and
//! a client's [`Seat`] tells the scenario in the words that it knows.

use std::collections::VecDeque;
use std::time::Duration;

use ringway_protocol::session::client::reconnect::after_close;
use ringway_protocol::session::client::{Reconnect, RoomIndex};
use ringway_protocol::websocket::Item;
use ringway_protocol::{Epoch, Offset};

use super::super::observer::{Arrival, MemberId, Observer, Seen};
use super::super::timers::Timers;
use super::super::{Ending, Handler, LinkId, Nanos, Out};
use super::dialect::{Dialect, Heard};

/// One client.
pub(super) struct Member {
    pub(super) dialect: Box<dyn Dialect>,
    pub(super) seat: Seat,
}

/// Where a client stands.
#[derive(Debug, Default)]
pub(super) struct Seat {
    /// The room that it subscribes to, if it is to.
    pub(super) room: Option<Box<str>>,
    pub(super) link: Option<LinkId>,
    /// It goes for good.
    pub(super) has_left: bool,
    stage: Stage,
    /// It was welcomed on some connection.
    was_welcomed: bool,
    /// How long the connection took to where frames can be sent.
    took: Duration,
    /// Messages so far.
    count: u64,
    /// What ended the connection, if this side closed it for a reason.
    verdict: Option<Ending>,
    /// Connections in a row that came to nothing.
    failures: u32,
    /// When to come back, or to ping next.
    due: Option<Nanos>,
    /// A ping that nothing followed yet.
    is_asked: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Away,
    /// The connection, or the protocol's own opening, is on its way.
    Opening,
    Ready,
    Member,
}

/// What is to be done for a client whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Ping,
    Close,
    Nothing,
}

/// The clients of one thread, and the scenario that watches them.
pub(super) struct Crew<O> {
    pub(super) observer: O,
    pub(super) members: Vec<Member>,
    /// By link; links are dense.
    by_link: Vec<MemberId>,
    pub(super) timers: Timers,
    pub(super) to_connect: VecDeque<MemberId>,
    pub(super) to_close: Vec<MemberId>,
    /// Clients whose opening is on its way.
    pub(super) opening: u32,
}

impl<O: Observer> Crew<O> {
    pub(super) fn new(observer: O) -> Self {
        Self {
            observer,
            members: Vec::new(),
            by_link: Vec::new(),
            timers: Timers::default(),
            to_connect: VecDeque::new(),
            to_close: Vec::new(),
            opening: 0,
        }
    }

    pub(super) fn add(&mut self, dialect: Box<dyn Dialect>) -> MemberId {
        let id = MemberId(self.members.len() as u32);
        self.members.push(Member { dialect, seat: Seat::default() });
        self.to_connect.push_back(id);
        id
    }

    /// A connection of this client is on its way.
    pub(super) fn begin(&mut self, id: MemberId, link: LinkId) {
        let Some(member) = self.members.get_mut(id.0 as usize) else { return };
        member.seat.link = Some(link);
        member.seat.stage = Stage::Opening;
        self.opening += 1;
        let index = link.0 as usize;
        if self.by_link.len() <= index {
            self.by_link.resize(index + 1, MemberId(u32::MAX));
        }
        self.by_link[index] = id;
    }

    /// What a client's time has come for.
    pub(super) fn due(&mut self, now: Nanos, id: MemberId) -> Due {
        let Some(Member { dialect, seat }) = self.members.get_mut(id.0 as usize) else { return Due::Nothing };
        let Some(at) = seat.due else { return Due::Nothing };
        if at > now {
            self.timers.arm(id, Some(at));
            return Due::Nothing;
        }
        seat.due = None;
        match (seat.stage, dialect.ping_every()) {
            (Stage::Away, _) => {
                self.to_connect.push_back(id);
                Due::Nothing
            }
            (Stage::Ready | Stage::Member, Some(every)) if seat.is_asked => {
                let text = format!("the server was silent for {} s after a ping", every.as_secs());
                seat.verdict = Some(Ending::Broken(text));
                Due::Close
            }
            (Stage::Ready | Stage::Member, Some(every)) => {
                seat.is_asked = true;
                seat.due = Some(now + every);
                self.timers.arm(id, seat.due);
                Due::Ping
            }
            _ => Due::Nothing,
        }
    }

    fn member_of(&self, link: LinkId) -> MemberId {
        self.by_link.get(link.0 as usize).copied().unwrap_or(MemberId(u32::MAX))
    }

    /// Lets the dialect make something of what came, then does what follows from it.
    fn hear(
        &mut self,
        now: Nanos,
        id: MemberId,
        out: &mut Out,
        take: impl FnOnce(&mut dyn Dialect, &mut Out, &mut dyn FnMut(Heard<'_>)),
    ) {
        let Some(Member { dialect, seat }) = self.members.get_mut(id.0 as usize) else { return };
        let before = seat.stage;
        seat.is_asked = false;
        let observer = &mut self.observer;
        take(&mut **dialect, out, &mut |heard| seat.hear(now, id, heard, observer));
        if before == Stage::Opening && seat.stage == Stage::Ready {
            self.opening -= 1;
            seat.due = dialect.ping_every().map(|every| now + every);
            self.timers.arm(id, seat.due);
            let goes_on = seat.verdict.is_none();
            if let Some(room) = seat.room.take_if(|_| goes_on) {
                dialect.subscribe(&room, out, &mut |heard| seat.hear(now, id, heard, observer));
                seat.room = Some(room);
            }
        }
        if seat.verdict.is_some() {
            self.to_close.push(id);
        }
    }
}

impl Seat {
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready | Stage::Member)
    }

    pub(super) fn is_member(&self) -> bool {
        self.stage == Stage::Member
    }

    #[inline]
    fn hear(&mut self, now: Nanos, id: MemberId, heard: Heard<'_>, observer: &mut impl Observer) {
        match heard {
            Heard::Message(body) => {
                self.count += 1;
                let arrival = Arrival::next(RoomIndex(0), Offset(self.count), body);
                observer.observe(now, id, Seen::Message(arrival));
            }
            Heard::Ready => {
                self.stage = Stage::Ready;
                self.failures = 0;
                let first = !std::mem::replace(&mut self.was_welcomed, true);
                observer.observe(now, id, Seen::Opened { took: self.took, first });
                observer.observe(now, id, Seen::Welcomed { resumed: false });
            }
            Heard::Joined => {
                self.stage = Stage::Member;
                let joined = Seen::Joined {
                    room: RoomIndex(0),
                    recovered: false,
                    replay: 0,
                    count: 0,
                    epoch: Epoch(0),
                };
                observer.observe(now, id, joined);
            }
            Heard::Refused(text) if self.stage == Stage::Opening => {
                self.verdict = Some(Ending::NotOpened(text));
            }
            Heard::Refused(text) => self.verdict = Some(Ending::Broken(text)),
            Heard::Malformed(text) => {
                observer.observe(now, id, Seen::Undecodable(text));
                self.verdict = Some(Ending::Broken("the server's bytes were undecodable".to_owned()));
            }
        }
    }
}

impl<O: Observer> Handler for Crew<O> {
    fn handle_open(&mut self, now: Nanos, link: LinkId, took: Duration, out: &mut Out) {
        let id = self.member_of(link);
        if let Some(member) = self.members.get_mut(id.0 as usize) {
            member.seat.took = took;
        }
        self.hear(now, id, out, |dialect, _, tell| dialect.handle_open(tell));
    }

    fn handle_item(&mut self, now: Nanos, link: LinkId, item: Item<'_>, out: &mut Out) {
        let message = match item {
            Item::Binary(message) => message,
            Item::Text(text) => text.as_bytes(),
            _ => return,
        };
        self.handle_bytes(now, link, message, out);
    }

    fn handle_bytes(&mut self, now: Nanos, link: LinkId, bytes: &[u8], out: &mut Out) {
        let id = self.member_of(link);
        self.hear(now, id, out, |dialect, out, tell| dialect.handle(bytes, out, tell));
    }

    fn handle_end(&mut self, now: Nanos, link: LinkId, ending: &Ending) {
        let id = self.member_of(link);
        let Some(Member { seat, .. }) = self.members.get_mut(id.0 as usize) else { return };
        let was_opening = seat.stage == Stage::Opening;
        self.opening -= u32::from(was_opening);
        (seat.link, seat.stage, seat.due, seat.is_asked) = (None, Stage::Away, None, false);
        let verdict = seat.verdict.take();
        // What this side closed for a reason would only end the same way again.
        let stays_away = seat.has_left || verdict.is_some();
        let ending = match (verdict, ending) {
            (Some(verdict), _) => verdict,
            (None, Ending::Broken(text)) if was_opening => Ending::NotOpened(text.clone()),
            (None, ending) => ending.clone(),
        };
        let seed = u64::from(id.0) << 32 ^ now.0;
        let reconnect = match after_close(ending.code(), seat.failures, None, seed) {
            Reconnect::After { ms } if !stays_away => {
                seat.failures = seat.failures.saturating_add(1);
                seat.due = Some(now + Duration::from_millis(ms));
                self.timers.arm(id, seat.due);
                Reconnect::After { ms }
            }
            _ => Reconnect::Never,
        };
        self.observer.observe(now, id, Seen::Ended(&ending, reconnect));
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialect;
    use super::*;
    use crate::engine::Target;

    /// Keeps what it sees, in words.
    #[derive(Default)]
    struct Diary(Vec<String>);

    impl Observer for Diary {
        fn observe(&mut self, _now: Nanos, _member: MemberId, seen: Seen<'_>) {
            self.0.push(format!("{seen:?}"));
        }
    }

    const LINK: LinkId = LinkId(0);

    /// One MQTT client with a room, whose connection is on its way.
    fn crew() -> (Crew<Diary>, MemberId, Out) {
        let target = Target::new("mqtt://127.0.0.1:1883", None, false).unwrap();
        let mut crew = Crew::new(Diary::default());
        let id = crew.add(dialect(&target, 0, None));
        crew.members[0].seat.room = Some("room".into());
        crew.to_connect.clear();
        let mut out = Out::default();
        crew.members[0].dialect.greet(&mut out);
        crew.begin(id, LINK);
        crew.handle_open(Nanos(0), LINK, Duration::ZERO, &mut out);
        (crew, id, out)
    }

    fn second(count: u64) -> Nanos {
        Nanos(count * 1_000_000_000)
    }

    fn next(crew: &mut Crew<Diary>, now: Nanos) -> Option<Due> {
        let id = crew.timers.due(now)?;
        Some(crew.due(now, id))
    }

    #[test]
    fn a_server_that_is_silent_after_a_ping_is_gone() {
        let (mut crew, id, mut out) = crew();
        crew.handle_bytes(second(0), LINK, &[0x20, 2, 0, 0], &mut out);
        crew.handle_bytes(second(1), LINK, &[0x90, 3, 0, 1, 0], &mut out);
        assert!(crew.members[0].seat.is_member());
        assert_eq!(next(&mut crew, second(29)), None);
        assert_eq!(next(&mut crew, second(30)), Some(Due::Ping));
        crew.handle_bytes(second(31), LINK, &[0xd0, 0], &mut out);
        assert_eq!(next(&mut crew, second(60)), Some(Due::Ping));
        assert_eq!(next(&mut crew, second(90)), Some(Due::Close));
        crew.handle_end(second(90), LINK, &Ending::Ended);
        assert!(crew.observer.0.last().unwrap().contains("silent for 30 s"), "{:?}", crew.observer.0);
        assert_eq!((crew.opening, crew.members[0].seat.link), (0, None));
        assert!(!crew.members[id.0 as usize].seat.is_ready());
    }

    #[test]
    fn who_was_cut_off_comes_back_and_who_was_refused_does_not() {
        let (mut crew, _, mut out) = crew();
        crew.handle_bytes(second(0), LINK, &[0x20, 2, 0, 0], &mut out);
        crew.handle_end(second(1), LINK, &Ending::Broken("reset".into()));
        assert_eq!(next(&mut crew, second(20)), Some(Due::Nothing));
        assert_eq!(crew.to_connect.pop_front(), Some(MemberId(0)));
        crew.members[0].dialect.greet(&mut out);
        crew.begin(MemberId(0), LINK);
        crew.handle_open(second(20), LINK, Duration::ZERO, &mut out);
        crew.handle_bytes(second(20), LINK, &[0x20, 2, 0, 3], &mut out);
        assert_eq!(crew.to_close, [MemberId(0)]);
        crew.handle_end(second(20), LINK, &Ending::Ended);
        let last = crew.observer.0.last().unwrap();
        assert!(last.contains("NotOpened") && last.contains("Never"), "{last}");
        assert_eq!((next(&mut crew, second(100)), crew.opening), (None, 0));
    }

    #[test]
    fn nothing_is_subscribed_to_after_malformed_bytes() {
        let (mut crew, _, mut out) = crew();
        let said = out.waiting_bytes();
        crew.handle_bytes(second(0), LINK, &[0x20, 2, 0, 0, 0x00, 0], &mut out);
        assert_eq!(out.waiting_bytes(), said);
        assert!(crew.observer.0.last().unwrap().starts_with("Undecodable"), "{:?}", crew.observer.0);
        assert_eq!(crew.to_close, [MemberId(0)]);
    }
}
