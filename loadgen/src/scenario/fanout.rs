//! `fanout`: publications at a set rate to many subscribers, each of whom must see all of them in order.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::RunFault;
use super::crowd::{Cast, Crowd, Finals};
use super::run::{Measured, Setup, gather};
use crate::args::{FanoutArgs, FormatMix, PublishArgs, SessionArgs};
use crate::report::{Progress, Summary, Tally};

pub(super) fn run(args: &FanoutArgs) -> Result<Summary, RunFault> {
    let clients = args.subscribers + args.publish.publishers;
    let setup = Setup::new(&args.common, clients, None)?;
    let cast = Cast::new(&args.session, args.subscribers, &setup.target)?;
    let finals = Finals::new(args.common.threads);
    let mut progress = Progress::new(args.common.quiet);
    let (publish, settle, slow_percent) = (args.publish.clone(), args.settle, args.slow_percent);
    let threads = setup.spawn(move |setup, thread| {
        let crowd = Crowd::new(setup, thread, &cast, &publish, settle)?;
        let mut slowed = slow_percent == 0;
        crowd.run(&finals, |crowd, _, _| {
            if !slowed {
                slowed = true;
                stop_reading(crowd, slow_percent);
            }
        })
    })?;
    let ready = setup.wait_ready(clients.into(), &threads, &mut progress, "connecting");
    if !ready {
        setup.stop.store(true, Relaxed);
    }
    let measured = setup.measure(&mut progress);
    let tally = gather(threads)?;
    progress.finish();

    let mut summary = Summary::new("fanout");
    summary.text("transport", setup.target.transport_name());
    describe(&mut summary, &args.session, &args.publish, args.subscribers);
    throughput(&mut summary, &tally, args.common.duration);
    if args.slow_percent > 0 {
        summary.count("slow_percent", args.slow_percent.into());
        summary.count("slow_closed", tally.slow_closed);
    }
    conclude(&mut summary, &tally, &measured, args.common.spin);
    if !ready {
        summary.fail("not all clients could connect and join".to_owned());
    } else if tally.deliveries == 0 {
        summary.fail("nothing was delivered".to_owned());
    }
    Ok(summary)
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
    let seconds = duration.as_secs_f64();
    summary.count("connections", tally.connections);
    summary.number("duration_s", seconds);
    summary.number("deliveries_per_s", tally.deliveries as f64 / seconds);
    summary.number("publishes_per_s", tally.publishes as f64 / seconds);
    summary.count("overtaken", tally.overtaken);
    summary.count("replaced_unsent", tally.replaced);
    summary.latency(["p50_us", "p90_us", "p99_us", "p999_us", "max_us"], &tally.latency);
}

/// The promises, the server and the client.
pub(super) fn conclude(summary: &mut Summary, tally: &Tally, measured: &Measured, spins: bool) {
    summary.promises(tally);
    summary.server(measured.before, measured.after, measured.over, tally.deliveries);
    summary.client(tally, measured.over, spins);
}
