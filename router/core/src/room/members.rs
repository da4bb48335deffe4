//! Who is in a room, by session id: a sorted list while small, a tree when large.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringway_protocol::{Format, Generation, SessionId};

use crate::small;
use crate::time::Monotonic;
use crate::{EdgeId, SessionKey};

/// From this size on the list becomes a tree.
const LIST_MAX: usize = 32;

/// One member.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) session: SessionId,
    pub(crate) generation: Generation,
    pub(crate) user: Arc<str>,
    pub(crate) info: Option<Arc<str>>,
    /// Where it is connected; `None` while its connection is broken.
    pub(crate) place: Option<MemberPlace>,
    /// When a member without connection goes.
    pub(crate) leaves_at: Monotonic,
    /// Whether it is told of presence.
    pub(crate) presence: bool,
    /// Whether it ever set a key.
    pub(crate) has_keys: bool,
}

/// Where a member is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemberPlace {
    pub(crate) edge: EdgeId,
    pub(crate) key: SessionKey,
    pub(crate) format: Format,
}

/// All members.
pub(crate) enum Members {
    List(Vec<Member>),
    Tree(BTreeMap<SessionId, Member>),
}

impl Members {
    pub(crate) const fn new() -> Self {
        Self::List(Vec::new())
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Tree(tree) => tree.len(),
        }
    }

    pub(crate) fn find(&mut self, session: SessionId) -> Option<&mut Member> {
        match self {
            Self::List(list) => {
                let index = list.binary_search_by_key(&session, |member| member.session).ok()?;
                list.get_mut(index)
            }
            Self::Tree(tree) => tree.get_mut(&session),
        }
    }

    /// Visits all, in the order of their session ids.
    pub(crate) fn for_each_mut(&mut self, change: impl FnMut(&mut Member)) {
        match self {
            Self::List(list) => list.iter_mut().for_each(change),
            Self::Tree(tree) => tree.values_mut().for_each(change),
        }
    }

    /// Adds a member whose session is not in here yet.
    pub(crate) fn insert(&mut self, member: Member) {
        match self {
            Self::List(list) if list.len() < LIST_MAX => {
                let index = list.partition_point(|other| other.session < member.session);
                small::make_room(list);
                list.insert(index, member);
            }
            Self::List(list) => {
                let mut tree: BTreeMap<_, _> =
                    list.drain(..).map(|member| (member.session, member)).collect();
                tree.insert(member.session, member);
                *self = Self::Tree(tree);
            }
            Self::Tree(tree) => {
                tree.insert(member.session, member);
            }
        }
    }

    pub(crate) fn remove(&mut self, session: SessionId) -> Option<Member> {
        match self {
            Self::List(list) => {
                let index = list.binary_search_by_key(&session, |member| member.session).ok()?;
                let member = list.remove(index);
                if list.is_empty() {
                    *list = Vec::new();
                }
                Some(member)
            }
            Self::Tree(tree) => {
                let member = tree.remove(&session);
                if tree.len() <= LIST_MAX / 2 {
                    *self = Self::List(core::mem::take(tree).into_values().collect());
                }
                member
            }
        }
    }

    /// Members after `cursor` in the order of their session ids; all without a cursor.
    pub(crate) fn after(&self, cursor: Option<SessionId>) -> Box<dyn Iterator<Item = &Member> + '_> {
        match self {
            Self::List(list) => {
                let start =
                    cursor.map_or(0, |cursor| list.partition_point(|member| member.session <= cursor));
                Box::new(list[start..].iter())
            }
            Self::Tree(tree) => match cursor {
                Some(SessionId(u64::MAX)) => Box::new(core::iter::empty()),
                Some(SessionId(cursor)) => {
                    Box::new(tree.range(SessionId(cursor + 1)..).map(|(_, member)| member))
                }
                None => Box::new(tree.values()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(session: u64) -> Member {
        Member {
            session: SessionId(session),
            generation: Generation(1),
            user: "user".into(),
            info: None,
            place: None,
            leaves_at: Monotonic(0),
            presence: false,
            has_keys: false,
        }
    }

    #[test]
    fn members_stay_in_order_while_the_list_becomes_a_tree_and_back() {
        let mut members = Members::new();
        for session in (1..=100).rev() {
            members.insert(member(session));
        }
        let ids = |members: &Members, cursor| -> Vec<u64> {
            members.after(cursor).map(|member| member.session.0).collect()
        };
        assert_eq!(ids(&members, None), (1..=100).collect::<Vec<_>>());
        assert_eq!(ids(&members, Some(SessionId(98))), [99, 100]);
        assert_eq!(ids(&members, Some(SessionId(u64::MAX))), [] as [u64; 0]);
        for session in 1..=95 {
            assert!(members.remove(SessionId(session)).is_some());
        }
        assert!(matches!(members, Members::List(_)));
        assert_eq!(ids(&members, Some(SessionId(97))), [98, 99, 100]);
        assert_eq!(members.len(), 5);
        assert!(members.find(SessionId(96)).is_some());
        assert!(members.find(SessionId(95)).is_none());
    }
}
