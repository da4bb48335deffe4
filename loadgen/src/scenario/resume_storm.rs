//! `resume-storm`: all subscribers lose their connection at once, come back, resume, and must have missed nothing that
//! they were not told of, while publishing goes on.
//!
//! When to come back is the session machine's policy (200 ms with jitter after a broken connection); `--away` keeps
//! everybody out for longer, so that there is more to replay and all return together.

use std::sync::atomic::Ordering::Relaxed;

use super::RunFault;
use super::crowd::{Cast, Crowd, Finals};
use super::fanout::{conclude, describe, throughput};
use super::run::{Schedule, Setup, gather};
use crate::args::ResumeStormArgs;
use crate::engine::Nanos;
use crate::report::{Progress, Summary};

pub(super) fn run(args: &ResumeStormArgs) -> Result<Summary, RunFault> {
    let clients = args.subscribers + args.publish.publishers;
    let setup = Setup::new(&args.common, clients, None)?;
    let cast = Cast::new(&args.session, args.subscribers, &setup.target)?;
    let finals = Finals::new(args.common.threads);
    let mut progress = Progress::new(args.common.quiet);
    let plan = args.clone();
    let threads = setup.spawn(move |setup, thread| {
        let crowd = Crowd::new(setup, thread, &cast, &plan.publish, plan.settle)?;
        let mut done = 0;
        crowd.run(&finals, |crowd, now, schedule| {
            if done < plan.drops && now >= drop_time(schedule, done, plan.drops) {
                done += 1;
                drop_all(crowd, now, &plan);
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

    let mut summary = Summary::new("resume-storm");
    summary.text("transport", setup.target.transport_name());
    describe(&mut summary, &args.session, &args.publish, args.subscribers);
    throughput(&mut summary, &tally, args.common.duration);
    let wanted = u64::from(args.subscribers) * u64::from(args.drops);
    let expected = tally.dropped;
    summary.count("drops", args.drops.into());
    summary.count("dropped", expected);
    summary.count("resumed", tally.resumed);
    summary.count("recovered", tally.recovered);
    summary.count("not_recovered", tally.not_recovered);
    summary.count("replayed", tally.replayed);
    summary.count("caught_up", tally.caught_up.count());
    summary.latency(
        ["caught_up_p50_us", "caught_up_p90_us", "caught_up_p99_us", "caught_up_p999_us", "caught_up_max_us"],
        &tally.caught_up,
    );
    conclude(&mut summary, &tally, &measured, args.common.spin);
    if !ready {
        summary.fail("not all clients could connect and join".to_owned());
    } else if tally.caught_up.count() < expected {
        summary.fail(format!("{} dropped subscribers never caught up", expected - tally.caught_up.count()));
    } else if tally.recovered + tally.not_recovered < expected {
        let joined = tally.recovered + tally.not_recovered;
        summary.fail(format!("only {joined} of {expected} dropped subscribers joined again"));
    }
    if expected < wanted {
        summary.warn(format!(
            "{} drops were left out: those subscribers had not caught up yet",
            wanted - expected
        ));
    }
    Ok(summary)
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
