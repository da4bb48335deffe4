//! The hot paths, one file for each subject.

mod binary;
mod deadline;
mod exchange;
mod framing;
mod history;
mod json;
mod membership;
mod outbox;
mod publish;
mod rings;
mod sample;
mod standby;
mod token;
mod websocket;

use super::Case;

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Case> {
    [
        binary::CASES,
        json::CASES,
        framing::CASES,
        websocket::CASES,
        publish::CASES,
        outbox::CASES,
        membership::CASES,
        history::CASES,
        exchange::CASES,
        standby::CASES,
        rings::CASES,
        deadline::CASES,
        token::CASES,
    ]
    .into_iter()
    .flatten()
}
