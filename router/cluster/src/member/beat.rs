//! Renewing our own lease: one compare-and-swap of the beat at a time.
//!
//! A renewal that was refused or not answered says nothing by itself: the cluster and the beats are read again, and what they say of our record decides.

use super::{Effect, Member, Pending, Phase, RETRY_MS};
use crate::Monotonic;
use crate::coordinator::{Compare, Event, Key, Prefix, Request, Revision};
use crate::error::MemberError;
use crate::record::Beat;

/// Our beat.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beating {
    /// At which revision it stands.
    pub(super) revision: Revision,
    /// When the last renewal was handed over.
    pub(super) sent: Monotonic,
    /// A renewal is on its way, or what became of it is being read.
    busy: bool,
    /// What became of it shall be read then.
    recover_at: Option<Monotonic>,
    /// While joining: the time to see another process's beat move has passed.
    pub(super) probed: bool,
    count: u64,
}

impl Beating {
    pub(super) fn handle_registered(&mut self, sent: Monotonic, revision: Revision) {
        *self = Self { revision, sent, ..Self::default() };
    }
}

impl Member {
    pub(super) fn drive_beat(&mut self, now: Monotonic) {
        if self.beat.recover_at.is_some_and(|at| now >= at) {
            self.beat.recover_at = None;
            let seen = self.view.revision;
            self.request(Pending::Recover { seen }, Request::Read(Prefix::Cluster));
        }
        let due = self.beat.sent.plus_ms(self.config.timing.beat_ms);
        if self.config.alone || self.beat.busy || now < due {
            return;
        }
        self.beat.count += 1;
        (self.beat.busy, self.beat.sent) = (true, now);
        let key = Key::Beat(self.config.node);
        let beat = Beat { registration: self.registration, count: self.beat.count };
        let compare = vec![Compare { key, revision: self.beat.revision }];
        self.transact(Pending::Beat { sent: now }, compare, vec![(key, Some(beat.encode()))]);
    }

    pub(super) fn handle_beat(&mut self, now: Monotonic, sent: Monotonic, event: Event) {
        match event {
            Event::Committed(revision) => {
                (self.beat.busy, self.beat.revision) = (false, revision);
                self.lease.handle_renewed(sent);
                self.contact.handle_renewed(now);
                self.effects.push_back(Effect::Renewed);
            }
            Event::Refused(_) => self.recover(now),
            _ => self.recover(now.plus_ms(RETRY_MS)),
        }
    }

    /// Reads everything again, the beats when the cluster's rows are in; until then there is no renewal.
    pub(super) fn recover(&mut self, at: Monotonic) {
        self.beat.busy = true;
        self.beat.recover_at = Some(at);
    }

    /// `seen`: what was known when the read was handed over; one that knows less is a coordinator that went back, one that knows
    /// less than the watch has told since comes too late.
    pub(super) fn handle_recovered(
        &mut self,
        now: Monotonic,
        seen: Revision,
        event: Event,
    ) -> Result<(), MemberError> {
        let Event::Rows(revision, rows) = event else {
            self.recover(now.plus_ms(RETRY_MS));
            return Ok(());
        };
        if !rows.iter().any(|row| row.key == Key::Root) {
            return Err(MemberError::CoordinatorWiped);
        }
        if revision < seen {
            return Err(MemberError::CoordinatorWentBack { found: revision, seen });
        }
        if revision < self.view.revision {
            self.recover(now);
            return Ok(());
        }
        let known = rows.iter().any(|row| row.key == Key::Node(self.config.node));
        self.handle_rows(now, revision, rows)?;
        if self.phase == Phase::Registered {
            if known {
                self.request(Pending::RecoverBeats, Request::Read(Prefix::Beats));
            } else {
                self.declared_dead(now);
            }
        }
        Ok(())
    }

    pub(super) fn handle_beats_recovered(&mut self, now: Monotonic, event: Event) -> Result<(), MemberError> {
        let Event::Rows(_, rows) = event else {
            self.recover(now.plus_ms(RETRY_MS));
            return Ok(());
        };
        let key = Key::Beat(self.config.node);
        let Some(row) = rows.iter().find(|row| row.key == key) else {
            // Whoever declares a node dead takes its beat away.
            self.declared_dead(now);
            return Ok(());
        };
        let value = row.value.as_deref().unwrap_or_default();
        let beat = Beat::decode(value).map_err(|fault| MemberError::Malformed(key, fault))?;
        if beat.registration > self.registration {
            return Err(MemberError::DuplicateNode(self.config.node));
        }
        (self.beat.busy, self.beat.revision) = (false, row.revision);
        Ok(())
    }
}
