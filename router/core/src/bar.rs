//! Who may not publish for a while, because a publication of theirs was refused and is to be repeated.
//!
//! Edge view. A client may have sent more before it is told of a refusal: those must not overtake the repetition. So
//! everything of that session in that room is refused as well, until the refused one comes again, known by its `msg_id`:
//! what comes behind that was sent by somebody who knew. Without a `msg_id`, or if it does not come, time lifts the bar.
//!
//! Refusals do not come in the order of what is refused: what waited for a standby is refused later than what came behind it
//! and was refused at once. Ordinals tell what was sent first: that is what the bar waits for. And they tell what was sent
//! before the repetition that passed: its refusal bars nobody anew.

use std::collections::BTreeMap;

use ringway_protocol::RoomHandle;

use crate::SessionKey;
use crate::time::Monotonic;

/// How long a bar stands if the repetition can't be known. Clients repeat at once, or after a second
/// ([`ringway_protocol::Retry::After`]).
const UNKNOWN_MS: u64 = 1_000;
/// How long it stands, if its repetition does not come.
const KNOWN_MS: u64 = 3_000;
/// How long it is remembered that a repetition has passed: longer than what was sent before may be on its way.
const PASSED_MS: u64 = 20_000;

/// By session and room.
#[derive(Debug, Default)]
pub(crate) struct Bars(BTreeMap<(SessionKey, RoomHandle), Bar>);

#[derive(Debug)]
struct Bar {
    state: State,
    /// The refusal of what was sent before this one bars nobody.
    passed: u64,
    until: Monotonic,
}

#[derive(Debug)]
enum State {
    Open,
    /// Until this comes again, by its `msg_id`, and what ordinal it had. `None`: nobody can know.
    Closed(Option<Box<[u8]>>, u64),
}

impl Bars {
    /// A publication is refused. Where a bar stands already, it waits for whichever was sent first.
    pub(crate) fn raise(
        &mut self,
        now: Monotonic,
        of: (SessionKey, RoomHandle),
        msg_id: Option<&[u8]>,
        ordinal: u64,
    ) {
        let until = now.plus_ms(if msg_id.is_some() { KNOWN_MS } else { UNKNOWN_MS });
        let bar = self.0.entry(of).or_insert_with(|| Bar { state: State::Open, passed: 0, until });
        let earlier = match bar.state {
            State::Open => ordinal >= bar.passed,
            State::Closed(_, first) => ordinal < first && ordinal >= bar.passed,
        };
        if earlier {
            (bar.state, bar.until) = (State::Closed(msg_id.map(Into::into), ordinal), until);
        }
    }

    /// Whether a publication may pass, as that with this ordinal. The repetition of what was refused opens the bar.
    pub(crate) fn admits(
        &mut self,
        now: Monotonic,
        of: (SessionKey, RoomHandle),
        msg_id: Option<&[u8]>,
        ordinal: u64,
    ) -> bool {
        // Nearly always there is none.
        if self.0.is_empty() {
            return true;
        }
        let Some(bar) = self.0.get_mut(&of) else { return true };
        match &bar.state {
            State::Open => true,
            State::Closed(first, _) if first.is_some() && first.as_deref() == msg_id => {
                *bar = Bar { state: State::Open, passed: ordinal, until: now.plus_ms(PASSED_MS) };
                true
            }
            State::Closed(..) => false,
        }
    }

    /// Takes away what has stood for its time, but for those whose time begins anew.
    pub(crate) fn expire(&mut self, now: Monotonic, again: impl Fn(SessionKey) -> bool) {
        self.0.retain(|(session, _), bar| {
            if bar.until > now {
                return true;
            }
            let again = matches!(bar.state, State::Closed(..)) && again(*session);
            bar.until = now.plus_ms(UNKNOWN_MS);
            again
        });
    }

    /// When the next one has.
    pub(crate) fn next(&self) -> Option<Monotonic> {
        self.0.values().map(|bar| bar.until).min()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: (SessionKey, RoomHandle) = (SessionKey { index: 1, reuse: 0 }, RoomHandle(7));
    const BOB: (SessionKey, RoomHandle) = (SessionKey { index: 2, reuse: 0 }, RoomHandle(7));

    const fn at(ms: u64) -> Monotonic {
        Monotonic(ms * 1_000)
    }

    fn admits(bars: &mut Bars, ms: u64, msg_id: &[u8], ordinal: u64) -> bool {
        bars.admits(at(ms), ANN, Some(msg_id), ordinal)
    }

    #[test]
    fn later_ones_wait_for_the_repetition_of_the_first() {
        let mut bars = Bars::default();
        bars.raise(at(0), ANN, Some(b"a"), 1);
        bars.raise(at(0), ANN, Some(b"b"), 2);
        assert!(!admits(&mut bars, 10, b"b", 3) && !bars.admits(at(10), ANN, None, 4));
        assert!(bars.admits(at(10), BOB, Some(b"b"), 5), "another session's own");
        assert!(admits(&mut bars, 10, b"a", 6) && admits(&mut bars, 10, b"b", 7));
    }

    #[test]
    fn what_was_sent_first_is_waited_for_whenever_it_is_refused() {
        let mut bars = Bars::default();
        for (msg_id, ordinal) in [(b"c", 3), (b"a", 1), (b"b", 2)] {
            bars.raise(at(0), ANN, Some(msg_id), ordinal);
        }
        assert!(!admits(&mut bars, 10, b"c", 4) && !admits(&mut bars, 10, b"b", 5));
        assert!(admits(&mut bars, 10, b"a", 6) && admits(&mut bars, 10, b"b", 7));
    }

    #[test]
    fn a_refusal_of_what_was_sent_before_the_repetition_bars_nobody_anew() {
        let mut bars = Bars::default();
        bars.raise(at(0), ANN, Some(b"a"), 1);
        assert!(admits(&mut bars, 10, b"a", 3));
        bars.raise(at(20), ANN, Some(b"b"), 2);
        assert!(admits(&mut bars, 20, b"b", 4));
        // But that of one that was sent since does.
        bars.raise(at(30), ANN, Some(b"a"), 3);
        assert!(!admits(&mut bars, 30, b"b", 5));
        assert!(admits(&mut bars, 30, b"a", 6));
    }

    #[test]
    fn a_bar_falls_by_time_if_nobody_repeats() {
        let mut bars = Bars::default();
        bars.raise(at(0), ANN, None, 1);
        bars.raise(at(0), BOB, Some(b"b"), 2);
        assert_eq!((bars.next(), bars.len()), (Some(at(1_000)), 2));
        bars.expire(at(999), |_| false);
        assert!(!bars.admits(at(999), ANN, None, 3));
        // Whose commands were not read may have sent more before it was told.
        bars.expire(at(1_000), |session| session == ANN.0);
        assert!(!bars.admits(at(1_000), ANN, None, 4));
        bars.expire(at(2_000), |_| false);
        assert!(bars.admits(at(2_000), ANN, None, 5));
        assert!(!bars.admits(at(2_000), BOB, Some(b"c"), 6));
        bars.expire(at(3_000), |_| false);
        assert_eq!((bars.len(), bars.next()), (0, None));
    }
}
