//! Values on their way apart from all streams: each arrives in its own time, or never.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::encoder::Record;

/// One value on its way.
#[derive(Debug)]
struct Value {
    record: Arc<Record>,
    bytes: u64,
    tag: u64,
    due: u64,
}

/// All values on their way to one client.
#[derive(Debug, Default)]
pub(super) struct Flight {
    values: Vec<Value>,
    bytes: u64,
    /// The newest frame that was handed over of each key.
    newest: BTreeMap<u64, u64>,
}

impl Flight {
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A value of this key is handed over.
    ///
    /// # Errors
    /// When it is not newer than the one before.
    pub(super) fn follow(&mut self, tag: u64, serial: u64) -> Result<(), String> {
        match self.newest.insert(tag, serial) {
            Some(before) if before >= serial => {
                Err(format!("frame {serial} is handed over as a value after {before} of its key"))
            }
            _ => Ok(()),
        }
    }

    /// Takes back what is under way of this key; whether there was anything.
    pub(super) fn reset(&mut self, tag: u64) -> bool {
        let before = self.values.len();
        self.values.retain(|value| value.tag != tag);
        self.bytes = self.values.iter().map(|value| value.bytes).sum();
        self.values.len() < before
    }

    pub(super) fn put(&mut self, record: Arc<Record>, bytes: u64, tag: u64, due: u64) {
        self.bytes += bytes;
        self.values.push(Value { record, bytes, tag, due });
    }

    pub(super) fn is_due(&self, now: u64) -> bool {
        self.values.iter().any(|value| value.due <= now)
    }

    /// The value that arrives first, if it does until now.
    pub(super) fn take(&mut self, now: u64) -> Option<Arc<Record>> {
        let first = self.values.iter().enumerate().filter(|(_, value)| value.due <= now);
        let (index, _) = first.min_by_key(|(_, value)| value.due)?;
        let value = self.values.remove(index);
        self.bytes -= value.bytes;
        Some(value.record)
    }

    /// Everything arrives now.
    pub(super) fn gulp(&mut self) {
        for value in &mut self.values {
            value.due = 0;
        }
    }
}
