//! What the scenario wants of one driver, until the driver's next pass. Client view.

use std::collections::VecDeque;

use ringway_protocol::session::client::{JoinOptions, Publication, RoomIndex};
use ringway_protocol::{Body, BodyKind, Lane, Position, RoomName};

/// Bytes of bodies that wait before further publications are refused.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// One wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Letter {
    /// Be a member.
    Join(Box<str>, JoinOptions),
    /// Be a member no more.
    LeaveRoom(RoomIndex),
    /// Publish this.
    Publish(Box<Draft>),
    /// The room should have been seen up to here.
    Expect(RoomIndex, Position),
    /// Break the connection and come back.
    Disconnect,
    /// Leave for good.
    Leave,
}

/// A publication that is its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    room: Box<str>,
    kind: BodyKind,
    body: Box<[u8]>,
    lane: Lane,
    key: Option<Box<str>>,
    echo: bool,
    answer: bool,
}

impl Draft {
    /// Load is neither idempotent nor retried.
    fn of(what: &Publication<'_>) -> Self {
        debug_assert!(what.msg_id.is_none() && what.retry.is_none());
        Self {
            room: what.room.as_str().into(),
            kind: what.body.kind,
            body: what.body.bytes.into(),
            lane: what.lane,
            key: what.key.map(Into::into),
            echo: what.echo,
            answer: what.answer,
        }
    }

    pub(super) fn publication(&self) -> Option<Publication<'_>> {
        Some(Publication {
            room: RoomName::new(&self.room)?,
            body: Body { kind: self.kind, bytes: &self.body },
            lane: self.lane,
            key: self.key.as_deref(),
            msg_id: None,
            retry: None,
            echo: self.echo,
            answer: self.answer,
        })
    }
}

/// Letters in order, publications bounded by their bytes.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    letters: VecDeque<Letter>,
    bytes: usize,
}

impl Mailbox {
    /// False when too much waits already.
    pub(super) fn publish(&mut self, what: &Publication<'_>) -> bool {
        if self.bytes + what.body.bytes.len() > BYTES_MAX {
            return false;
        }
        self.bytes += what.body.bytes.len();
        self.letters.push_back(Letter::Publish(Box::new(Draft::of(what))));
        true
    }

    pub(super) fn post(&mut self, letter: Letter) {
        self.letters.push_back(letter);
    }

    pub(super) fn take(&mut self) -> Option<Letter> {
        let letter = self.letters.pop_front();
        if let Some(Letter::Publish(draft)) = &letter {
            self.bytes -= draft.body.len();
        }
        letter
    }

    /// The connection took no more: this one is the next again.
    pub(super) fn put_back(&mut self, draft: Box<Draft>) {
        self.bytes += draft.body.len();
        self.letters.push_front(Letter::Publish(draft));
    }

    /// Without a session nothing can be published: how many publications there were.
    pub(super) fn drop_publications(&mut self) -> usize {
        let before = self.letters.len();
        self.letters.retain(|letter| !matches!(letter, Letter::Publish(_)));
        self.bytes = 0;
        before - self.letters.len()
    }

    pub(super) fn len(&self) -> usize {
        self.letters.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publication(body: &[u8]) -> Publication<'_> {
        Publication {
            room: RoomName::new("room").unwrap(),
            body: Body { kind: BodyKind::Bytes, bytes: body },
            lane: Lane::Latest,
            key: Some("k"),
            msg_id: None,
            retry: None,
            echo: false,
            answer: true,
        }
    }

    #[test]
    fn a_publication_comes_out_as_it_went_in_and_in_order() {
        let mut mailbox = Mailbox::default();
        assert!(mailbox.publish(&publication(b"one")));
        mailbox.post(Letter::Disconnect);
        assert_eq!((mailbox.len(), mailbox.bytes()), (2, 3));
        let Some(Letter::Publish(draft)) = mailbox.take() else { panic!("no publication") };
        assert_eq!(draft.publication(), Some(publication(b"one")));
        mailbox.put_back(draft);
        assert!(matches!(mailbox.take(), Some(Letter::Publish(_))));
        assert_eq!((mailbox.take(), mailbox.take(), mailbox.bytes()), (Some(Letter::Disconnect), None, 0));
    }

    #[test]
    fn what_waits_is_bounded() {
        let (mut mailbox, body) = (Mailbox::default(), vec![0; 1024 * 1024]);
        let taken = (0..100).filter(|_| mailbox.publish(&publication(&body))).count();
        assert_eq!(taken, BYTES_MAX / body.len());
    }

    #[test]
    fn without_a_session_publications_are_dropped_and_nothing_else() {
        let mut mailbox = Mailbox::default();
        mailbox.publish(&publication(b"one"));
        mailbox.post(Letter::Leave);
        mailbox.publish(&publication(b"two"));
        assert_eq!((mailbox.drop_publications(), mailbox.bytes()), (2, 0));
        assert_eq!((mailbox.take(), mailbox.take()), (Some(Letter::Leave), None));
    }
}
