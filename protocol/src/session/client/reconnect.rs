//! When to come back after a connection ended: from the close code's range alone. Session view.

/// First delay after an ending without advice; doubles with each failed attempt.
pub const BACKOFF_MS_MIN: u64 = 200;
/// Longest delay before jitter's upper bound is applied.
pub const BACKOFF_MS_MAX: u64 = 30_000;

/// What to do after a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// Open a new connection after this long, resume, and join again.
    After {
        /// Milliseconds from now.
        ms: u64,
    },
    /// Stay away until a person decides otherwise.
    Never,
}

/// The policy: 3000–3499 come back, 3500–3999 and 4000–4499 don't; of the WebSocket's own codes (RFC 6455 §7.4.1)
/// those that blame neither the client nor its bytes come back, as does an ending without a code.
///
/// `attempt` counts the failures since the last `welcome`, `advised_ms` is `closing.reconnect_after_ms`; `seed` is any
/// number that differs between clients: the delay is spread over its upper half, so that a crowd does not return as one.
#[must_use]
pub const fn after_close(code: Option<u16>, attempt: u32, advised_ms: Option<u32>, seed: u64) -> Reconnect {
    let returns = match code {
        None => true,
        Some(code) => matches!(code, 1001 | 1005 | 1006 | 1011..=1014 | 3000..=3499),
    };
    if !returns {
        return Reconnect::Never;
    }
    if let Some(ms) = advised_ms {
        return Reconnect::After { ms: ms as u64 };
    }
    let doublings = if attempt < 16 { attempt } else { 16 };
    let grown = BACKOFF_MS_MIN << doublings;
    let ceiling = if grown < BACKOFF_MS_MAX { grown } else { BACKOFF_MS_MAX };
    Reconnect::After { ms: ceiling / 2 + mix(seed ^ attempt as u64) % (ceiling / 2 + 1) }
}

/// SplitMix64's finalizer: neighbouring seeds give unrelated numbers.
const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CloseCode;

    #[test]
    fn every_close_code_is_obeyed_by_its_range() {
        for code in CloseCode::ALL {
            let comes_back = after_close(Some(code.number()), 0, None, 1) != Reconnect::Never;
            assert_eq!(comes_back, code.reconnects(), "{code:?}");
        }
        assert_eq!(after_close(Some(4321), 0, None, 1), Reconnect::Never);
        assert_ne!(after_close(None, 0, None, 1), Reconnect::Never);
        assert_eq!(after_close(Some(1002), 0, None, 1), Reconnect::Never);
    }

    #[test]
    fn delays_grow_to_a_ceiling_and_differ_between_seeds() {
        let delay = |attempt, seed| match after_close(None, attempt, None, seed) {
            Reconnect::After { ms } => ms,
            Reconnect::Never => unreachable!(),
        };
        assert!((100..=200).contains(&delay(0, 7)));
        assert!((15_000..=30_000).contains(&delay(u32::MAX, 7)));
        let distinct: std::collections::BTreeSet<_> = (0..100).map(|seed| delay(8, seed)).collect();
        assert!(distinct.len() > 90);
    }

    #[test]
    fn the_servers_advice_is_taken_as_it_is() {
        assert_eq!(after_close(Some(3000), 5, Some(1234), 9), Reconnect::After { ms: 1234 });
    }
}
