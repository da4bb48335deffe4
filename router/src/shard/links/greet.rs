//! From a connection to a link: streams, hellos, and whether each takes the other's.

use std::time::Instant;

use quinn_proto::Dir;
use ringway_link::limit::STREAMS;
use ringway_link::{Hello, HelloError, Word};
use ringway_protocol::NodeId;
use rustls::pki_types::CertificateDer;

use super::Links;
use super::event::{LinkDown, LinkEvent};
use super::link::{Link, Met, Stage, id_of};
use super::read::Wrong;
use super::word::{OUT_OF_TURN, fault};
use crate::pki::Credentials;

impl Links {
    /// TLS is done. The dialling end opens the streams and says hello on the first.
    pub(super) fn handle_connected(&mut self, index: usize, link: &mut Link, now: Instant) {
        link.connected = true;
        link.certified = certified(&self.credentials, link);
        if link.dialled.is_none() {
            return;
        }
        for number in 0..STREAMS {
            if link.connection.streams().open(Dir::Bi) != Some(id_of(number)) {
                let why = LinkDown::Broken("the peer takes too few streams".into());
                return self.lose(index, link, why, now);
            }
        }
        link.open = STREAMS;
        link.say(Word::Hello(self.identity.hello()));
    }

    /// The accepting end sees the streams as the other uses them, and says hello on the first.
    pub(super) fn handle_opened(&self, link: &mut Link) {
        while link.open < STREAMS && link.connection.streams().accept(Dir::Bi).is_some() {
            link.unread.add(link.open);
            link.dirty.add(link.open);
            link.open += 1;
            if link.open == 1 {
                link.say(Word::Hello(self.identity.hello()));
            }
        }
    }

    pub(super) fn handle_hello(
        &mut self,
        index: usize,
        link: &mut Link,
        hello: &Hello<'_>,
        now: Instant,
    ) -> Result<(), Wrong> {
        if link.stage != Stage::Greeting || link.met.is_some() {
            return Err(Wrong::Fault(OUT_OF_TURN));
        }
        let (version, features) = self.identity.hello().settle(hello).map_err(Wrong::Hello)?;
        if link.certified != Some(hello.node) {
            return Err(Wrong::Hello(HelloError::WrongCertificate));
        }
        let node = self.nodes.get_mut(&hello.node).ok_or(Wrong::Hello(HelloError::UnknownNode))?;
        if hello.incarnation < node.incarnation {
            return Err(Wrong::Hello(HelloError::StaleIncarnation));
        }
        node.incarnation = hello.incarnation;
        link.met =
            Some(Met { node: hello.node, incarnation: hello.incarnation, version, shards: hello.shards });
        link.say(Word::Accepted { version, features });
        self.rise(index, link, now);
        Ok(())
    }

    /// The peer takes our hello. It has said its own before, and settled on the same version.
    pub(super) fn handle_accepted(
        &mut self,
        index: usize,
        link: &mut Link,
        version: u16,
        now: Instant,
    ) -> Result<(), Wrong> {
        let met = link.met.ok_or(Wrong::Fault(OUT_OF_TURN))?;
        if link.stage != Stage::Greeting {
            return Err(Wrong::Fault(OUT_OF_TURN));
        }
        if version != met.version {
            return Err(Wrong::Fault(fault(ringway_link::Fault::BadValue, "version")));
        }
        link.accepted = true;
        self.rise(index, link, now);
        Ok(())
    }

    /// Both took the other's hello: the link stands, in the place of an earlier one.
    fn rise(&mut self, index: usize, link: &mut Link, now: Instant) {
        let Some(met) = link.met.filter(|_| link.accepted) else { return };
        let Some(node) = self.nodes.get(&met.node) else { return };
        if met.incarnation < node.incarnation {
            // A later start said hello meanwhile.
            return self.refuse(index, link, HelloError::StaleIncarnation, now);
        }
        if let Some(earlier) = node.link {
            self.goodbye(earlier, ringway_link::GoodbyeReason::Replaced, now);
        }
        self.greeting -= usize::from(link.dialled.is_none());
        (link.stage, link.until, link.up_since) = (Stage::Up, None, Some(now));
        (0..link.open).for_each(|number| link.unread.add(number));
        // Each stream has a window to tell.
        link.dirty = super::link::Streams::ALL;
        self.stand(index, met.node);
        self.figures.ups += 1;
        let Met { node, incarnation, version, shards } = met;
        self.events.push_back(LinkEvent::Up { node, incarnation, version, shards });
    }
}

/// Whom the certificate names that a link has shown.
fn certified(credentials: &Credentials, link: &Link) -> Option<NodeId> {
    let shown = link.connection.crypto_session().peer_identity()?;
    let shown = shown.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    credentials.peer(&shown).ok().map(|peer| NodeId(peer.node.0))
}
