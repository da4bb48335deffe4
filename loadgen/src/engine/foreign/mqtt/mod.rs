//! MQTT 3.1.1 (OASIS, 29 October 2014) with QoS 0 and 1: a room is a topic, a body is a payload.
//!
//! Sessions are clean, so nothing of a connection survives it: neither side sends again what the last connection left
//! unacknowledged (§4.4 asks for that only without a clean session). At-least-once excuses a repetition after a
//! reconnect, and there alone: on one connection TCP loses nothing, so a publication that comes twice is a duplicate,
//! with the DUP flag or without. Publications that a broker had retained before are not of this run and count for
//! nothing.

mod packet;

use std::collections::VecDeque;
use std::time::Duration;

use ringway_protocol::Body;

use self::packet::{Connect, Packet};
use super::super::{Out, Target};
use super::dialect::{Dialect, Heard, Tell};

/// Promised to the broker (§3.1.2.10), which may close a connection that was silent for one and a half of it.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// Publications without an acknowledgement: packet identifiers end at 65,535 (§2.3.1).
const OUTSTANDING_MAX: usize = 32_768;
/// What a client with a token and no user of its own says it is: a password needs a user (§3.1.2.9).
const USER: &str = "load";

/// One client.
pub(super) struct Mqtt {
    client_id: String,
    login: Option<(String, String)>,
    qos: u8,
    stage: Stage,
    topic: Box<str>,
    /// The beginning of a packet whose end has not come.
    held: Vec<u8>,
    /// Identifiers of publications without an acknowledgement, oldest first.
    outstanding: VecDeque<u16>,
    last_id: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// CONNECT is said.
    Connecting,
    Connected,
    /// SUBSCRIBE with this identifier is said.
    Subscribing(u16),
    Subscribed,
    /// Something malformed came: the rest is not read.
    Dead,
}

impl Mqtt {
    pub(super) fn new(target: &Target, number: u32, token: Option<&str>) -> Self {
        let user =
            |login: &Option<(String, String)>| login.as_ref().map_or(USER, |login| &login.0).to_owned();
        Self {
            // With a part of this process's own: a second client of the same name would take the first one's place.
            client_id: format!("load-{number}-{:x}", std::process::id() & 0xff_ffff),
            login: match token {
                Some(token) => Some((user(&target.login), token.to_owned())),
                None => target.login.clone(),
            },
            qos: target.qos,
            stage: Stage::Connecting,
            topic: Box::default(),
            held: Vec::new(),
            outstanding: VecDeque::new(),
            last_id: 0,
        }
    }

    /// An identifier that is not in use; the caller has seen to it that there is one.
    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            // Acknowledgements come in order, so the next number is free but for a broker that leaves some out.
            if !self.outstanding.contains(&self.last_id) {
                return self.last_id;
            }
        }
    }

    /// Takes whole packets off the front.
    fn read(&mut self, input: &mut &[u8], out: &mut Out, tell: Tell<'_>) -> Result<(), &'static str> {
        while let Some(packet) = packet::decode(input)? {
            self.on_packet(&packet, out, &mut *tell)?;
            if self.stage == Stage::Dead {
                return Ok(());
            }
        }
        Ok(())
    }

    fn on_packet(&mut self, packet: &Packet<'_>, out: &mut Out, tell: Tell<'_>) -> Result<(), &'static str> {
        match (packet, self.stage) {
            (Packet::ConnAck { code: 0, session_present: false }, Stage::Connecting) => {
                self.stage = Stage::Connected;
                tell(Heard::Ready);
            }
            (Packet::ConnAck { code: 0, .. }, Stage::Connecting) => {
                return Err("CONNACK tells of a session, but a clean one was asked for");
            }
            (Packet::ConnAck { code, .. }, Stage::Connecting) => {
                self.refuse(format!("CONNACK {code}: {}", packet::refusal(*code)), tell);
            }
            (Packet::ConnAck { .. }, _) => return Err("a second CONNACK"),
            (_, Stage::Connecting) => return Err("a packet before CONNACK"),
            (Packet::SubAck { id, granted }, Stage::Subscribing(asked)) if *id == asked => {
                if *granted == self.qos {
                    self.stage = Stage::Subscribed;
                    tell(Heard::Joined);
                } else if *granted == packet::SUBSCRIPTION_REFUSED {
                    self.refuse(
                        format!("SUBACK: the broker refuses the subscription to {}", self.topic),
                        tell,
                    );
                } else if *granted < self.qos {
                    let asked = self.qos;
                    self.refuse(format!("SUBACK: QoS {granted} was granted, {asked} asked for"), tell);
                } else {
                    return Err("SUBACK grants a higher QoS than was asked for");
                }
            }
            (Packet::SubAck { .. }, _) => return Err("SUBACK without its SUBSCRIBE"),
            (Packet::Publish { topic, body, id, retained }, Stage::Subscribing(_) | Stage::Subscribed) => {
                if **topic != *self.topic {
                    return Err("a publication of a topic that was not subscribed to");
                }
                if let Some(id) = id {
                    if self.qos == 0 {
                        return Err("QoS 1 on a subscription of QoS 0");
                    }
                    packet::write_puback(*id, out.raw());
                }
                if !retained {
                    tell(Heard::Message(body));
                }
            }
            (Packet::Publish { .. }, _) => return Err("a publication without a subscription"),
            (Packet::PubAck { id }, _) => {
                let at = self.outstanding.iter().position(|outstanding| outstanding == id);
                let Some(at) = at else { return Err("PUBACK for a publication that is not outstanding") };
                self.outstanding.remove(at);
            }
            (Packet::PingResp, _) => {}
        }
        Ok(())
    }

    fn refuse(&mut self, text: String, tell: Tell<'_>) {
        self.stage = Stage::Dead;
        tell(Heard::Refused(text));
    }
}

impl Dialect for Mqtt {
    fn is_websocket(&self) -> bool {
        false
    }

    fn greet(&mut self, out: &mut Out) {
        self.stage = Stage::Connecting;
        self.held = Vec::new();
        self.outstanding.clear();
        let keep_alive_s = KEEP_ALIVE.as_secs() as u16;
        let login = self.login.as_ref().map(|(user, password)| (user.as_str(), password.as_str()));
        Connect { client_id: &self.client_id, login, keep_alive_s }.write(out.raw());
    }

    fn handle_open(&mut self, _tell: Tell<'_>) {}

    fn handle(&mut self, bytes: &[u8], out: &mut Out, tell: Tell<'_>) {
        if self.stage == Stage::Dead {
            return;
        }
        let mut held = std::mem::take(&mut self.held);
        let mut input = bytes;
        if !held.is_empty() {
            held.extend_from_slice(bytes);
            input = &held;
        }
        if let Err(text) = self.read(&mut input, out, &mut *tell) {
            self.stage = Stage::Dead;
            return tell(Heard::Malformed(text));
        }
        if !input.is_empty() {
            self.held = input.to_vec();
        }
    }

    fn subscribe(&mut self, room: &str, out: &mut Out, _tell: Tell<'_>) {
        if self.stage != Stage::Connected {
            return;
        }
        self.topic = room.into();
        let id = self.next_id();
        self.stage = Stage::Subscribing(id);
        packet::write_subscribe(id, room, self.qos, out.raw());
    }

    fn publish(&mut self, room: &str, body: Body<'_>, out: &mut Out) -> bool {
        let mut id = None;
        if self.qos > 0 {
            if self.outstanding.len() >= OUTSTANDING_MAX {
                return false;
            }
            let next = self.next_id();
            self.outstanding.push_back(next);
            id = Some(next);
        }
        packet::write_publish(room, id, body.bytes, out.raw());
        true
    }

    fn ping_every(&self) -> Option<Duration> {
        Some(KEEP_ALIVE / 2)
    }

    fn ping(&mut self, out: &mut Out) {
        packet::write_pingreq(out.raw());
    }

    fn leave(&mut self, out: &mut Out) {
        if !matches!(self.stage, Stage::Connecting | Stage::Dead) {
            packet::write_disconnect(out.raw());
        }
    }

    fn outstanding(&self) -> u32 {
        self.outstanding.len() as u32
    }
}

#[cfg(test)]
mod tests;
