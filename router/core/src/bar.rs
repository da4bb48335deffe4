//! Who may not publish for a moment, because a publication of theirs was refused and is to be repeated.
//!
//! Shard view; an edge has one for its sessions, an owner one for those that publish in its rooms. A client may have sent more before it is told of a
//! refusal: those must not overtake the repetition. So everything of that session in that room is refused as well, until the refused one comes again,
//! known by its `msg_id`, or for a second. Time alone would not do: a bar that ends while a client's publications come in lets the last of them pass.

use std::collections::BTreeMap;

use ringway_protocol::RoomHandle;

use crate::time::{Monotonic, Now};

/// How long a bar stands if nothing opens it. Clients repeat at once, or after a second ([`ringway_protocol::Retry::After`]).
const BAR_MS: u64 = 1_000;

/// By session, as `K` names it, and room.
#[derive(Debug)]
pub(crate) struct Bars<K>(BTreeMap<(K, RoomHandle), Bar>);

#[derive(Debug)]
struct Bar {
    until: Monotonic,
    /// The first one that was refused. `None`: it had no `msg_id`, its repetition can't be known.
    first: Option<Box<[u8]>>,
}

impl<K: Ord> Bars<K> {
    pub(crate) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// A publication is refused. Where a bar stands already, it goes on waiting for the one that it waits for.
    pub(crate) fn raise(&mut self, now: Now, session: K, handle: RoomHandle, msg_id: Option<&[u8]>) {
        self.expire(now);
        let until = now.monotonic.plus_ms(BAR_MS);
        self.0.entry((session, handle)).or_insert_with(|| Bar { until, first: msg_id.map(Into::into) });
    }

    /// Whether a publication may pass. The repetition of what was refused opens the bar.
    pub(crate) fn admits(&mut self, now: Now, session: K, handle: RoomHandle, msg_id: Option<&[u8]>) -> bool {
        if self.0.is_empty() {
            return true;
        }
        self.expire(now);
        let key = (session, handle);
        let Some(bar) = self.0.get(&key) else { return true };
        let opens = bar.first.is_some() && bar.first.as_deref() == msg_id;
        if opens {
            self.0.remove(&key);
        }
        opens
    }

    /// Takes away what has stood for its time.
    pub(crate) fn expire(&mut self, now: Now) {
        self.0.retain(|_, bar| now.monotonic < bar.until);
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

    const ROOM: RoomHandle = RoomHandle(7);

    fn at(ms: u64) -> Now {
        Now { monotonic: Monotonic(ms * 1_000), ..Now::default() }
    }

    #[test]
    fn later_ones_wait_for_the_repetition_of_the_first() {
        let mut bars = Bars::new();
        bars.raise(at(0), 1, ROOM, Some(b"a"));
        bars.raise(at(0), 1, ROOM, Some(b"b"));
        assert!(!bars.admits(at(10), 1, ROOM, Some(b"b")) && !bars.admits(at(10), 1, ROOM, None));
        assert!(bars.admits(at(10), 2, ROOM, Some(b"b")), "another session's own");
        assert!(bars.admits(at(10), 1, ROOM, Some(b"a")));
        assert!(bars.admits(at(10), 1, ROOM, Some(b"b")));
    }

    #[test]
    fn a_bar_stands_for_a_second_if_nobody_repeats() {
        let mut bars = Bars::new();
        bars.raise(at(0), 1, ROOM, None);
        assert_eq!((bars.next(), bars.len()), (Some(Monotonic(1_000_000)), 1));
        assert!(!bars.admits(at(999), 1, ROOM, None));
        assert!(bars.admits(at(1_000), 1, ROOM, None));
    }

    #[test]
    fn a_repetition_that_is_refused_again_bars_anew() {
        let mut bars = Bars::new();
        bars.raise(at(0), 1, ROOM, Some(b"a"));
        assert!(bars.admits(at(990), 1, ROOM, Some(b"a")));
        bars.raise(at(990), 1, ROOM, Some(b"a"));
        assert!(
            !bars.admits(at(1_010), 1, ROOM, Some(b"k")),
            "the first bar's time is none of the second one's"
        );
    }
}
