//! What a case is given: it says what is to be measured and how many operations that is, and not how.

/// One way to measure: count once, or time many rounds.
pub(super) trait Meter {
    /// Plays rounds of so many operations each; what [`Round::prepare`] does is not measured.
    fn play(&mut self, operations: u64, round: &mut dyn Round);
}

/// What is measured, and what makes it possible again.
pub(super) trait Round {
    /// Makes the next call possible.
    fn prepare(&mut self);
    /// What is measured.
    fn call(&mut self);
}

/// Hands the measured part of a case to whoever measures.
pub(super) struct Measure<'m> {
    meter: &'m mut dyn Meter,
}

impl<'m> Measure<'m> {
    pub(super) const fn by(meter: &'m mut dyn Meter) -> Self {
        Self { meter }
    }

    /// Measures a call, which does so many operations and can be repeated as it is.
    pub(super) fn run(&mut self, operations: u64, mut call: impl FnMut()) {
        self.run_prepared(operations, &mut (), |()| {}, |()| call());
    }

    /// The same where each call uses something up: `prepare` makes it ready again, before the first call too.
    pub(super) fn run_prepared<S>(
        &mut self,
        operations: u64,
        state: &mut S,
        prepare: impl FnMut(&mut S),
        call: impl FnMut(&mut S),
    ) {
        self.meter.play(operations, &mut Prepared { state, prepare, call });
    }
}

struct Prepared<'s, S, P, C> {
    state: &'s mut S,
    prepare: P,
    call: C,
}

impl<S, P: FnMut(&mut S), C: FnMut(&mut S)> Round for Prepared<'_, S, P, C> {
    fn prepare(&mut self) {
        (self.prepare)(self.state);
    }

    fn call(&mut self) {
        (self.call)(self.state);
    }
}

/// Plays some rounds and measures nothing.
#[cfg(test)]
pub(super) struct Rounds {
    rounds: usize,
    operations: u64,
}

#[cfg(test)]
impl Rounds {
    pub(super) const fn new(rounds: usize) -> Self {
        Self { rounds, operations: 0 }
    }

    pub(super) const fn operations(&self) -> u64 {
        self.operations
    }
}

#[cfg(test)]
impl Meter for Rounds {
    fn play(&mut self, operations: u64, round: &mut dyn Round) {
        for _ in 0..self.rounds {
            round.prepare();
            round.call();
            self.operations += operations;
        }
    }
}
