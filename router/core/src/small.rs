//! Vectors of which most hold one item: the default growth begins with four.

/// Appends an item; the first one gets a place of just its size.
pub(crate) fn push<T>(items: &mut Vec<T>, item: T) {
    make_room(items);
    items.push(item);
}

/// Makes room for exactly the first item, and nothing for others.
pub(crate) fn make_room<T>(items: &mut Vec<T>) {
    if items.capacity() == 0 {
        items.reserve_exact(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_item_takes_the_place_of_one() {
        let mut items = Vec::new();
        push(&mut items, [0_u8; 40]);
        assert_eq!(items.capacity(), 1);
        push(&mut items, [1; 40]);
        assert_eq!(items.len(), 2);
    }
}
