//! `resume-storm`: all subscribers lose their connection at once, come back, resume, and must have missed nothing that
//! they were not told of, while publishing goes on.
//!
//! When to come back is the session machine's policy (200 ms with jitter after a broken connection); `--away` keeps
//! everybody out for longer, so that there is more to replay and all return together.

use std::sync::Arc;

use super::RunFault;
use super::crowd::{Cast, Crowd};
use super::fanout::{conclude, describe, throughput};
use super::run::{Course, Load, Setup, Work};
use crate::args::ResumeStormArgs;
use crate::engine::{Nanos, Schedule};
use crate::report::{Summary, Tally};

impl Load for ResumeStormArgs {
    fn clients(&self) -> u32 {
        self.subscribers + self.publish.publishers
    }

    fn prepare(&self, setup: &Setup) -> Result<Work, RunFault> {
        let cast = Cast::new(&self.session, self.subscribers, setup)?;
        let plan = self.clone();
        Ok(Arc::new(move |setup, thread| {
            let crowd = Crowd::new(setup, thread, &cast, &plan.publish, plan.settle)?;
            let mut done = 0;
            crowd.run(|crowd, now, schedule| {
                if done < plan.drops && now >= drop_time(schedule, done, plan.drops) {
                    done += 1;
                    drop_all(crowd, now, &plan);
                }
            })
        }))
    }

    fn summarize(&self, summary: &mut Summary, setup: &Setup, course: &Course, tally: &Tally) {
        setup.describe(summary);
        describe(summary, &self.session, &self.publish, self.subscribers);
        throughput(summary, tally, course.measured.over);
        let wanted = u64::from(self.subscribers) * u64::from(self.drops);
        let expected = tally.dropped;
        summary.count("drops", self.drops.into());
        summary.count("dropped", expected);
        summary.count("resumed", tally.resumed);
        summary.count("recovered", tally.recovered);
        summary.count("not_recovered", tally.not_recovered);
        summary.count("replayed", tally.replayed);
        summary.count("caught_up", tally.caught_up.count());
        summary.latency("caught_up_", &tally.caught_up);
        conclude(summary, tally, course, &self.common);
        if course.ready && tally.caught_up.count() < expected {
            let never = expected - tally.caught_up.count();
            summary.fail(format!("{never} dropped subscribers never caught up"));
        } else if course.ready && tally.recovered + tally.not_recovered < expected {
            let joined = tally.recovered + tally.not_recovered;
            summary.fail(format!("only {joined} of {expected} dropped subscribers joined again"));
        }
        if expected < wanted {
            let left_out = wanted - expected;
            summary.warn(format!("{left_out} drops were left out: those subscribers had not caught up yet"));
        }
    }
}

/// Evenly spread: the first as far from the beginning as the last from the end.
fn drop_time(schedule: &Schedule, drop: u32, drops: u32) -> Nanos {
    let span = schedule.end.since(schedule.measure);
    schedule.measure + span * (drop + 1) / (drops + 1)
}

fn drop_all(crowd: &mut Crowd, now: Nanos, args: &ResumeStormArgs) {
    crowd.sessions.hold_connections(now + args.away);
    for member in crowd.subscribers() {
        if crowd.sessions.observer().dropped(member, now) {
            crowd.sessions.close(member, args.close.then_some(1001));
        }
    }
}
