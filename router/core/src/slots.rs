//! A table by slot: what most slots of a clustered node have, found with one look.

use ringway_cluster::slot::SLOTS;

/// A value for some of the slots, in their order.
pub(crate) struct SlotTable<T> {
    /// None at all until the first value comes: a node that is alone has none.
    values: Vec<Option<Box<T>>>,
    count: usize,
}

impl<T> SlotTable<T> {
    pub(crate) const fn new() -> Self {
        Self { values: Vec::new(), count: 0 }
    }

    pub(crate) fn get(&self, slot: u16) -> Option<&T> {
        self.values.get(usize::from(slot))?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, slot: u16) -> Option<&mut T> {
        self.values.get_mut(usize::from(slot))?.as_deref_mut()
    }

    /// The slot's value, made if it has none.
    ///
    /// # Panics
    /// If there is no such slot: a fault of the caller, whose slots come from handles and from [`ringway_cluster::Slot`].
    pub(crate) fn get_or_insert_with(&mut self, slot: u16, make: impl FnOnce() -> T) -> &mut T {
        if self.values.is_empty() {
            self.values.resize_with(SLOTS, || None);
        }
        let value = &mut self.values[usize::from(slot)];
        self.count += usize::from(value.is_none());
        value.get_or_insert_with(|| Box::new(make()))
    }

    pub(crate) fn remove(&mut self, slot: u16) -> Option<T> {
        let value = self.values.get_mut(usize::from(slot))?.take()?;
        self.count -= 1;
        Some(*value)
    }

    /// Slots that have a value, in order.
    pub(crate) fn slots(&self) -> Vec<u16> {
        self.some().map(|(slot, _)| slot).collect()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.some().map(|(_, value)| value)
    }

    fn some(&self) -> impl Iterator<Item = (u16, &T)> {
        let all = if self.count == 0 { &[][..] } else { &self.values[..] };
        all.iter().enumerate().filter_map(|(slot, value)| Some((slot as u16, value.as_deref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_and_go_in_the_order_of_slots() {
        let mut table = SlotTable::new();
        assert!(table.get(7).is_none() && table.remove(7).is_none() && table.slots().is_empty());
        *table.get_or_insert_with(90, || 1) += 1;
        *table.get_or_insert_with(7, || 10) += 1;
        *table.get_or_insert_with(90, || 50) += 1;
        assert_eq!((table.slots(), table.values().copied().collect()), (vec![7, 90], vec![11, 3]));
        assert_eq!((table.remove(7), table.remove(7), table.get_mut(90)), (Some(11), None, Some(&mut 3)));
        assert_eq!((table.remove(90), table.count, table.slots()), (Some(3), 0, vec![]));
    }
}
