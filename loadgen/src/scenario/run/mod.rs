//! What all scenarios share: the threads and processes with their shares, the phases, and the clock they go by.
//!
//! A scenario is a [`Load`]: work for each thread, and what its numbers mean in the end. Threads connect and get ready on
//! their own; the coordinating thread ([`Stage`]) then fixes one [`Schedule`] for all, and from there on everybody goes by
//! the clock: nobody waits for anybody while measuring.

mod finals;
mod interrupt;
mod meter;
mod processes;
mod setup;
mod stage;

use std::sync::Arc;

pub use setup::Setup;

pub(super) use finals::{End, Final, Finals};
pub(super) use meter::CpuMeter;
pub(super) use processes::work;
pub(super) use stage::{Course, Memory, Stage};

use super::{Plan, RunFault};
use crate::args::Scenario;
use crate::report::{Context, Measured, Server, Summary, Tally};
use crate::server::Spawned;

/// What each thread does, from connecting to leaving.
pub(super) type Work = Arc<dyn Fn(&Setup, u16) -> std::io::Result<Tally> + Send + Sync>;

/// Which of a run's processes this is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) number: u16,
    pub(super) of: u16,
    /// Another process has the schedule and the report.
    pub(super) is_worker: bool,
}

/// A scenario.
pub(super) trait Load {
    /// Connections in all.
    fn clients(&self) -> u32;

    /// The server's path, where it is not the URL's.
    fn path(&self) -> Option<&'static str> {
        None
    }

    /// The work of each thread; refuses what can't be done.
    fn prepare(&self, setup: &Setup) -> Result<Work, RunFault>;

    /// The run from the outside: when it starts, what is looked at, when it is over.
    fn direct(&self, stage: &mut Stage<'_>) -> Result<Course, RunFault> {
        stage.start()?;
        let ready = stage.wait_ready(self.clients().into(), "connecting");
        let measured = if ready { stage.measure() } else { Measured::default() };
        Ok(Course { ready, measured, ..Course::default() })
    }

    /// What came of it.
    fn summarize(&self, summary: &mut Summary, setup: &Setup, course: &Course, tally: &Tally);
}

/// The setup and the work of one of a run's processes.
pub(super) fn begin(scenario: &Scenario, part: Part) -> Result<(Setup, Work), RunFault> {
    let load = super::load(scenario);
    let setup = Setup::new(scenario.common(), load.clients(), load.path(), part)?;
    let work = load.prepare(&setup)?;
    Ok((setup, work))
}

/// Runs a scenario from the first connection to its summary, with a server of its own where one is to be started.
pub(super) fn carry_out(plan: &Plan) -> Result<Summary, RunFault> {
    let common = plan.scenario().common();
    let Some(command) = &common.spawn else { return perform(plan) };
    let server =
        Spawned::start(command, &common.url, common.server_cores.as_deref()).map_err(RunFault::Asked)?;
    let (url, pid) = (server.url.clone(), server.pid.to_string());
    perform(&plan.with(&["--url".to_owned(), url, "--server-pid".to_owned(), pid])?)
}

fn perform(plan: &Plan) -> Result<Summary, RunFault> {
    let (scenario, common) = (plan.scenario(), plan.scenario().common());
    let load = super::load(scenario);
    let part = Part { number: 0, of: common.processes, is_worker: false };
    let (setup, work) = begin(scenario, part)?;
    let context = context(plan, &setup);
    let mut stage = Stage::new(setup.clone(), plan, work);
    let mut course = load.direct(&mut stage)?;
    let (tally, cut_short) = stage.gather()?;
    course.cut_short = cut_short;
    let mut summary = Summary::new(scenario.name());
    load.summarize(&mut summary, &setup, &course, &tally);
    let series = setup.board.series(|series| series.rows());
    summary.memory_slope(&series, common.rss_slope_max);
    summary.circumstances(context, series, &tally);
    if let Some(why) = &course.cut_short {
        summary.incomplete(why.clone());
    } else if !course.ready {
        summary.incomplete("not all clients could connect and get ready".to_owned());
    }
    if stage.was_interrupted() {
        summary.interrupt();
    }
    Ok(summary)
}

fn context(plan: &Plan, setup: &Setup) -> Context {
    let common = &setup.common;
    let last = |core: usize| core + setup.threads() as usize - 1;
    Context {
        command: std::iter::once("ringway-load".to_owned()).chain(plan.shown()).collect(),
        name: plan.name().to_owned(),
        about: plan.about().map(str::to_owned),
        url: common.url.clone(),
        protocol: common.protocol().name().to_owned(),
        server: setup
            .server
            .and_then(Server::of)
            .map(|server| Server { version: common.server_version.clone().or(server.version), ..server }),
        processes: common.processes,
        threads: common.threads,
        client_cores: match common.client_core {
            Some(core) if last(core) > core => format!("{core}-{}", last(core)),
            Some(core) => core.to_string(),
            None => "any".to_owned(),
        },
        ..Context::now()
    }
}
