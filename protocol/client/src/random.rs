//! Random bytes of the TLS provider's source.

/// Fills the bytes. If the system has no randomness, TLS has none either: then nothing gets this far.
pub(crate) fn fill(bytes: &mut [u8]) {
    let _ = rustls::crypto::ring::default_provider().secure_random.fill(bytes);
}

/// A random number.
pub(crate) fn number() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Keys for masking WebSocket frames, which RFC 6455 §5.3 wants unpredictable; drawn many at once.
pub(crate) struct Masks {
    pool: [u8; 256],
    used: usize,
}

impl Masks {
    pub(crate) fn new() -> Self {
        Self { pool: [0; 256], used: 256 }
    }

    pub(crate) fn next(&mut self) -> [u8; 4] {
        if self.used == self.pool.len() {
            fill(&mut self.pool);
            self.used = 0;
        }
        let key = self.pool[self.used..].first_chunk().copied().unwrap_or_default();
        self.used += 4;
        key
    }
}
