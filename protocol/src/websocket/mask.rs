//! Masking (RFC 6455 §5.3): payload XOR a four-byte key, in place.

/// XORs the bytes with the key repeated over them; doing it twice undoes it.
///
/// Written over 32-byte blocks, which the compiler turns into vector instructions.
pub fn apply_mask(bytes: &mut [u8], key: [u8; 4]) {
    let word = u32::from_ne_bytes(key);
    let wide = u64::from(word) << 32 | u64::from(word);
    let mut blocks = bytes.chunks_exact_mut(32);
    for block in &mut blocks {
        for lane in block.chunks_exact_mut(8) {
            let mut value = [0; 8];
            value.copy_from_slice(lane);
            lane.copy_from_slice(&(u64::from_ne_bytes(value) ^ wide).to_ne_bytes());
        }
    }
    // Blocks and words are multiples of four bytes long, so each rest starts at the key's first byte.
    let mut words = blocks.into_remainder().chunks_exact_mut(4);
    for bytes in &mut words {
        let mut value = [0; 4];
        value.copy_from_slice(bytes);
        bytes.copy_from_slice(&(u32::from_ne_bytes(value) ^ word).to_ne_bytes());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// The key as it stands after `count` bytes were masked with it.
pub(super) fn rotate_key(mut key: [u8; 4], count: usize) -> [u8; 4] {
    key.rotate_left(count % 4);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    #[test]
    fn every_length_and_alignment_is_masked_byte_by_byte() {
        let plain: Vec<u8> = (0..200u8).collect();
        for start in 0..9 {
            for end in start..plain.len() {
                let mut masked = plain.clone();
                apply_mask(&mut masked[start..end], KEY);
                for (index, byte) in masked.iter().enumerate() {
                    let key = if (start..end).contains(&index) { KEY[(index - start) % 4] } else { 0 };
                    assert_eq!(*byte, plain[index] ^ key, "{start}..{end} at {index}");
                }
            }
        }
    }

    #[test]
    fn masking_in_pieces_with_the_rotated_key_equals_masking_at_once() {
        let mut whole: Vec<u8> = (0..100).collect();
        for cut in 0..=100 {
            let mut pieces: Vec<u8> = (0..100).collect();
            apply_mask(&mut pieces[..cut], KEY);
            apply_mask(&mut pieces[cut..], rotate_key(KEY, cut));
            if cut == 0 {
                apply_mask(&mut whole, KEY);
            }
            assert_eq!(pieces, whole, "cut at {cut}");
        }
    }
}
