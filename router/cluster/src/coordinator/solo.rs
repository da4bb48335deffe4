//! The coordinator of a machine that is alone: nothing to install, nothing to ask, the default.
//!
//! One client, answered at once. It begins with nobody's slots, all at one term below the one that was given, so that the node takes
//! them all at exactly that term: a counter that the rim keeps on disk and raises at each start.

use super::memory::{ClientId, Memory};
use super::{Coordinator, Event, Key, Request, Token};
use crate::map::{Chunk, ChunkId};
use crate::record::{ClusterId, Root};
use crate::slot::Term;

const ONLY: ClientId = ClientId(0);

/// Everything local.
#[derive(Clone, Debug)]
pub struct Solo {
    memory: Memory,
}

impl Solo {
    /// For the node of this machine, which will own all slots at `term` (1 at the first start, one more at each).
    #[must_use]
    pub fn new(cluster: ClusterId, term: Term) -> Self {
        let mut memory = Memory::new();
        memory.put(Key::Root, Some(Root { cluster }.encode()));
        let before = Term(term.0.saturating_sub(1).min(Term::MAX.0));
        ChunkId::all()
            .for_each(|chunk| memory.put(Key::Chunk(chunk), Some(Chunk::vacant(chunk, before).encode())));
        Self { memory }
    }
}

impl Coordinator for Solo {
    fn submit(&mut self, token: Token, request: Request) -> Result<(), Request> {
        self.memory.client(ONLY).submit(token, request)?;
        self.memory.turn();
        Ok(())
    }

    fn poll(&mut self) -> Option<(Token, Event)> {
        self.memory.client(ONLY).poll()
    }
}
