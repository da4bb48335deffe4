//! What a connection has to tell: that it stands, that it is lost, what its streams are ready for.

use std::time::Instant;

use quinn_proto::{Event, StreamEvent};

use super::Links;
use super::event::LinkDown;
use super::link::{Link, Stage, number_of};

impl Links {
    /// Handles what happened to a connection, then reads what came. Events are as many as streams, a few times.
    pub(super) fn hear(&mut self, index: usize, link: &mut Link, now: Instant) {
        while let Some(event) = link.connection.poll() {
            match event {
                Event::Connected => self.handle_connected(index, link, now),
                Event::ConnectionLost { reason } => {
                    // What was read before is heard first: it may be the last word.
                    self.read(index, link, now);
                    self.lose(index, link, LinkDown::of_connection(&reason), now);
                }
                Event::Stream(event) => self.hear_stream(index, link, event, now),
                Event::HandshakeDataReady | Event::DatagramReceived | Event::DatagramsUnblocked => {}
            }
        }
        self.read(index, link, now);
    }

    fn hear_stream(&mut self, index: usize, link: &mut Link, event: StreamEvent, now: Instant) {
        match event {
            StreamEvent::Opened { .. } => self.handle_opened(link),
            StreamEvent::Readable { id } => number_of(id).into_iter().for_each(|id| link.unread.add(id)),
            StreamEvent::Writable { id } => {
                if let Some(number) = number_of(id) {
                    link.blocked.remove(number);
                    link.dirty.add(number);
                }
            }
            // The last word has arrived.
            StreamEvent::Finished { .. } if link.stage == Stage::Ending => link.shut(now),
            StreamEvent::Stopped { id, .. } => {
                let why = LinkDown::Broken(format!("stream {} was stopped", id.index()));
                self.lose(index, link, why, now);
            }
            StreamEvent::Finished { .. } | StreamEvent::Available { .. } => {}
        }
    }
}
