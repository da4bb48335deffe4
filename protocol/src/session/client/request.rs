//! Requests that wait for their answer, by id. Session view.
//!
//! Ids are given in ascending order and mostly answered in that order, so the table is a window over the newest ids:
//! a ring of slots with a base, no hashing, nothing allocated while nothing is outstanding.

use std::collections::VecDeque;

use super::RoomIndex;
use crate::time::Monotonic;
use crate::{Lane, RequestId};

/// Requests whose ids may lie between the oldest unanswered one and the newest.
pub const OUTSTANDING_MAX: usize = 1 << 16;

/// What a request was, as far as its answer matters to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// `hello`.
    Hello,
    /// `refresh`.
    Refresh,
    /// `join`.
    Join(RoomIndex),
    /// `join_many` with so many rooms still to be answered.
    JoinMany {
        /// Rooms not yet answered.
        left: u16,
    },
    /// `leave`.
    Leave(RoomIndex),
    /// `publish`.
    Publish {
        /// The room, if the session holds it.
        room: Option<RoomIndex>,
        /// How it travels.
        lane: Lane,
        /// False: `published` takes the place of the message in the reliable order.
        echo: bool,
    },
    /// `history`.
    History(RoomIndex),
    /// `presence`.
    Presence(RoomIndex),
    /// `ping`.
    Ping {
        /// When it was made.
        sent: Monotonic,
    },
}

/// The window of outstanding requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    /// Id of the first slot, less one: the first id ever given is 1.
    base: u32,
    slots: VecDeque<Option<Request>>,
    outstanding: u32,
}

impl Requests {
    /// Gives the next id; `None` while the window is full.
    pub(super) fn open(&mut self, request: Request) -> Option<RequestId> {
        if self.slots.len() >= OUTSTANDING_MAX {
            return None;
        }
        let mut number = self.base.wrapping_add(self.slots.len() as u32).wrapping_add(1);
        if number == 0 {
            self.slots.push_back(None);
            number = 1;
        }
        self.slots.push_back(Some(request));
        self.outstanding += 1;
        RequestId::new(number)
    }

    /// Takes the request that this id answers; a `join_many` stays until its last room is answered.
    pub(super) fn answer(&mut self, id: RequestId) -> Option<Request> {
        let index = id.get().wrapping_sub(self.base).wrapping_sub(1) as usize;
        let slot = self.slots.get_mut(index)?;
        let request = (*slot)?;
        match slot {
            Some(Request::JoinMany { left }) if *left > 1 => *left -= 1,
            _ => {
                *slot = None;
                self.outstanding -= 1;
                self.trim();
            }
        }
        Some(request)
    }

    /// How many wait.
    pub(super) const fn outstanding(&self) -> u32 {
        self.outstanding
    }

    /// Forgets all: the connection that would have carried the answers is gone.
    pub(super) fn clear(&mut self) {
        self.base = self.base.wrapping_add(self.slots.len() as u32);
        self.slots.clear();
        self.outstanding = 0;
    }

    fn trim(&mut self) {
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.base = self.base.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_any_order_find_their_requests_once() {
        let mut requests = Requests::default();
        let first = requests.open(Request::Hello).unwrap();
        let second = requests.open(Request::Join(RoomIndex(3))).unwrap();
        assert_eq!((first.get(), second.get()), (1, 2));
        assert_eq!(requests.answer(second), Some(Request::Join(RoomIndex(3))));
        assert_eq!(requests.answer(second), None);
        assert_eq!(requests.answer(first), Some(Request::Hello));
        assert_eq!(requests.outstanding(), 0);
        assert_eq!(requests.open(Request::Hello).unwrap().get(), 3);
    }

    #[test]
    fn a_join_many_is_answered_once_for_each_room() {
        let mut requests = Requests::default();
        let id = requests.open(Request::JoinMany { left: 2 }).unwrap();
        assert!(requests.answer(id).is_some());
        assert!(requests.answer(id).is_some());
        assert!(requests.answer(id).is_none());
    }

    #[test]
    fn ids_skip_zero_when_they_wrap() {
        let mut requests = Requests { base: u32::MAX - 1, ..Requests::default() };
        assert_eq!(requests.open(Request::Hello).unwrap().get(), u32::MAX);
        let wrapped = requests.open(Request::Refresh).unwrap();
        assert_eq!(wrapped.get(), 1);
        assert_eq!(requests.answer(wrapped), Some(Request::Refresh));
    }

    #[test]
    fn the_window_is_bounded() {
        let mut requests = Requests::default();
        for _ in 0..OUTSTANDING_MAX {
            requests.open(Request::Refresh).unwrap();
        }
        assert_eq!(requests.open(Request::Refresh), None);
    }
}
