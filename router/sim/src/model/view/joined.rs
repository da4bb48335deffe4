//! A membership begins: what `joined` may claim, given what was asked and what the room's owner still has.

use ringway_protocol::SessionId;
use ringway_protocol::command::Since;

use super::{Stage, View};
use crate::encoder::{Joined, Record};
use crate::model::{Ledger, Presence, Way};

impl View {
    /// `joined`, in answer to a join.
    ///
    /// # Errors
    /// When it claims what is not so.
    pub fn joined(
        &mut self,
        ledger: &Ledger,
        room: usize,
        record: &Record,
        joined: &Joined,
        me: SessionId,
        way: Way,
    ) -> Result<(), String> {
        let id = joined.id.unwrap_or(0);
        let Some(asked) = self.joins.remove(&id) else {
            return Err(format!("joined without a join: {joined:?}"));
        };
        if self.stage == Stage::In && !self.left_silently {
            return Err("joined again without having left".into());
        }
        let position = joined.position;
        let told = ledger.rooms[room].order(position.epoch).map_or(0, |order| order.said.len() as u64);
        let newest = position.offset.0;
        if newest > told {
            return Err(format!("joined at {newest}, but only {told} were published"));
        }
        if let Some(stood) = asked.stood
            && stood.epoch == position.epoch
            && stood.offset > position.offset
        {
            return Err(format!("joined at {newest}, though the order stood at {} before", stood.offset));
        }
        let span = ledger.spans.get(&record.serial).copied().flatten();
        let replay = u64::from(joined.replay);
        let mut kept_from = span.filter(|span| span.epoch == position.epoch).map_or(1, |span| span.first.0);
        if ledger.pressed && replay <= newest {
            // Another room of the same request may have cost this one its past after the answer was made.
            kept_from = kept_from.min(newest + 1 - replay);
        }
        let (next, owed, expected, recovered) = match asked.since {
            None => (newest + 1, None, 0, true),
            Some(Since::Last(count)) => {
                let wanted = (newest + 1).saturating_sub(u64::from(count)).max(1).max(kept_from);
                (wanted, None, newest + 1 - wanted, true)
            }
            Some(Since::Position(since)) if since.epoch != position.epoch => (newest + 1, None, 0, false),
            Some(Since::Position(since)) if since.offset.0 > newest => (newest + 1, None, 0, false),
            Some(Since::Position(since)) => {
                let from = (since.offset.0 + 1).max(kept_from);
                let lost = from > since.offset.0 + 1;
                let owed = lost.then(|| (since.offset.0 + 1, from - 1));
                (since.offset.0 + 1, owed, newest + 1 - from, !lost)
            }
        };
        if joined.recovered != recovered || replay != expected {
            return Err(format!(
                "asked {:?}, told recovered {} and replay {replay}, but history begins at {kept_from} and the order \
                 stands at {newest}",
                asked.since, joined.recovered
            ));
        }
        let same_order = matches!(asked.since, Some(Since::Position(since)) if since.epoch == position.epoch);
        match &asked.listed {
            Some(listed) if same_order => self.keys.rejoin(listed),
            _ if self.epoch == position.epoch => self.keys.forget(),
            _ => self.keys.void(joined.version.0),
        }
        if matches!(way, Way::Stream(_)) && !asked.stream {
            return Err(format!("joined on {way:?}, which nobody asked for"));
        }
        if self.stage == Stage::In && way != self.way {
            self.abandoned.insert(self.way);
        }
        self.abandoned.remove(&way);
        self.way = way;
        self.floor = joined.version;
        self.order_serial = record.serial;
        self.stage = Stage::In;
        self.left_silently = asked.doomed;
        self.epoch = position.epoch;
        self.next = next;
        self.joined_serial = record.serial;
        self.joined_at = newest;
        self.owed = owed;
        self.replayed = replay > 0;
        self.presence = (asked.presence && joined.count > 0).then(|| Presence::new(joined));
        if self.presence.as_ref().is_some_and(|presence| presence.complete && !presence.members.contains(&me))
        {
            return Err(format!("{me} is not in its own list: {:?}", joined.members));
        }
        Ok(())
    }
}
