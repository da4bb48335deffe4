//! The disturbance: a shell command at the start of each round. Process view.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::engine::{Nanos, Schedule};

/// How often a command that runs is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Rounds, and the command of the one that runs.
pub(super) struct Disturbance {
    command: Option<String>,
    every: Duration,
    begun: u32,
    running: Option<Child>,
    looked: Nanos,
    faults: Vec<String>,
}

impl Disturbance {
    pub(super) const fn new(command: Option<String>, every: Duration) -> Self {
        Self { command, every, begun: 0, running: None, looked: Nanos(0), faults: Vec::new() }
    }

    /// Begins the round that is due, if it ends within the measuring.
    pub(super) fn tick(&mut self, now: Nanos, schedule: &Schedule) {
        if self.command.is_none() {
            return;
        }
        let begins = schedule.measure + self.every * self.begun;
        if now >= begins && begins + self.every <= schedule.end {
            // It may have ended since somebody looked.
            self.look();
            self.begun += 1;
            if let Some(mut late) = self.running.take() {
                self.faults
                    .push(format!("round {}: its command still ran when the next one began", self.begun - 1));
                end(&mut late);
            }
            let child = Command::new("sh")
                .arg("-c")
                .args(&self.command)
                .env("RINGWAY_ROUND", self.begun.to_string())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn();
            match child {
                Ok(child) => self.running = Some(child),
                Err(fault) => self.faults.push(format!("round {}: {fault}", self.begun)),
            }
        }
        if now.since(self.looked) >= LOOK_EVERY {
            self.looked = now;
            self.look();
        }
    }

    /// Waits for the last command at most until then; how many rounds were begun, and what went wrong.
    pub(super) fn finish(mut self, until: Nanos) -> (u32, Vec<String>) {
        while self.running.is_some() && Nanos::now() < until {
            self.look();
            std::thread::sleep(LOOK_EVERY);
        }
        if let Some(mut late) = self.running.take() {
            self.faults.push(format!("round {}: its command still ran at the end", self.begun));
            end(&mut late);
        }
        (self.begun, std::mem::take(&mut self.faults))
    }

    fn look(&mut self) {
        let Some(child) = &mut self.running else { return };
        match child.try_wait() {
            Ok(None) => return,
            Ok(Some(status)) if status.success() => {}
            Ok(Some(status)) => self.faults.push(format!("round {}: {status}", self.begun)),
            Err(fault) => self.faults.push(format!("round {}: {fault}", self.begun)),
        }
        self.running = None;
    }
}

impl Drop for Disturbance {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            end(&mut child);
        }
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(now: Nanos) -> Schedule {
        Schedule { start: now, measure: now, end: now + Duration::from_secs(10) }
    }

    #[test]
    fn rounds_begin_on_time_and_only_if_they_end_before_the_run() {
        let start = Nanos::now();
        let schedule = schedule(start);
        let mut disturbance = Disturbance::new(Some("exit 0".to_owned()), Duration::from_secs(4));
        for second in 0..10 {
            disturbance.tick(start + Duration::from_secs(second), &schedule);
            while disturbance.running.is_some() {
                disturbance.look();
            }
        }
        assert_eq!(disturbance.finish(Nanos::now()), (2, Vec::new()));
    }

    #[test]
    fn a_command_that_fails_or_lasts_is_told() {
        let start = Nanos::now();
        let command = "test $RINGWAY_ROUND = 1 && exit 3; exec sleep 100".to_owned();
        let mut disturbance = Disturbance::new(Some(command), Duration::from_secs(5));
        disturbance.tick(start, &schedule(start));
        while disturbance.running.is_some() {
            disturbance.look();
        }
        disturbance.tick(start + Duration::from_secs(5), &schedule(start));
        let (rounds, faults) = disturbance.finish(Nanos::now());
        assert_eq!((rounds, faults.len()), (2, 2));
        assert!(faults[0].starts_with("round 1: exit status: 3"), "{faults:?}");
        assert!(faults[1].starts_with("round 2: its command still ran"), "{faults:?}");
    }
}
