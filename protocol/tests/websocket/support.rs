//! Seeded randomness, and items that own what they show.

use ringway_protocol::websocket::{Decoder, Item, Violation};

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// 0 to `bound` − 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn key(&mut self) -> [u8; 4] {
        (self.next() as u32).to_le_bytes()
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// Text of about so many bytes, with characters of every length.
    pub(crate) fn text(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes);
        while text.len() < bytes {
            text.push(['a', 'ß', '€', '𤭢', '\0', '\u{10ffff}'][self.below(6)]);
        }
        text
    }

    /// Lengths where the encodings change, and ordinary ones.
    pub(crate) fn length(&mut self) -> usize {
        match self.below(12) {
            0 => 0,
            1 => 125,
            2 => 126,
            3 => 127,
            4 => 65_535,
            5 => 65_536,
            6 => self.below(100_000),
            _ => self.below(300),
        }
    }
}

/// An [`Item`] that owns its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

impl From<Item<'_>> for Owned {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Text(text) => Self::Text(text.to_owned()),
            Item::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Item::Ping(payload) => Self::Ping(payload.to_vec()),
            Item::Pong(payload) => Self::Pong(payload.to_vec()),
            Item::Close { code, reason } => Self::Close(code, reason.to_owned()),
        }
    }
}

/// Offers one read's bytes and adds the items found.
pub(crate) fn offer(decoder: &mut Decoder, bytes: &[u8], items: &mut Vec<Owned>) -> Result<(), Violation> {
    let mut scratch = bytes.to_vec();
    let mut at = 0;
    loop {
        let decoded = decoder.decode(&mut scratch[at..])?;
        at += decoded.consumed;
        match decoded.item {
            Some(item) => items.push(item.into()),
            None => {
                assert_eq!(at, bytes.len(), "without an item all bytes are consumed");
                return Ok(());
            }
        }
    }
}
