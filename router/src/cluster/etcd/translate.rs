//! Between the coordinator's words and etcd's. Pure.

use etcd_client::{Compare, CompareOp, Event as Change, KeyValue, Txn, TxnOp};
use ringway_cluster::coordinator::{Key, Prefix, Revision, Row, Transaction};

use super::EtcdOptions;

/// A transaction as etcd takes it: `mod_revision` 0 is a key that is not there.
pub(super) fn transaction(options: &EtcdOptions, transaction: &Transaction) -> Txn {
    let compare = transaction.compare.iter().map(|compare| {
        Compare::mod_revision(options.key(&compare.key.path()), CompareOp::Equal, number(compare.revision))
    });
    let put = transaction.put.iter().map(|put| {
        let key = options.key(&put.key.path());
        match &put.value {
            Some(value) => TxnOp::put(key, value.clone(), None),
            None => TxnOp::delete(key, None),
        }
    });
    Txn::new().when(compare.collect::<Vec<_>>()).and_then(put.collect::<Vec<_>>())
}

/// Everything below a prefix.
pub(super) fn below(options: &EtcdOptions, prefix: Prefix) -> Vec<u8> {
    options.key(prefix.path())
}

/// A stored key with its value; `None` for a key that no build writes.
pub(super) fn row(options: &EtcdOptions, stored: &KeyValue) -> Option<Row> {
    Some(Row {
        key: Key::parse(options.path(stored.key())?)?,
        revision: revision(stored.mod_revision()),
        value: Some(stored.value().to_vec()),
    })
}

/// A change, likewise.
pub(super) fn change(options: &EtcdOptions, change: &Change) -> Option<Row> {
    let stored = change.kv()?;
    let mut row = row(options, stored)?;
    // Versions count from 1 at each creation: 0 says that the key went.
    if stored.version() == 0 {
        row.value = None;
    }
    Some(row)
}

/// etcd counts from 1, and never below 0.
pub(super) fn revision(number: i64) -> Revision {
    Revision(u64::try_from(number).unwrap_or(0))
}

/// The other way; what etcd can't count to, it has not reached.
pub(super) fn number(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}
