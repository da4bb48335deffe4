//! A coordinator in memory, for tests and simulations: linearizable, with revisions, and with the faults of a real one.
//!
//! Each client has queues of its own. A request is looked at by [`Memory::turn`], not when it is submitted, so that a test decides what
//! comes first; a client that is cut off gets no answers, and its requests are kept (`delayed`: they may be committed much later, after the
//! client was told "unknown") or lost.

use super::{Compare, Coordinator, Event, Key, Prefix, Request, Revision, Row, Token, Transaction};
use std::collections::{BTreeMap, VecDeque};

/// Requests of one client that wait at most.
const REQUESTS_MAX: usize = 256;
/// Changes that are kept for watches.
const LOG_MAX: usize = 65_536;

/// Who submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// The store.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    revision: Revision,
    rows: BTreeMap<Key, (Revision, Vec<u8>)>,
    /// Changes after `compacted`, in order.
    log: VecDeque<Row>,
    compacted: Revision,
    clients: BTreeMap<ClientId, Client>,
    unavailable: bool,
}

/// What was stored at some time.
#[derive(Clone, Debug)]
pub struct Snapshot {
    revision: Revision,
    rows: BTreeMap<Key, (Revision, Vec<u8>)>,
}

#[derive(Clone, Debug, Default)]
struct Client {
    requests: VecDeque<(Token, Request)>,
    /// Transactions on their way although their client gave up on them.
    ghosts: VecDeque<Transaction>,
    events: VecDeque<(Token, Event)>,
    watches: BTreeMap<Token, (Prefix, Revision)>,
    cut: bool,
}

/// One client's end.
#[derive(Debug)]
pub struct MemoryClient<'a> {
    memory: &'a mut Memory,
    client: ClientId,
}

impl Memory {
    /// Empty, at revision 1 (as etcd is).
    #[must_use]
    pub fn new() -> Self {
        Self { revision: Revision(1), compacted: Revision(1), ..Self::default() }
    }

    /// A client's end; the first use makes the client.
    pub fn client(&mut self, client: ClientId) -> MemoryClient<'_> {
        MemoryClient { memory: self, client }
    }

    /// Looks at what waits, one request of each client in turn until none waits, and tells watches what changed.
    pub fn turn(&mut self) {
        if !self.unavailable {
            let clients: Vec<ClientId> = self.clients.keys().copied().collect();
            let mut idle = false;
            while !idle {
                idle = true;
                for id in &clients {
                    let next = self
                        .clients
                        .get_mut(id)
                        .filter(|client| !client.cut)
                        .and_then(|client| client.requests.pop_front());
                    if let Some((token, request)) = next {
                        idle = false;
                        self.answer(*id, token, request);
                    }
                }
            }
        }
        self.tell();
    }

    /// The coordinator has no leader, or is not running: nothing is answered. On return, what waits is looked at.
    pub fn set_available(&mut self, available: bool) {
        self.unavailable = !available;
        if !available {
            let ids: Vec<ClientId> = self.clients.keys().copied().collect();
            ids.into_iter().for_each(|id| self.give_up(id));
        }
    }

    /// Cuts one client off, or lets it in again. While it is cut off nothing comes or goes; its watches break.
    pub fn set_cut(&mut self, client: ClientId, cut: bool) {
        if cut {
            self.give_up(client);
        }
        self.clients.entry(client).or_default().cut = cut;
    }

    /// All that a client waits for becomes unknown: its transactions are late, not lost (see [`Memory::commit_late`]).
    pub fn give_up(&mut self, client: ClientId) {
        let client = self.clients.entry(client).or_default();
        for (token, request) in client.requests.drain(..) {
            if let Request::Transact(transaction) = request {
                client.ghosts.push_back(transaction);
                client.events.push_back((token, Event::Unknown));
            } else if !matches!(request, Request::Unwatch) {
                let watch = matches!(request, Request::Watch(..));
                client.events.push_back((token, if watch { Event::Broken } else { Event::Unknown }));
            }
        }
        let watches = core::mem::take(&mut client.watches);
        client.events.extend(watches.into_keys().map(|token| (token, Event::Broken)));
    }

    /// The transactions that clients have given up on arrive after all.
    pub fn commit_late(&mut self) {
        let ghosts: Vec<Transaction> =
            self.clients.values_mut().flat_map(|client| client.ghosts.drain(..)).collect();
        for ghost in &ghosts {
            self.commit(ghost);
        }
    }

    /// Forgets the changes that watches could ask for; watches that are behind learn it.
    pub fn compact(&mut self) {
        self.log.clear();
        self.compacted = self.revision;
    }

    /// Everything is gone.
    pub fn wipe(&mut self) {
        self.restore(&Self::new().snapshot());
    }

    /// What is stored now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { revision: self.revision, rows: self.rows.clone() }
    }

    /// As from a backup: watches break, what waits is unknown and lost.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        let ids: Vec<ClientId> = self.clients.keys().copied().collect();
        ids.into_iter().for_each(|id| self.give_up(id));
        self.clients.values_mut().for_each(|client| client.ghosts.clear());
        (self.revision, self.rows) = (snapshot.revision, snapshot.rows.clone());
        self.compact();
    }

    /// The value of a key.
    #[must_use]
    pub fn value(&self, key: Key) -> Option<&[u8]> {
        self.rows.get(&key).map(|(_, value)| value.as_slice())
    }

    /// When a key changed last; `Revision(0)` if it is not there.
    #[must_use]
    pub fn revision_of(&self, key: Key) -> Revision {
        self.rows.get(&key).map_or(Revision(0), |(revision, _)| *revision)
    }

    /// Writes past everybody, as an operator's hand does.
    pub fn put(&mut self, key: Key, value: Option<Vec<u8>>) {
        self.commit(&Transaction { compare: Vec::new(), put: vec![super::Put { key, value }] });
    }

    fn answer(&mut self, id: ClientId, token: Token, request: Request) {
        let event = match request {
            Request::Transact(transaction) => Some(if self.commit(&transaction) {
                Event::Committed(self.revision)
            } else {
                Event::Refused(self.revision)
            }),
            Request::Read(prefix) => {
                let rows = self.rows.iter().filter(|(key, _)| prefix.holds(**key));
                let rows = rows.map(|(key, (revision, value))| Row {
                    key: *key,
                    revision: *revision,
                    value: Some(value.clone()),
                });
                Some(Event::Rows(self.revision, rows.collect()))
            }
            Request::Watch(prefix, from) => {
                self.clients.entry(id).or_default().watches.insert(token, (prefix, from));
                None
            }
            Request::Unwatch => {
                self.clients.entry(id).or_default().watches.remove(&token);
                None
            }
        };
        let events = &mut self.clients.entry(id).or_default().events;
        events.extend(event.map(|event| (token, event)));
    }

    fn commit(&mut self, transaction: &Transaction) -> bool {
        let holds = |compare: &Compare| self.revision_of(compare.key) == compare.revision;
        if !transaction.compare.iter().all(holds) {
            return false;
        }
        self.revision.0 += 1;
        for put in &transaction.put {
            match &put.value {
                Some(value) => drop(self.rows.insert(put.key, (self.revision, value.clone()))),
                None => drop(self.rows.remove(&put.key)),
            }
            self.log.push_back(Row { key: put.key, revision: self.revision, value: put.value.clone() });
        }
        while self.log.len() > LOG_MAX {
            self.compacted = self.log.pop_front().map_or(self.compacted, |row| row.revision);
        }
        true
    }

    fn tell(&mut self) {
        if self.unavailable {
            return;
        }
        for client in self.clients.values_mut().filter(|client| !client.cut) {
            let mut over = Vec::new();
            for (token, (prefix, from)) in &mut client.watches {
                if *from <= self.compacted && self.compacted > Revision(1) && *from <= self.revision {
                    over.push(*token);
                    continue;
                }
                let start = self.log.partition_point(|row| row.revision < *from);
                let news: Vec<Row> =
                    self.log.range(start..).filter(|row| prefix.holds(row.key)).cloned().collect();
                *from = (*from).max(Revision(self.revision.0 + 1));
                if !news.is_empty() {
                    client.events.push_back((*token, Event::Changed(self.revision, news)));
                }
            }
            for token in over {
                client.watches.remove(&token);
                client.events.push_back((token, Event::Compacted));
            }
        }
    }
}

impl Coordinator for MemoryClient<'_> {
    fn submit(&mut self, token: Token, request: Request) -> Result<(), Request> {
        let lost = self.memory.unavailable;
        let client = self.memory.clients.entry(self.client).or_default();
        if client.requests.len() >= REQUESTS_MAX {
            return Err(request);
        }
        client.requests.push_back((token, request));
        if lost || client.cut {
            self.memory.give_up(self.client);
        }
        Ok(())
    }

    fn poll(&mut self) -> Option<(Token, Event)> {
        self.memory.clients.get_mut(&self.client)?.events.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeId;
    use crate::coordinator::Put;

    const ME: ClientId = ClientId(1);

    fn put(key: Key, revision: u64, value: &[u8]) -> Request {
        Request::Transact(Transaction {
            compare: vec![Compare { key, revision: Revision(revision) }],
            put: vec![Put { key, value: Some(value.to_vec()) }],
        })
    }

    fn ask(memory: &mut Memory, token: u64, request: Request) -> Vec<(Token, Event)> {
        memory.client(ME).submit(Token(token), request).unwrap();
        memory.turn();
        events(memory)
    }

    fn events(memory: &mut Memory) -> Vec<(Token, Event)> {
        core::iter::from_fn(|| memory.client(ME).poll()).collect()
    }

    #[test]
    fn only_one_of_two_that_compare_the_same_is_committed() {
        let mut memory = Memory::new();
        assert_eq!(ask(&mut memory, 1, put(Key::Root, 0, b"a")), [(Token(1), Event::Committed(Revision(2)))]);
        assert_eq!(ask(&mut memory, 2, put(Key::Root, 0, b"b")), [(Token(2), Event::Refused(Revision(2)))]);
        assert_eq!(ask(&mut memory, 3, put(Key::Root, 2, b"c")), [(Token(3), Event::Committed(Revision(3)))]);
        assert_eq!(memory.value(Key::Root), Some(b"c".as_slice()));
    }

    #[test]
    fn a_watch_tells_everything_once_or_that_it_cannot() {
        let mut memory = Memory::new();
        ask(&mut memory, 1, put(Key::Root, 0, b"a"));
        ask(&mut memory, 2, put(Key::Beat(NodeId(1)), 0, b"x"));
        let seen = ask(&mut memory, 3, Request::Watch(Prefix::Cluster, Revision(2)));
        assert!(matches!(&seen[..], [(Token(3), Event::Changed(Revision(3), rows))] if rows.len() == 1));
        assert_eq!(ask(&mut memory, 4, put(Key::Control, 0, b"b")).len(), 2);
        memory.turn();
        assert_eq!(events(&mut memory), []);
        memory.compact();
        assert_eq!(
            ask(&mut memory, 5, Request::Watch(Prefix::Cluster, Revision(2))),
            [(Token(5), Event::Compacted)]
        );
        memory.turn();
        assert_eq!(events(&mut memory), [], "a watch that is not behind goes on");
    }

    #[test]
    fn what_a_client_gave_up_on_may_be_committed_late() {
        let mut memory = Memory::new();
        memory.set_available(false);
        assert_eq!(ask(&mut memory, 1, put(Key::Root, 0, b"a")), [(Token(1), Event::Unknown)]);
        memory.set_available(true);
        memory.turn();
        assert_eq!(memory.value(Key::Root), None);
        memory.commit_late();
        assert_eq!(memory.value(Key::Root), Some(b"a".as_slice()));
    }

    #[test]
    fn a_backup_brings_back_old_revisions() {
        let mut memory = Memory::new();
        ask(&mut memory, 1, put(Key::Root, 0, b"a"));
        let backup = memory.snapshot();
        ask(&mut memory, 2, put(Key::Root, 2, b"b"));
        memory.restore(&backup);
        assert_eq!(memory.revision_of(Key::Root), Revision(2));
        memory.wipe();
        assert_eq!(memory.revision_of(Key::Root), Revision(0));
    }
}
