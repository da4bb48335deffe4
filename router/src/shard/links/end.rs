//! How links end: by a last word of ours, of the peer's, or without one.

use std::net::SocketAddr;
use std::time::Instant;

use ringway_link::limit::TEXT_BYTES_MAX;
use ringway_link::{DecodeError, GoodbyeReason, HelloError, Reader, Word};
use ringway_protocol::NodeId;

use super::Links;
use super::event::{LinkDown, LinkEvent, code_of};
use super::link::{Link, Stage};

/// Failures that wait to be told; what is beyond is only counted. Ups and downs are as many as links.
const EVENTS_MAX: usize = 256;

impl Links {
    /// The caller can't read a frame of this node: the link ends.
    pub(crate) fn handle_fault(&mut self, now: Instant, node: NodeId, error: DecodeError) {
        if let Some((index, _)) = self.link_of(node) {
            self.with(index, |links, link| links.blame(index, link, error, now));
        }
    }

    /// Says goodbye, whatever the stage.
    pub(super) fn goodbye(&mut self, index: usize, reason: GoodbyeReason, now: Instant) {
        let text = match reason {
            GoodbyeReason::Stopping => "The node stops.",
            GoodbyeReason::Fault => "Your node is at fault.",
            GoodbyeReason::Replaced => "A newer link between the two nodes replaces this one.",
            GoodbyeReason::Removed => "Your node is not in the cluster's map, or is not to be linked with.",
        };
        self.with(index, |links, link| {
            links.leave(index, link, reason, (LinkDown::Ended(reason), text), now);
        });
    }

    /// Says goodbye to who sent what is not a frame.
    pub(super) fn blame(&mut self, index: usize, link: &mut Link, error: DecodeError, now: Instant) {
        let text = error.to_string();
        self.leave(index, link, GoodbyeReason::Fault, (LinkDown::Fault(error), &text), now);
    }

    fn leave(
        &mut self,
        index: usize,
        link: &mut Link,
        reason: GoodbyeReason,
        (why, text): (LinkDown, &str),
        now: Instant,
    ) {
        let number = why.number();
        if self.fall(index, link, why, now) {
            let text = short(text);
            self.say_last(link, Word::Goodbye { reason, number, text }, code_of(reason, number), text, now);
        }
    }

    /// Does not take a hello.
    pub(super) fn refuse(&mut self, index: usize, link: &mut Link, error: HelloError, now: Instant) {
        let (number, text) = (error.number(), error.text());
        let why = LinkDown::Refused { by_peer: false, number, text: text.into() };
        if self.fall(index, link, why, now) {
            self.say_last(link, Word::Refusal { number, text }, number, text, now);
        }
    }

    /// Ends a link without a word of ours: the peer has said the last one, or nobody would hear it.
    pub(super) fn lose(&mut self, index: usize, link: &mut Link, why: LinkDown, now: Instant) {
        self.fall(index, link, why, now);
        link.shut(now);
    }

    /// The time of a stage is over.
    pub(super) fn time_out(&mut self, index: usize, now: Instant) {
        self.with(index, |links, link| links.lose(index, link, LinkDown::Silent, now));
    }

    /// A link does not count any more: its frames and its place are gone, and it is told. False if that was so before.
    fn fall(&mut self, index: usize, link: &mut Link, why: LinkDown, now: Instant) -> bool {
        let node = link.node();
        match (link.stage, node) {
            (Stage::Greeting, _) => {
                self.greeting -= usize::from(link.dialled.is_none());
                self.tell_failure(node, link.address, why);
            }
            (Stage::Up, Some(node)) => {
                self.figures.downs += 1;
                self.events.push_back(LinkEvent::Down { node, why });
            }
            _ => return false,
        }
        link.stage = Stage::Over;
        for stream in &mut link.streams {
            stream.frames = std::collections::VecDeque::new();
            stream.reader = Reader::new(0);
        }
        self.ready.retain(|(of, _)| *of != index);
        if let Some(node) = node
            && self.unlink(index, node)
        {
            let stood = link.up_since.is_some_and(|since| now - since >= self.times.backoff_max);
            self.put_off(node, stood, now);
        }
        true
    }

    /// The last word, then the end of stream 0; when that has arrived, or too late, the connection is closed with the same.
    fn say_last(&self, link: &mut Link, word: Word<'_>, code: u16, text: &str, now: Instant) {
        link.close = Some((code, text.to_owned()));
        if link.open == 0 || !link.connected {
            link.shut(now);
            return;
        }
        (link.stage, link.until) = (Stage::Ending, Some(now + self.times.goodbye));
        link.say(word);
    }

    pub(super) fn tell_failure(&mut self, node: Option<NodeId>, address: SocketAddr, why: LinkDown) {
        let is_refusal = matches!(why, LinkDown::Refused { .. });
        self.figures.refused += u64::from(is_refusal);
        self.figures.failed += u64::from(!is_refusal);
        if self.events.len() < EVENTS_MAX {
            self.events.push_back(LinkEvent::Failed { node, address, why });
        } else {
            self.figures.untold += 1;
        }
    }

    /// Does something to a link, which is out of its place meanwhile; then the turn looks at it.
    fn with(&mut self, index: usize, mut change: impl FnMut(&mut Self, &mut Link)) {
        let Some(mut link) = self.links.get_mut(index).and_then(Option::take) else { return };
        change(self, &mut link);
        self.links[index] = Some(link);
        self.touch(index);
    }
}

/// As much of a text as a word holds.
fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}
