//! What a thread of clients used. Thread view.

use std::time::Duration;

use crate::engine::{Nanos, Schedule, thread_cpu};
use crate::report::Tally;

/// Measures the calling thread's CPU between the schedule's marks.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::scenario) struct CpuMeter {
    began: Option<(Duration, Nanos)>,
    done: bool,
}

impl CpuMeter {
    /// Looks at the clock; cheap enough for every pass of a loop.
    pub(in crate::scenario) fn tick(&mut self, now: Nanos, schedule: &Schedule, tally: &mut Tally) {
        match self.began {
            None if now >= schedule.measure => self.began = Some((thread_cpu(), now)),
            Some((cpu, began)) if now >= schedule.end && !self.done => {
                self.done = true;
                tally.cpu = thread_cpu().saturating_sub(cpu);
                tally.busiest = tally.cpu.as_secs_f64() / now.since(began).as_secs_f64().max(1e-9);
            }
            _ => {}
        }
    }

    /// The run ended before its time.
    pub(in crate::scenario) fn stop(&mut self, now: Nanos, tally: &mut Tally) {
        if let Some((cpu, began)) = self.began.filter(|_| !self.done) {
            self.done = true;
            tally.cpu = thread_cpu().saturating_sub(cpu);
            tally.busiest = tally.cpu.as_secs_f64() / now.since(began).as_secs_f64().max(1e-9);
        }
    }
}
