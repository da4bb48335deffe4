//! The wind tunnel: a seeded world around `ringway-core`.
//!
//! One seed draws a world (shards, ring capacities, settings, clients, faults) and every step in it; the same seed gives
//! the same trace hash. A reference model learns from owners what was decided and checks every frame that every client
//! hears, bounds at each step, convergence at rest, and that nothing is left when everybody is gone.
//!
//! * [`world`]: shards, rings, transports with one way down or several, time, faults;
//! * [`client`]: what clients say and what they make of what they hear;
//! * [`model`]: what must be seen;
//! * [`check`]: what must hold beside that;
//! * [`cluster`]: a second world, of nodes, links and a coordinator;
//! * [`mutation`]: lies that prove that the checks can fail.

pub mod check;
pub mod client;
pub mod cluster;
pub mod encoder;
pub mod model;
pub mod mutation;
pub mod plan;
pub mod random;
pub mod tally;
pub mod trace;
pub mod world;

pub use mutation::{Kind, Lie, Mutation};
pub use tally::Tally;
pub use world::{Violation, World};

/// Runs one seed for so many steps; its trace hash if nothing was violated.
///
/// # Errors
/// The first violation.
pub fn run(seed: u64, steps: u64, lie: Lie) -> Result<u64, Violation> {
    World::new(seed, Mutation::new(lie), false).run(steps)
}

/// The shortest run of a seed that still violates something: bisected by steps, then walked.
#[must_use]
pub fn shrink(seed: u64, violation: &Violation, lie: Lie) -> (u64, Violation) {
    let mut best = (violation.step, violation.clone());
    let (mut low, mut high) = (0, violation.step);
    while low < high {
        let steps = low + (high - low) / 2;
        match run(seed, steps, lie) {
            Err(found) => {
                best = (steps, found);
                high = steps;
            }
            Ok(_) => low = steps + 1,
        }
    }
    best
}
