//! One client's publications until they are acknowledged: in order, repeated from the first one that was not. Client view.
//!
//! What a client does that wants each publication to stand once and in order: it numbers them, keeps those without an
//! answer, and when one is refused, or the connection ends, waits for the answers that are still due and begins again with
//! the oldest.

use std::collections::VecDeque;
use std::time::Duration;

use ringway_protocol::{Position, RequestId};

use crate::engine::Nanos;

/// Publications that wait; beyond that they are not made.
const QUEUE_MAX: usize = 16_384;
/// How long to wait after a refusal that names no time.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// One that is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) sequence: u64,
    pub(super) intended: Nanos,
    /// Where the room stood when it was sent first.
    pub(super) first: Option<Position>,
    /// It is not sent for the first time.
    pub(super) again: bool,
    /// It was sent more than once.
    pub(super) repeated: bool,
}

#[derive(Debug, Default)]
pub(super) struct Talker {
    queue: VecDeque<Pending>,
    /// The next of the queue to be sent.
    cursor: usize,
    /// In the order in which they were sent, in which most are answered.
    in_flight: VecDeque<(RequestId, u64)>,
    /// One was refused: nothing is sent before the others are answered.
    back: bool,
    held_until: Nanos,
    sequence: u64,
}

impl Talker {
    /// One more is due; false when too many wait.
    pub(super) fn say(&mut self, intended: Nanos) -> bool {
        if self.queue.len() >= QUEUE_MAX {
            return false;
        }
        self.sequence += 1;
        let sequence = self.sequence;
        self.queue.push_back(Pending { sequence, intended, first: None, again: false, repeated: false });
        true
    }

    /// What to send now, with so many in flight at most.
    pub(super) fn next(&self, now: Nanos, in_flight_max: u32) -> Option<Pending> {
        let waits = self.back || now < self.held_until || self.in_flight.len() >= in_flight_max as usize;
        self.queue.get(self.cursor).copied().filter(|_| !waits)
    }

    /// That one is on its way; `stands` is where its room stood as far as the client knows.
    pub(super) fn sent(&mut self, request: RequestId, stands: Option<Position>) {
        if let Some(pending) = self.queue.get_mut(self.cursor) {
            pending.first = pending.first.or(stands);
            pending.repeated = std::mem::replace(&mut pending.again, true);
            self.in_flight.push_back((request, pending.sequence));
            self.cursor += 1;
        }
    }

    /// A request was answered well; which publication that is.
    pub(super) fn acked(&mut self, request: RequestId) -> Option<Pending> {
        let sequence = self.take(request)?;
        let pending = self.drop_from_queue(sequence);
        self.turn_back();
        pending
    }

    /// A request was refused, and may be repeated `after` some time.
    pub(super) fn refused(&mut self, now: Nanos, request: RequestId, after: Option<Duration>) {
        if self.take(request).is_some() {
            self.back = true;
            self.held_until = self.held_until.max(now + after.unwrap_or(RETRY_AFTER));
            self.turn_back();
        }
    }

    /// A request was refused for good.
    pub(super) fn gave_up(&mut self, request: RequestId) {
        self.acked(request);
    }

    /// No answer will come any more.
    pub(super) fn cut_off(&mut self) {
        self.in_flight.clear();
        self.back = true;
        self.turn_back();
    }

    /// Nothing waits.
    pub(super) fn is_done(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    fn take(&mut self, request: RequestId) -> Option<u64> {
        let index = self.in_flight.iter().position(|(sent, _)| *sent == request)?;
        self.in_flight.remove(index).map(|(_, sequence)| sequence)
    }

    fn drop_from_queue(&mut self, sequence: u64) -> Option<Pending> {
        let index = match self.queue.front() {
            Some(oldest) if oldest.sequence == sequence => 0,
            _ => self.queue.binary_search_by_key(&sequence, |pending| pending.sequence).ok()?,
        };
        self.cursor -= usize::from(index < self.cursor);
        self.queue.remove(index)
    }

    /// Begins again with the oldest, once nothing is on its way.
    fn turn_back(&mut self) {
        if self.back && self.in_flight.is_empty() {
            self.back = false;
            self.cursor = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> RequestId {
        RequestId::new(number).unwrap()
    }

    fn send(talker: &mut Talker, now: Nanos, number: u32) -> u64 {
        let pending = talker.next(now, 8).unwrap();
        talker.sent(id(number), None);
        pending.sequence
    }

    fn acked(talker: &mut Talker, number: u32) -> Option<u64> {
        talker.acked(id(number)).map(|pending| pending.sequence)
    }

    fn talker(publications: u64) -> Talker {
        let mut talker = Talker::default();
        for due in 0..publications {
            assert!(talker.say(Nanos(due)));
        }
        talker
    }

    #[test]
    fn answered_ones_are_gone_and_the_window_is_bounded() {
        let mut talker = talker(3);
        assert_eq!((send(&mut talker, Nanos(5), 1), send(&mut talker, Nanos(5), 2)), (1, 2));
        assert_eq!(talker.next(Nanos(5), 2), None);
        assert_eq!(acked(&mut talker, 1), Some(1));
        assert_eq!(acked(&mut talker, 1), None, "an answer counts once");
        assert_eq!(send(&mut talker, Nanos(5), 3), 3);
        assert_eq!(
            (acked(&mut talker, 3), acked(&mut talker, 2), talker.is_done()),
            (Some(3), Some(2), true)
        );
    }

    #[test]
    fn after_a_refusal_all_begins_again_with_the_oldest_once_the_others_are_answered() {
        let mut talker = talker(3);
        for number in 1..=3 {
            send(&mut talker, Nanos(5), number);
        }
        talker.refused(Nanos(5), id(2), Some(Duration::from_nanos(10)));
        assert_eq!(talker.next(Nanos(90), 8), None);
        assert_eq!(acked(&mut talker, 1), Some(1));
        talker.refused(Nanos(6), id(3), Some(Duration::from_nanos(10)));
        assert_eq!(talker.next(Nanos(15), 8), None, "not before its time");
        let again = talker.next(Nanos(16), 8).unwrap();
        assert_eq!((again.sequence, again.again), (2, true));
        assert_eq!((send(&mut talker, Nanos(16), 4), send(&mut talker, Nanos(16), 5)), (2, 3));
    }

    #[test]
    fn an_answer_tells_when_it_was_due_and_whether_it_was_sent_before() {
        let mut talker = talker(2);
        send(&mut talker, Nanos(5), 1);
        send(&mut talker, Nanos(5), 2);
        let first = talker.acked(id(1)).unwrap();
        assert_eq!((first.intended, first.repeated), (Nanos(0), false));
        talker.refused(Nanos(5), id(2), Some(Duration::ZERO));
        send(&mut talker, Nanos(5), 3);
        let second = talker.acked(id(3)).unwrap();
        assert_eq!((second.intended, second.repeated), (Nanos(1), true));
    }

    #[test]
    fn a_lost_connection_repeats_all_that_was_on_its_way() {
        let mut talker = talker(2);
        send(&mut talker, Nanos(5), 1);
        send(&mut talker, Nanos(5), 2);
        talker.cut_off();
        assert_eq!(talker.next(Nanos(5), 8).map(|pending| pending.sequence), Some(1));
        assert_eq!(acked(&mut talker, 1), None, "an old connection's answer means nothing");
    }

    #[test]
    fn too_many_are_not_made() {
        let mut talker = talker(QUEUE_MAX as u64);
        assert!(!talker.say(Nanos(0)));
        assert_eq!(talker.len(), QUEUE_MAX);
    }
}
