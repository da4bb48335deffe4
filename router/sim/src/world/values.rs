//! Values that leave apart from the stream: the rim's side of `poll_values`.

use ringway_core::Taken;
use ringway_protocol::event::Place;

use super::World;
use crate::client::Conn;
use crate::encoder::{Heard, Record};
use crate::model::Ledger;
use crate::trace::Mark;
use crate::world::Ways;

impl World {
    /// Offers the values that wait to the transport. Whether any is left, or went to the stream.
    pub(super) fn flush_values(&mut self, index: usize) -> bool {
        let now = self.now();
        let Conn { ways: Some(ways), key: Some(key), shard, pipe, format, .. } = &mut self.conns[index]
        else {
            return false;
        };
        let core = &mut self.nodes[*shard].shard;
        if !core.waiting(*key).latest {
            ways.values_wait = false;
            return false;
        }
        let mut fault = None;
        let mut with_stream = false;
        core.poll_values(now, *key, &mut |frame, tag, may_be_lost| {
            let record = &frame.record;
            let bytes = u64::from(frame.bytes_in(*format).unwrap_or(0));
            let checked = may_leave(&self.ledger, ways, record, may_be_lost);
            let offered = checked.and_then(|()| {
                ways.offer_value(record, bytes, tag, may_be_lost, now.monotonic.0, pipe.capacity)
            });
            let taken = offered.unwrap_or_else(|sentence| {
                fault.get_or_insert(sentence);
                Taken::NotNow
            });
            with_stream |= taken == Taken::WithStream;
            self.trace.note(Mark::Value, &[index as u64, record.serial, taken as u64]);
            taken
        });
        ways.values_wait = core.waiting(*key).latest;
        let again = with_stream || ways.values_wait;
        if let Some(sentence) = fault {
            self.fail(format!("conn {index}: {sentence}"));
        }
        again
    }
}

/// A value leaves only behind the `joined` or `reset` that begins its order, and only what may be lost is offered as that.
fn may_leave(ledger: &Ledger, ways: &Ways, record: &Record, may_be_lost: bool) -> Result<(), String> {
    let Heard::Message(said) = &record.event else {
        return Err(format!("{:?} is offered as a value", record.event));
    };
    let Place::Version(version) = said.place else { return Err(format!("{said:?} is offered as a value")) };
    if may_be_lost != (said.lane == ringway_protocol::Lane::Unreliable) {
        return Err(format!("may {said:?} be lost? The core says {may_be_lost}"));
    }
    let Some(&room) = ledger.handles.get(&said.handle) else {
        return Err(format!("a value of the unknown room {}", said.handle));
    };
    let epoch = ledger.version_of(room, version.0, record.serial).map(|(epoch, _)| epoch);
    let told = ways.told(&ledger.names[room]);
    if epoch.is_none() || epoch != told {
        return Err(format!("a value of order {epoch:?} leaves, the client was told of {told:?}: {said:?}"));
    }
    Ok(())
}
