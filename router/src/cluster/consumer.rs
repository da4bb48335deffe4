//! Who acts on what the member says: the seam between the control thread and the shards.

use ringway_cluster::Term;
use ringway_cluster::member::{Effect, Member};
use tracing::{debug, warn};

use super::driver::Handle;

/// Takes effects, in their order, on the control thread. It must not block.
///
/// `member` may be ahead of the effect, because some effects wait for the disk: ask it for what holds now (the commit rule of a slot, the
/// standby's registration), and the effect for what is to be done.
pub trait Consumer {
    /// One effect. `Renewed` is not among them: shards have the [`super::Lease`].
    fn effect(&mut self, effect: Effect, member: &Member);

    /// Nothing more for now: what was taken is to be acted on together.
    fn end(&mut self, member: &Member) {
        let _ = member;
    }
}

/// A consumer without rooms: it gives away what it is asked for and has nothing to transfer, so that membership works by itself.
#[derive(Debug)]
pub struct Roomless {
    handle: Handle,
}

impl Roomless {
    /// Answers by this handle.
    #[must_use]
    pub const fn new(handle: Handle) -> Self {
        Self { handle }
    }
}

impl Consumer for Roomless {
    fn effect(&mut self, effect: Effect, _: &Member) {
        let said = match effect {
            Effect::Freeze { slot, term } => self.handle.frozen(slot, term),
            // The term that it names is the next owner's.
            Effect::Transfer { slot, term, .. } => {
                self.handle.transferred(slot, Term(term.0.saturating_sub(1)), false)
            }
            _ => Ok(()),
        };
        if let Err(busy) = said {
            warn!(?effect, %busy, "an answer to the cluster was lost");
        }
        debug!(?effect, "cluster");
    }
}
