//! The clients of one thread: a session machine, a format and perhaps a connection each. Thread view.
//!
//! [`Crew`] is what a [`Fleet`](super::Fleet) hands its messages to. It decodes, asks the session machine what they
//! mean, and tells the scenario, an [`Observer`]. Most messages take the short way: a glance at handle and offset, one
//! compare in the machine, and the body to the observer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ringway_protocol::codec::{BinaryEncoder, JsonDecoder, binary, json};
use ringway_protocol::session::client::{Action, Client, Options, Reaction};
use ringway_protocol::websocket::Item;
use ringway_protocol::{Command, Event, Format, RequestId, SessionId};

use super::observer::{Arrival, Breach, MemberId, Observer, Seen};
use super::timers::Timers;
use super::{Ending, Handler, LinkId, Nanos, Out, glance};

/// One client.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) client: Client,
    pub(super) format: Format,
    pub(super) link: Option<LinkId>,
    /// The connection is on its way.
    pub(super) opening: bool,
    /// Connections that were begun.
    pub(super) opened: u32,
}

/// The clients of one thread, and the scenario that watches them.
pub(super) struct Crew<O> {
    pub(super) observer: O,
    pub(super) members: Vec<Member>,
    /// By link; links are dense.
    pub(super) by_link: Vec<MemberId>,
    pub(super) timers: Timers,
    pub(super) to_connect: VecDeque<MemberId>,
    pub(super) to_close: Vec<MemberId>,
    /// Connections on their way.
    pub(super) opening: u32,
    encoder: BinaryEncoder,
    decoder: JsonDecoder,
    text: Vec<u8>,
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
            encoder: BinaryEncoder::new(),
            decoder: JsonDecoder::new(),
            text: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, format: Format, options: &Arc<Options>) -> MemberId {
        let id = MemberId(self.members.len() as u32);
        let mut client = Client::new(options.clone());
        if client.poll_action() == Some(Action::Connect) {
            self.to_connect.push_back(id);
        }
        self.members.push(Member { client, format, link: None, opening: false, opened: 0 });
        id
    }

    /// Appends one command in the member's format.
    pub(super) fn encode(
        encoder: &mut BinaryEncoder,
        text: &mut Vec<u8>,
        format: Format,
        command: &Command<'_>,
        out: &mut Out,
    ) {
        match format {
            Format::Binary => out.command(format, encoder.command(command)),
            Format::Json => {
                text.clear();
                json::encode_command(command, text);
                out.command(format, text);
            }
        }
    }

    /// Sends what the machine wants to say, tells the observer of violations, and notes actions and deadlines.
    pub(super) fn pump(&mut self, now: Nanos, id: MemberId, out: Option<&mut Out>) {
        let Some(member) = self.members.get_mut(id.0 as usize) else { return };
        let client = &mut member.client;
        if let Some(out) = out {
            while let Some(command) = client.poll_command(now.monotonic()) {
                Self::encode(&mut self.encoder, &mut self.text, member.format, &command, out);
            }
        }
        while let Some(violation) = client.poll_violation() {
            self.observer.observe(now, id, Seen::Violation(Breach::of(client, &violation)));
        }
        match client.poll_action() {
            Some(Action::Connect) => self.to_connect.push_back(id),
            Some(Action::Close) => self.to_close.push(id),
            None => {}
        }
        self.timers.arm(id, client.poll_timeout().map(Nanos::of));
    }

    /// Encodes one publish, which an answer may come to; `None` when the client can't say it now.
    pub(super) fn publish(
        &mut self,
        now: Nanos,
        id: MemberId,
        what: &ringway_protocol::session::client::Publication<'_>,
        out: &mut Out,
    ) -> Option<Option<RequestId>> {
        let member = self.members.get_mut(id.0 as usize)?;
        let command = member.client.publish(now.monotonic(), what).ok()?;
        Self::encode(&mut self.encoder, &mut self.text, member.format, &command, out);
        Some(match command {
            Command::Publish(publish) => publish.id,
            _ => None,
        })
    }

    fn member_of(&self, link: LinkId) -> MemberId {
        self.by_link.get(link.0 as usize).copied().unwrap_or(MemberId(u32::MAX))
    }

    /// All frames of a binary message; false when only the short way was taken.
    fn take_binary(&mut self, now: Nanos, id: MemberId, mut message: &[u8]) -> bool {
        let Some(member) = self.members.get_mut(id.0 as usize) else { return false };
        let client = &mut member.client;
        let mut decoded = false;
        while !message.is_empty() {
            let Some(frame) = glance::split_frame(&mut message) else {
                let text = "a message that ends within a frame";
                self.observer.observe(now, id, Seen::Undecodable(text));
                return true;
            };
            let seen = glance::binary(frame)
                .and_then(|seen| Some((client.handle_next(now.monotonic(), seen.room, seen.offset)?, seen)));
            if let Some((room, seen)) = seen {
                let arrival = Arrival::next(room, seen.offset, seen.body);
                self.observer.observe(now, id, Seen::Message(arrival));
                continue;
            }
            decoded = true;
            match binary::decode_event(frame) {
                Ok(event) => {
                    tell(&mut self.observer, now, id, client, &event, frame);
                    while let Some(held) = client.poll_held() {
                        if let Ok(event) = binary::decode_event(&held) {
                            tell(&mut self.observer, now, id, client, &event, &held);
                        }
                    }
                }
                Err(fault) => {
                    self.observer.observe(now, id, Seen::Undecodable(&fault.to_string()));
                }
            }
        }
        decoded
    }

    /// A text message; false when only the short way was taken.
    fn take_text(&mut self, now: Nanos, id: MemberId, text: &str) -> bool {
        let Some(member) = self.members.get_mut(id.0 as usize) else { return false };
        let client = &mut member.client;
        let seen = glance::json(text).and_then(|seen| {
            let handle = client.room(client.room_index(seen.room)?)?.handle();
            Some((client.handle_next(now.monotonic(), handle, seen.offset)?, seen))
        });
        if let Some((room, seen)) = seen {
            let arrival = Arrival::next(room, seen.offset, seen.body);
            self.observer.observe(now, id, Seen::Message(arrival));
            return false;
        }
        match self.decoder.event(text.as_bytes()) {
            Ok(event) => tell(&mut self.observer, now, id, client, &event, text.as_bytes()),
            Err(fault) => self.observer.observe(now, id, Seen::Undecodable(&fault.to_string())),
        }
        true
    }
}

/// Asks the machine what an event means and tells the observer.
fn tell(
    observer: &mut impl Observer,
    now: Nanos,
    id: MemberId,
    client: &mut Client,
    event: &Event<'_>,
    frame: &[u8],
) {
    let reaction = client.handle_event(now.monotonic(), event);
    if reaction == Reaction::UnknownRoom {
        client.hold(frame);
    } else if let Some(seen) = Seen::of(client, reaction, event) {
        observer.observe(now, id, seen);
    }
}

impl<O: Observer> Handler for Crew<O> {
    fn handle_open(&mut self, now: Nanos, link: LinkId, took: Duration, out: &mut Out) {
        let id = self.member_of(link);
        if let Some(member) = self.members.get_mut(id.0 as usize) {
            self.opening -= u32::from(std::mem::take(&mut member.opening));
            member.client.handle_connected(now.monotonic());
            let first = member.client.session() == SessionId(0);
            self.observer.observe(now, id, Seen::Opened { took, first });
        }
        self.pump(now, id, Some(out));
    }

    fn handle_item(&mut self, now: Nanos, link: LinkId, item: Item<'_>, out: &mut Out) {
        let id = self.member_of(link);
        let decoded = match item {
            Item::Binary(message) => self.take_binary(now, id, message),
            Item::Text(text) => self.take_text(now, id, text),
            _ => false,
        };
        if decoded {
            self.pump(now, id, Some(out));
        }
    }

    fn handle_end(&mut self, now: Nanos, link: LinkId, ending: &Ending) {
        let id = self.member_of(link);
        let Some(member) = self.members.get_mut(id.0 as usize) else { return };
        member.link = None;
        self.opening -= u32::from(std::mem::take(&mut member.opening));
        let seed = u64::from(id.0) << 32 ^ now.0;
        let reconnect = member.client.handle_closed(now.monotonic(), ending.code(), seed);
        self.observer.observe(now, id, Seen::Ended(ending, reconnect));
        self.pump(now, id, None);
    }
}
