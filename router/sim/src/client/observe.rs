//! What a connection hears: each frame matched with what was asked, and checked against the ledger.

use std::sync::Arc;

use ringway_core::audit::Span;
use ringway_core::settings::Overflow;
use ringway_protocol::event::Place;
use ringway_protocol::{ErrorCode, Lane};

use super::{Asked, Conn};
use crate::encoder::{Heard, Joined, Members, Page, Published, Record};
use crate::model::{LEFT_OVER, Ledger, Stage, Verdict, Way};

/// Why a value is not told yet.
pub const HELD: &str = "value held for a joined";

/// What the checker knows beside the ledger when a frame is heard.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Which way it came.
    pub way: Way,
    /// Now, in microseconds.
    pub now: u64,
    /// The room the frame names stands so, if its owner has it.
    pub span: Option<Span>,
    /// What its namespace does to slow consumers.
    pub overflow: Overflow,
    /// A newer incarnation of the session exists.
    pub superseded: bool,
}

/// What the client learns beside its views.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// This intent was answered.
    pub answered: Option<usize>,
    /// The session can't be kept.
    pub stale: bool,
    /// The application is not told, for this reason.
    pub unheard: Option<&'static str>,
}

impl Conn {
    /// One frame.
    ///
    /// # Errors
    /// When it breaks a promise.
    pub fn hear(&mut self, ledger: &Ledger, record: &Arc<Record>, facts: Facts) -> Result<Told, String> {
        let mut told = Told::default();
        let way = facts.way;
        // Streams are in no order to each other.
        let on_control = way == Way::Control;
        if self.closing.is_some() && on_control {
            return Err(format!("{:?} comes after closing", record.event));
        }
        // A session that is closed for reading too slowly may never get its welcome.
        let early = !self.welcomed && matches!(record.event, Heard::Closing { .. });
        if on_control && !early && self.welcomed == matches!(record.event, Heard::Welcome { .. }) {
            return Err(format!(
                "{:?} comes {} welcome",
                record.event,
                if self.welcomed { "as a second" } else { "before" }
            ));
        }
        if let Some(unheard) = self.check_way(ledger, record, way)? {
            told.unheard = Some(unheard);
            return Ok(told);
        }
        match &record.event {
            Heard::Welcome { session, .. } => {
                self.welcomed = true;
                if *session != self.session {
                    return Err(format!("{session} is welcomed instead of {}", self.session));
                }
            }
            Heard::Refreshed { id } => {
                let refreshed = self.refreshing.iter().find(|(number, _)| Some(*number) == *id);
                let Some((_, expires)) = refreshed else {
                    return Err(format!("refreshed {id:?} was not asked for"));
                };
                self.expires = Some(*expires);
                self.take(*id);
            }
            Heard::Pong { id } => match self.take(*id) {
                Some(Asked::Plain) => {}
                asked => return Err(format!("{:?} answers {asked:?}", record.event)),
            },
            Heard::Joined(joined) => {
                let room = room_of(ledger, &joined.room)?;
                self.take_room(joined.id, room)?;
                let me = self.session;
                self.check_stream(room, joined, way)?;
                self.view(room).joined(ledger, room, record, joined, me, way)?;
            }
            Heard::Left { id, room } => {
                let room = room_of(ledger, room)?;
                match self.take(*id) {
                    Some(Asked::Leave(asked)) if asked == room => {}
                    asked => return Err(format!("left {room} answers {asked:?}")),
                }
                let view = self.view(room);
                view.leaves -= 1;
                view.left(way)?;
            }
            Heard::Published(published) => told.answered = self.published(ledger, published, way)?,
            Heard::History(page) => {
                let room = room_of(ledger, &page.room)?;
                match self.take(page.id) {
                    Some(Asked::History(asked, from, limit)) if asked == room => {
                        self.view(room).begin_page(ledger, record, page, from, limit, way)?;
                    }
                    asked => return Err(format!("a page of {room} answers {asked:?}")),
                }
            }
            Heard::Presence(page) => {
                let room = room_of(ledger, &page.room)?;
                match self.take(page.id) {
                    Some(Asked::Presence(asked)) if asked == room => {}
                    asked => return Err(format!("presence of {room} answers {asked:?}")),
                }
                let sorted = page.members.windows(2).all(|pair| pair[0] < pair[1]);
                let rest = page.cursor.is_some() && page.members.is_empty();
                if !sorted || rest || page.members.len() as u32 > page.count {
                    return Err(format!("an impossible page of presence: {page:?}"));
                }
            }
            Heard::Message(said) => {
                let Some(&room) = ledger.handles.get(&said.handle) else {
                    return Err(format!("a message of the unknown room {}", said.handle));
                };
                let several = self.ways.is_some();
                match self.view(room).message(ledger, room, record, said, way, several)? {
                    Verdict::Told => {}
                    Verdict::Dropped(reason) => told.unheard = Some(reason),
                    Verdict::Held => {
                        self.held.push(record.clone());
                        told.unheard = Some(HELD);
                    }
                }
            }
            Heard::PresenceChanged(changed) => {
                let room = room_of(ledger, &changed.room)?;
                self.view(room).presence_changed(changed)?;
            }
            Heard::Gap { room, from, to } => {
                let room = room_of(ledger, room)?;
                self.view(room).gap(*from, *to, facts.span, facts.overflow)?;
            }
            Heard::Reset { room, position, version } => {
                let room = room_of(ledger, room)?;
                self.view(room).reset(ledger, room, *position, *version, record.serial)?;
            }
            Heard::Error { id, room, code, .. } => {
                let room = room.as_ref().map(|room| room_of(ledger, room)).transpose()?;
                told = self.error(ledger, *id, room, *code, facts)?;
            }
            Heard::Closing { code, .. } => self.closing = Some(*code),
        }
        Ok(told)
    }

    fn published(
        &mut self,
        ledger: &Ledger,
        published: &Published,
        way: Way,
    ) -> Result<Option<usize>, String> {
        let room = room_of(ledger, &published.room)?;
        let (intent, echo, removal) = match self.take(Some(published.id)) {
            Some(Asked::Publish { intent, echo, removal, .. }) => (intent, echo, removal),
            asked => return Err(format!("{published:?} answers {asked:?}")),
        };
        let meant = &ledger.intents[intent];
        if meant.room != room {
            return Err(format!("{published:?} answers {meant:?}"));
        }
        match published.place {
            Place::Offset(offset) => {
                if meant.lane != Lane::Reliable || !meant.places.contains(&(published.epoch, offset.0)) {
                    return Err(format!("{published:?} answers {meant:?}"));
                }
                if !echo && !published.duplicate {
                    self.view(room).published_in_place(published, way)?;
                }
            }
            Place::Version(version) => {
                let Some(known) = ledger.version(room, published.epoch, version.0) else {
                    return Err(format!("{published:?} claims a version that nothing has"));
                };
                let right = match &removal {
                    Some(key) => known.removed && known.key == *key && known.session == self.session,
                    None => meant.places.contains(&(published.epoch, version.0)),
                };
                if !right || known.lane != meant.lane || published.duplicate {
                    return Err(format!("{published:?}, which is {known:?}, answers {meant:?}"));
                }
                let view = self.view(room);
                // On another way it may be of an older membership, whose keys are forgotten.
                let fresh = way == view.way || version > view.floor;
                if !echo && view.stage == Stage::In && view.epoch == published.epoch && fresh {
                    view.keys.own(version.0, known);
                }
            }
        }
        Ok(Some(intent))
    }

    fn error(
        &mut self,
        ledger: &Ledger,
        id: Option<u32>,
        room: Option<usize>,
        code: ErrorCode,
        facts: Facts,
    ) -> Result<Told, String> {
        let mut told = Told::default();
        if matches!(code, ErrorCode::Internal | ErrorCode::HandleTaken) {
            return Err(format!("the core says {code:?}"));
        }
        if id.is_none() {
            return Ok(told);
        }
        if room.is_none()
            && let Some(Asked::Join(rooms)) = id.and_then(|id| self.asked.get(&id))
        {
            // Without a name it refuses the whole request.
            for room in rooms.clone() {
                self.take_room(id, room)?;
                self.view(room).joins.remove(&id.unwrap_or(0));
            }
        } else if let Some(room) = room {
            self.take_room(id, room)?;
            self.view(room).joins.remove(&id.unwrap_or(0));
        } else {
            match self.take(id) {
                Some(Asked::Leave(room)) => self.view(room).leaves -= 1,
                Some(Asked::Publish { intent, retry, .. }) => {
                    told.answered = Some(intent);
                    let room = ledger.intents[intent].room;
                    // A room that ended and began anew has told nobody of its new order yet.
                    let anew =
                        facts.span.is_none_or(|span| retry.is_none_or(|retry| retry.epoch != span.epoch));
                    let forgotten =
                        retry.is_some() && (anew || ledger.may_have_forgotten(room, retry, facts.now));
                    if code == ErrorCode::OutcomeUnknown && !forgotten {
                        return Err(format!("outcome_unknown for {retry:?}, which can't be forgotten"));
                    }
                }
                Some(Asked::History(..) | Asked::Presence(_) | Asked::Plain) => {}
                asked @ (Some(Asked::Join(_)) | None) => return Err(format!("{code:?} answers {asked:?}")),
            }
        }
        if code == ErrorCode::ResumeStale {
            told.stale = true;
            if !facts.superseded {
                return Err("resume_stale, but there is no newer incarnation".into());
            }
        }
        Ok(told)
    }

    /// Whether the frame may come this way; why it is dropped, if it is of a membership that ended without a word.
    fn check_way(&self, ledger: &Ledger, record: &Record, way: Way) -> Result<Option<&'static str>, String> {
        let event = &record.event;
        let (room, answer) = match event {
            Heard::Message(_) | Heard::Joined(_) => return Ok(None),
            Heard::Gap { room, .. } | Heard::Reset { room, .. } => (room, false),
            Heard::PresenceChanged(changed) => (&changed.room, false),
            Heard::Left { room, .. } => (room, true),
            Heard::Published(Published { room, .. })
            | Heard::History(Page { room, .. })
            | Heard::Presence(Members { room, .. }) => (room, true),
            _ if way == Way::Control => return Ok(None),
            _ => return Err(format!("{event:?} comes on {way:?}")),
        };
        // What was asked without being a member is answered on the control stream.
        if answer && way == Way::Control {
            return Ok(None);
        }
        let heard = match self.views.get(&room_of(ledger, room)?) {
            Some(view) => view.hears(way)?,
            None => return Err(format!("{event:?} comes on {way:?} before joined")),
        };
        Ok((!heard && !answer).then_some(LEFT_OVER))
    }

    /// A room gets the stream it asked for, unless there is none to be had or it is on its way out.
    fn check_stream(&mut self, room: usize, joined: &Joined, way: Way) -> Result<(), String> {
        let enough = self.ways.as_ref().is_some_and(|ways| ways.had_streams_enough());
        let view = self.view(room);
        let asked = view.joins.get(&joined.id.unwrap_or(0));
        let due = enough && !view.is_leaving() && asked.is_some_and(|asked| asked.stream && !asked.doomed);
        if due && way == Way::Control {
            return Err("joined on the control stream, though a stream was asked for".into());
        }
        Ok(())
    }

    fn take(&mut self, id: Option<u32>) -> Option<Asked> {
        self.asked.remove(&id?)
    }

    /// One room's answer to a join, alone or among many.
    fn take_room(&mut self, id: Option<u32>, room: usize) -> Result<(), String> {
        let number = id.ok_or("an answer to a join has no id")?;
        let Some(Asked::Join(rooms)) = self.asked.get_mut(&number) else {
            return Err(format!("join {number} of {room} is answered, but was not asked"));
        };
        if !rooms.remove(&room) {
            return Err(format!("join {number} of {room} is answered twice"));
        }
        if rooms.is_empty() {
            self.asked.remove(&number);
        }
        Ok(())
    }
}

fn room_of(ledger: &Ledger, name: &str) -> Result<usize, String> {
    ledger.room_of(name).ok_or_else(|| format!("the room {name} is unknown"))
}
