//! `echo`: messages that come back: from a server's `/echo`, or over a topic of each client's own.
//!
//! Without a rate the loop is closed on purpose: so many messages in flight on each connection, sent again as soon as they
//! are back, as uWebSockets' `load_test` does, so that both can drive the same server. With a rate it is open: messages
//! go out when they are due, whatever came back. Each message carries a number; what comes back must be that message,
//! whole and in its turn.

mod flights;
mod sockets;
mod topics;

use std::sync::Arc;

use super::RunFault;
use super::run::{Course, Load, Setup, Work};
use crate::args::{EchoArgs, Protocol};
use crate::report::{Summary, Tally};
use flights::Flights;

impl Load for EchoArgs {
    fn clients(&self) -> u32 {
        self.connections
    }

    fn path(&self) -> Option<&'static str> {
        // Another server has its own paths, or none.
        let keeps_path = self.common.protocol() != Protocol::Ringway || self.common.url.contains("/echo");
        if keeps_path { None } else { Some("/echo") }
    }

    fn prepare(&self, setup: &Setup) -> Result<Work, RunFault> {
        setup.want_websocket("echo")?;
        let args = self.clone();
        Ok(Arc::new(move |setup, thread| {
            let (first, count) = setup.share(args.connections, thread);
            let flights = Flights::new(&args, setup, count);
            match args.common.protocol() {
                Protocol::Mqtt => topics::run(setup, thread, first, count, flights),
                Protocol::Ringway | Protocol::RawWs => {
                    sockets::Sockets::new(args.text, flights).run(setup, thread, first, count)
                }
            }
        }))
    }

    fn summarize(&self, summary: &mut Summary, setup: &Setup, course: &Course, tally: &Tally) {
        let seconds = course.measured.over.as_secs_f64().max(1e-9);
        setup.describe(summary);
        summary.count("connections", tally.connections);
        summary.count("size", self.size.into());
        if self.rate > 0.0 {
            summary.number("offered_per_s", self.rate);
            summary.number("sent_per_s", tally.publishes as f64 / seconds);
        } else {
            summary.count("in_flight", self.in_flight.into());
        }
        summary.number("messages_per_s", tally.deliveries as f64 / seconds);
        summary.number("duration_s", seconds);
        summary.latency("", &tally.latency);
        summary.promises(tally);
        summary.server(&course.measured, tally.deliveries);
        summary.client(tally, &course.measured, self.common.spin, self.rate <= 0.0);
        if course.ready && tally.deliveries == 0 {
            summary.fail("nothing came back".to_owned());
        }
    }
}
