//! `fanout`: publications at a set rate to many subscribers, each of whom must see all of them in order.

use std::sync::Arc;
use std::time::Duration;

use super::RunFault;
use super::crowd::{Cast, Crowd};
use super::run::{Course, Load, Setup, Work};
use crate::args::{Common, FanoutArgs, FormatMix, PublishArgs, SessionArgs};
use crate::report::{Summary, Tally};

impl Load for FanoutArgs {
    fn clients(&self) -> u32 {
        self.subscribers + self.publish.publishers
    }

    fn prepare(&self, setup: &Setup) -> Result<Work, RunFault> {
        let cast = Cast::new(&self.session, self.subscribers, setup)?;
        let (publish, settle, slow_percent) = (self.publish.clone(), self.settle, self.slow_percent);
        Ok(Arc::new(move |setup, thread| {
            let crowd = Crowd::new(setup, thread, &cast, &publish, settle)?;
            let mut slowed = slow_percent == 0;
            crowd.run(|crowd, _, _| {
                if !slowed {
                    slowed = true;
                    stop_reading(crowd, slow_percent);
                }
            })
        }))
    }

    fn summarize(&self, summary: &mut Summary, setup: &Setup, course: &Course, tally: &Tally) {
        setup.describe(summary);
        describe(summary, &self.session, &self.publish, self.subscribers);
        throughput(summary, tally, course.measured.over);
        if self.slow_percent > 0 {
            summary.count("slow_percent", self.slow_percent.into());
            summary.count("slow_closed", tally.slow_closed);
        }
        conclude(summary, tally, course, &self.common);
        if course.ready && tally.deliveries == 0 {
            summary.fail("nothing was delivered".to_owned());
        }
    }
}

/// Every so-manieth subscriber reads nothing any more.
fn stop_reading(crowd: &mut Crowd, percent: u32) {
    for member in crowd.subscribers().filter(|member| member.0 * percent % 100 < percent) {
        crowd.sessions.observer().ignore(member);
        crowd.sessions.read_from(member, false);
    }
}

/// What was asked for.
pub(super) fn describe(
    summary: &mut Summary,
    session: &SessionArgs,
    publish: &PublishArgs,
    subscribers: u32,
) {
    summary.text(
        "format",
        match session.format {
            FormatMix::Binary => "binary",
            FormatMix::Json => "json",
            FormatMix::Mixed => "mixed",
        },
    );
    summary.text("lane", publish.lane.name());
    summary.count("rooms", session.rooms.into());
    summary.count("subscribers", subscribers.into());
    summary.count("publishers", publish.publishers.into());
    summary.number("rate", publish.rate);
    summary.count("burst", publish.burst.into());
    summary.count("body", publish.body as u64);
}

/// What came through, and how fast.
pub(super) fn throughput(summary: &mut Summary, tally: &Tally, duration: Duration) {
    let seconds = duration.as_secs_f64().max(1e-9);
    summary.count("connections", tally.connections);
    summary.number("duration_s", seconds);
    summary.number("deliveries_per_s", tally.deliveries as f64 / seconds);
    summary.number("publishes_per_s", tally.publishes as f64 / seconds);
    summary.count("overtaken", tally.overtaken);
    summary.count("replaced_unsent", tally.replaced);
    summary.latency("", &tally.latency);
}

/// The promises, the server and the client.
pub(super) fn conclude(summary: &mut Summary, tally: &Tally, course: &Course, common: &Common) {
    summary.promises(tally);
    summary.server(&course.measured, tally.deliveries);
    summary.client(tally, &course.measured, common.spin, false);
}
