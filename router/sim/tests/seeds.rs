//! A modest number of worlds, the same one twice, and the worlds that once broke a promise.

use ringway_sim::{Lie, run};

#[test]
fn a_hundred_worlds_keep_every_promise() {
    for seed in 1_000..1_100 {
        if let Err(violation) = run(seed, 1_500, Lie::None) {
            panic!("seed {seed} at step {}: {}", violation.step, violation.sentence);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 2, 3, 77] {
        let once = run(seed, 2_000, Lie::None);
        assert!(once.is_ok(), "{once:?}");
        assert_eq!(once, run(seed, 2_000, Lie::None));
        assert_ne!(once, run(seed + 1, 2_000, Lie::None));
    }
}
