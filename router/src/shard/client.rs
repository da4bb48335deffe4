//! From a client's bytes to commands: WebSocket items, frames, the session machine's steps, and what each asks of the
//! core.

use std::rc::Rc;

use ringway_core::{Departure, Encoder, Open, SessionKey};
use ringway_protocol::codec::binary::decode_command;
use ringway_protocol::codec::{DecodeError, JsonDecoder, frames};
use ringway_protocol::command::{Command, Hello};
use ringway_protocol::event::ErrorEvent;
use ringway_protocol::session::server::{Fault, Server, Step};
use ringway_protocol::websocket::{Item, Opcode, Violation, write_frame};
use ringway_protocol::{CloseCode, Event, Format, RequestId, SessionId};

use super::connection::{Client, Connection, Ending, Held, Stage};
use super::context::Rim;
use super::ingest::{OUTPUT_BYTES_MAX, answer_close};
use crate::rt::Signal;

/// The parts of a connection that a message concerns; its decoder is lent to the message.
pub(crate) struct Speaker<'a> {
    pub(crate) server: &'a mut Server,
    pub(crate) session: &'a mut Option<SessionKey>,
    pub(crate) id: &'a mut SessionId,
    pub(crate) output: &'a mut Vec<u8>,
    pub(crate) ending: &'a mut Option<Box<Ending>>,
    pub(crate) half_open: &'a mut bool,
    pub(crate) index: u32,
    pub(crate) serial: u32,
    pub(crate) ways: Ways,
}

/// What the transport can do beyond one stream of WebSocket messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ways {
    /// Frames go without WebSocket headers.
    pub(crate) bare: bool,
    /// Values leave apart from the stream.
    pub(crate) values_apart: bool,
    /// A room may have a stream of its own.
    pub(crate) room_streams: bool,
}

/// A command that can't be handled now; it begins at this byte of the message.
pub(crate) struct Blocked {
    pub(crate) at: usize,
}

/// Handles what was read; see [`super::ingest::bytes`].
pub(crate) fn bytes(
    connection: &mut Connection,
    index: u32,
    input: &mut [u8],
    json: &mut JsonDecoder,
    rim: &mut Rim,
) -> Option<Rc<Signal>> {
    rim.hear(connection);
    let mut at = 0;
    loop {
        let Connection { stage: Stage::Client(client), output, ending, half_open, serial, .. } = connection
        else {
            return None;
        };
        let Client { decoder, server, session, id } = client;
        let serial = *serial;
        let mut speaker =
            Speaker { server, session, id, output, ending, half_open, index, serial, ways: Ways::default() };
        let decoded = match decoder.decode(&mut input[at..]) {
            Ok(decoded) => decoded,
            Err(violation) => {
                speaker.violate(violation, rim);
                rim.queue(index, connection);
                return None;
            }
        };
        at += decoded.consumed;
        let (said, message, is_text) = match decoded.item {
            None => break,
            Some(Item::Binary(message)) => (speaker.binary(message, rim), message, false),
            Some(Item::Text(text)) => (speaker.text(text.as_bytes(), json, rim), text.as_bytes(), true),
            Some(Item::Ping(payload)) => {
                if speaker.output.len() < OUTPUT_BYTES_MAX {
                    write_frame(speaker.output, Opcode::Pong, payload);
                }
                rim.queue(index, connection);
                continue;
            }
            Some(Item::Pong(_)) => continue,
            Some(Item::Close { code, reason }) => {
                if speaker.goodbye(code, reason, rim) {
                    rim.queue(index, connection);
                } else {
                    connection.cut();
                }
                return None;
            }
        };
        if let Err(blocked) = said {
            let go_on = Rc::new(Signal::default());
            connection.held = Some(Box::new(Held {
                message: message[blocked.at..].to_vec(),
                is_text,
                rest: input[at..].to_vec(),
                go_on: Rc::clone(&go_on),
            }));
            return Some(go_on);
        }
    }
    if connection.has_output() || connection.ending.is_some() {
        rim.queue(index, connection);
    }
    None
}

/// Offers held input again; the reader goes on once all of it was taken.
pub(crate) fn go_on(connection: &mut Connection, index: u32, json: &mut JsonDecoder, rim: &mut Rim) {
    let Some(held) = connection.held.take() else { return };
    let Held { message, is_text, mut rest, go_on } = *held;
    let Connection { stage: Stage::Client(client), output, ending, half_open, serial, .. } = connection
    else {
        go_on.raise();
        return;
    };
    let Client { server, session, id, .. } = client;
    let serial = *serial;
    let mut speaker =
        Speaker { server, session, id, output, ending, half_open, index, serial, ways: Ways::default() };
    let said = if is_text { speaker.text(&message, json, rim) } else { speaker.binary(&message, rim) };
    if let Err(blocked) = said {
        let message = if blocked.at == 0 { message } else { message[blocked.at..].to_vec() };
        connection.held = Some(Box::new(Held { message, is_text, rest, go_on }));
        return;
    }
    // What comes after it may have to wait in its turn; then the reader goes on waiting for the same signal.
    match bytes(connection, index, &mut rest, json, rim) {
        Some(_) => {
            if let Some(held) = &mut connection.held {
                held.go_on = go_on;
            }
        }
        None => go_on.raise(),
    }
    if connection.has_output() || connection.ending.is_some() {
        rim.queue(index, connection);
    }
}

impl Speaker<'_> {
    /// Whole frames.
    pub(crate) fn binary(&mut self, message: &[u8], rim: &mut Rim) -> Result<(), Blocked> {
        if let Some(step) = self.server.handle_message(Format::Binary) {
            return self.take(step, rim, 0);
        }
        let mut at = 0;
        for frame in frames(message, rim.frame_bytes_max) {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => {
                    self.undecodable(&error, rim);
                    return Ok(());
                }
            };
            match decode_command(frame) {
                Ok(command) => {
                    let step = self.server.handle_command(command);
                    self.take(step, rim, at)?;
                    rim.figures.rim.commands += 1;
                }
                Err(error) => {
                    // A fault that the connection survives leaves the frames behind it good.
                    if self.undecodable(&error, rim) {
                        return Ok(());
                    }
                }
            }
            at += frame.len();
        }
        Ok(())
    }

    fn text(&mut self, message: &[u8], json: &mut JsonDecoder, rim: &mut Rim) -> Result<(), Blocked> {
        if let Some(step) = self.server.handle_message(Format::Json) {
            return self.take(step, rim, 0);
        }
        match json.command(message) {
            Ok(command) => {
                let step = self.server.handle_command(command);
                self.take(step, rim, 0)?;
                rim.figures.rim.commands += 1;
                Ok(())
            }
            Err(error) => {
                self.undecodable(&error, rim);
                Ok(())
            }
        }
    }

    /// Refuses what did not decode; true if that ended the connection.
    pub(crate) fn undecodable(&mut self, error: &DecodeError, rim: &mut Rim) -> bool {
        let step = self.server.handle_undecodable(error);
        let ends = matches!(step, Step::End(..) | Step::Ignore);
        // A fault is answered at once and never blocks.
        let _ = self.take(step, rim, 0);
        ends
    }

    /// Does what the machine says.
    fn take(&mut self, step: Step<'_>, rim: &mut Rim, at: usize) -> Result<(), Blocked> {
        let now = rim.clock.now();
        match step {
            Step::Ignore => {}
            Step::Command(command) => {
                if matches!(command, Command::Publish(_)) && !rim.takes_publication(self.index, self.serial) {
                    return Err(Blocked { at });
                }
                if let Some(session) = *self.session {
                    rim.core.handle_command(now, session, &command).map_err(|_| Blocked { at })?;
                }
            }
            Step::Hello(hello) => {
                self.spend_check(rim, at)?;
                self.greet(&hello, rim);
            }
            Step::Refresh(refresh) => {
                self.spend_check(rim, at)?;
                if let Some(session) = *self.session {
                    match rim.doorman.refresh(now, refresh.token) {
                        Ok(identity) => rim.core.handle_refresh(now, session, refresh.id, identity),
                        Err(code) => rim.core.handle_fault(now, session, refresh.id, code, code.text()),
                    }
                }
            }
            Step::Fault(fault) => self.fault(&fault, rim),
            Step::End(code, fault) => {
                if let Some(fault) = &fault {
                    self.fault(fault, rim);
                }
                self.end(code, code.text(), rim);
            }
        }
        Ok(())
    }

    /// Checking tokens costs: only so many a turn.
    fn spend_check(&mut self, rim: &mut Rim, at: usize) -> Result<(), Blocked> {
        match rim.checks_left.checked_sub(1) {
            Some(left) => {
                rim.checks_left = left;
                Ok(())
            }
            None => {
                rim.checks_waiting.push_back((self.index, self.serial));
                Err(Blocked { at })
            }
        }
    }

    fn greet(&mut self, hello: &Hello<'_>, rim: &mut Rim) {
        let now = rim.clock.now();
        let Some(format) = self.server.format() else { return };
        let greeted = rim.doorman.greet(now, hello).and_then(|guest| {
            let open = Open {
                id: hello.id,
                session: guest.session,
                generation: guest.generation,
                identity: guest.identity,
                format,
                resume: &guest.resume,
                connection: self.index,
                values_apart: self.ways.values_apart,
                room_streams: self.ways.room_streams,
            };
            rim.core.handle_open(now, open).map(|session| (session, guest.session))
        });
        match greeted {
            Ok((session, id)) => {
                *self.session = Some(session);
                *self.id = id;
                self.server.handle_opened(now.monotonic);
                rim.admission.half_open -= u32::from(std::mem::take(self.half_open));
            }
            Err(code) => {
                let step = self.server.handle_refused(hello.id, code);
                // Neither a fault nor an end ever blocks.
                let _ = self.take(step, rim, 0);
            }
        }
    }

    fn fault(&mut self, fault: &Fault, rim: &mut Rim) {
        let message = fault.to_string();
        match *self.session {
            Some(session) => {
                let now = rim.clock.now();
                rim.core.handle_fault(now, session, fault.id, fault.code, &message);
            }
            None => self.say_error(fault.id, fault, &message, rim),
        }
    }

    /// An `error` before there is a session to queue it for.
    fn say_error(&mut self, id: Option<RequestId>, fault: &Fault, message: &str, rim: &mut Rim) {
        rim.figures.count_error(fault.code);
        let event =
            Event::Error(ErrorEvent { id, room: None, code: fault.code, retry_after_ms: None, message });
        let format = self.server.format().unwrap_or(Format::Binary);
        let frame = rim.encoder.reply(&event, format);
        let bytes = if self.ways.bare { frame.without_header(format) } else { frame.bytes(format) };
        self.output.extend_from_slice(bytes);
    }

    /// Closes with this code: through the core if it has the session, so that `closing` comes first.
    pub(crate) fn end(&mut self, code: CloseCode, reason: &str, rim: &mut Rim) {
        let now = rim.clock.now();
        match *self.session {
            Some(session) => rim.core.handle_end(now, session, code.number(), reason),
            None if self.ending.is_none() => {
                let close = Some((code.number(), reason.to_owned()));
                *self.ending = Some(Ending::begin(now.monotonic, close));
            }
            None => {}
        }
    }

    /// The peer broke WebSocket's rules: nothing more is read.
    fn violate(&mut self, violation: Violation, rim: &mut Rim) {
        if self.server.has_ended() {
            return;
        }
        self.server.handle_end();
        let code = match violation {
            Violation::MessageTooBig => CloseCode::FrameTooLarge,
            _ => CloseCode::ProtocolError,
        };
        self.end(code, violation.text(), rim);
    }

    /// The client closes: 1000 says that it leaves; anything else, as a page that is left, that it may come back.
    /// False if no close frame can be sent any more, since another frame is cut.
    fn goodbye(&mut self, code: Option<u16>, reason: &str, rim: &mut Rim) -> bool {
        let now = rim.clock.now();
        self.server.handle_end();
        let mut cut = false;
        if let Some(session) = self.session.take() {
            let departure = if code == Some(1000) { Departure::Left } else { Departure::Detached };
            cut = rim.core.waiting(session).mid_frame;
            rim.core.handle_close(now, session, departure);
        }
        match self.ending {
            // It answers ours, or crosses it: either way both have said it once ours is written.
            Some(ending) => {
                if ending.close.take().is_some() && !cut {
                    answer_close(self.output, code, reason);
                }
            }
            None => {
                if !cut {
                    answer_close(self.output, code, reason);
                }
                *self.ending = Some(Ending::begin(now.monotonic, None));
            }
        }
        !cut
    }
}

impl Rim {
    /// Something came from this client.
    fn hear(&mut self, connection: &mut Connection) {
        if let Stage::Client(client) = &mut connection.stage {
            client.server.handle_heard(self.clock.now().monotonic);
        }
    }

    /// The connection is of use now: it is no longer half-open.
    pub(crate) fn greeted(&mut self, connection: &mut Connection) {
        self.admission.half_open -= u32::from(std::mem::take(&mut connection.half_open));
    }
}
