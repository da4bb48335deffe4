//! The coordinator: the one place where the cluster agrees. A narrow trait in submit/poll form, so that it never blocks and the
//! simulator can be one.
//!
//! What an engine must give: transactions that compare the revisions of several keys and write several, all or nothing; linearizable
//! reads; and a watch that delivers every change in the order of revisions, or says that it can't. One revision counts all changes.
//!
//! An engine is one file. `Etcd` is to live in the binary crate, on the control thread: `submit` puts the request into a bounded channel
//! to a tokio task that owns `etcd_client::Client`; the task maps [`Key::path`] to a key, [`Compare`] to
//! `Compare::mod_revision(key, Equal, n)` (0 for absent), [`Put`] to `TxnOp::put` or `delete`, [`Request::Read`] to a serializable-off
//! range `get`, [`Request::Watch`] to a watch with `start_revision`, and every answer to an [`Event`], which `poll` takes from a second
//! channel. Revisions are etcd's own (`header.revision`, `mod_revision`). A time-out or a broken stream is [`Event::Unknown`] for
//! transactions and reads and [`Event::Broken`] for watches, a compacted watch is [`Event::Compacted`]; nothing is tried again by the engine:
//! whether that is right is the member's to know.

mod key;
mod memory;
mod solo;

pub use key::{Key, Prefix};
pub use memory::{ClientId, Memory, MemoryClient, Snapshot};
pub use solo::Solo;

/// A place in the coordinator's one order of changes; 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// Ties an event to its request; chosen by the caller, who does not use one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// A key must have been changed last at this revision; `Revision(0)`: it must not be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compare {
    /// Which key.
    pub key: Key,
    /// When it changed last.
    pub revision: Revision,
}

/// What a key becomes; `None`: it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Which key.
    pub key: Key,
    /// Its value.
    pub value: Option<Vec<u8>>,
}

/// One key as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which key.
    pub key: Key,
    /// When it changed last.
    pub revision: Revision,
    /// Its value; `None` in a watch when it went.
    pub value: Option<Vec<u8>>,
}

/// All or nothing: at most 128 comparisons and 128 puts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// All must hold.
    pub compare: Vec<Compare>,
    /// Then these are written, at one revision.
    pub put: Vec<Put>,
}

/// What a member asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Answered by [`Event::Committed`], [`Event::Refused`] or [`Event::Unknown`].
    Transact(Transaction),
    /// Answered by [`Event::Rows`] or [`Event::Unknown`].
    Read(Prefix),
    /// Every change from a revision on, as [`Event::Changed`], until [`Event::Compacted`], [`Event::Broken`] or [`Request::Unwatch`].
    Watch(Prefix, Revision),
    /// Ends the watch of this request's own token.
    Unwatch,
}

/// What the coordinator says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The transaction was committed at this revision.
    Committed(Revision),
    /// A comparison did not hold; the revision is of the refusal.
    Refused(Revision),
    /// No answer: a transaction may have been committed, and *may yet be*.
    Unknown,
    /// All keys of the prefix, as of the revision.
    Rows(Revision, Vec<Row>),
    /// Changes at one or more revisions, in order, nothing left out; the revision is the last one that they cover.
    Changed(Revision, Vec<Row>),
    /// The watch is over: what it would have to say is no longer kept. Read, then watch from there.
    Compacted,
    /// The watch is over for another reason: watch again from where it was.
    Broken,
}

/// The engine. `submit` hands over, `poll` takes what has come; neither waits.
///
/// # Errors
/// `submit` gives the request back when its queue is full: the caller tries again after the next event or timeout.
pub trait Coordinator {
    /// Hands a request over.
    ///
    /// # Errors
    /// The request, if there is no room.
    fn submit(&mut self, token: Token, request: Request) -> Result<(), Request>;

    /// The next event, with the token of its request. Events of one watch come in their order.
    fn poll(&mut self) -> Option<(Token, Event)>;
}
