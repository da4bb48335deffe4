//! From frames into streams, and from connections into packets.

use std::time::Instant;

use quinn_proto::{ConnectionHandle, Transmit};

use super::Links;
use super::event::LinkDown;
use super::link::{Link, Stage, StreamNumber, id_of};
use crate::quic::settle;
use crate::quic::socket::train;
use crate::quic::write::write;

/// Trains of packets of one link in a turn: a few hundred packets.
const TRAINS_PER_TURN: usize = 32;

impl Links {
    /// Writes what waits into the streams of the links that something happened to. Their packets follow by
    /// [`Links::poll_transmit`].
    pub(crate) fn flush(&mut self, now: Instant) {
        while let Some(index) = self.touched.pop_front() {
            let Some(mut link) = self.links[index].take() else { continue };
            if self.fill(&mut link).is_err() {
                self.lose(index, &mut link, LinkDown::Broken("a stream was stopped".into()), now);
            }
            link.trains = 0;
            self.links[index] = Some(link);
            self.sending.push_back(index);
        }
    }

    /// The next train of packets, and the socket that it leaves by; at most `segments_max` packets, at the front of
    /// `packets`. `None` when the turn's are out.
    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        segments_max: usize,
        packets: &mut Vec<u8>,
    ) -> Option<(usize, Transmit)> {
        packets.clear();
        if let Some((socket, transmit, response)) = self.responses.pop_front() {
            *packets = response;
            return Some((socket, transmit));
        }
        while let Some(&index) = self.sending.front() {
            if let Some(link) = self.links[index].as_deref_mut()
                && link.trains < TRAINS_PER_TURN
                && let segments = train(segments_max, link.connection.current_mtu())
                && let Some(transmit) = link.connection.poll_transmit(now, segments, packets)
            {
                link.trains += 1;
                let datagrams = transmit.segment_size.map_or(1, |size| transmit.size.div_ceil(size));
                self.figures.datagrams_out += datagrams as u64;
                return Some((link.socket, transmit));
            }
            self.sending.pop_front();
            self.rest(index);
        }
        self.renew_due();
        None
    }

    /// Puts into streams what they take.
    fn fill(&self, link: &mut Link) -> Result<(), quinn_proto::WriteError> {
        let (dirty, blocked) = (link.dirty, link.blocked);
        match link.stage {
            Stage::Over => return Ok(()),
            Stage::Up => {}
            Stage::Greeting | Stage::Ending => {
                return if dirty.has(0) && !blocked.has(0) { fill_stream(link, 0) } else { Ok(()) };
            }
        }
        for number in dirty.without(blocked, link.open) {
            fill_stream(link, number)?;
            // Words go when nothing waits before them: so there is never more than one of each.
            if !link.blocked.has(number) {
                link.unsent += link.stream(number).put_words();
                fill_stream(link, number)?;
            }
        }
        Ok(())
    }

    /// The link's part of this turn is over.
    fn rest(&mut self, index: usize) {
        let Self { endpoint, links, .. } = self;
        let Some(link) = links[index].as_deref_mut() else { return };
        link.touched = false;
        if settle(endpoint, ConnectionHandle(index), &mut link.connection) {
            links[index] = None;
            return;
        }
        link.timer = link.connection.poll_timeout().into_iter().chain(link.until).min();
        if link.trains >= TRAINS_PER_TURN || link.next_unread().is_some() {
            self.touch(index);
        }
    }
}

fn fill_stream(link: &mut Link, number: StreamNumber) -> Result<(), quinn_proto::WriteError> {
    let Link { connection, streams, .. } = link;
    let writer = &mut streams[usize::from(number)].writer;
    link.dirty.remove(number);
    let written = write(connection.send_stream(id_of(number)), writer.as_bytes())?;
    writer.handle_written(written);
    let is_empty = writer.as_bytes().is_empty();
    link.unsent -= written;
    if !is_empty {
        // It is heard of when there is room.
        link.blocked.add(number);
    } else if link.stage == Stage::Ending {
        // Nothing follows the last word. A stream that can't be finished was stopped, which is heard of.
        let _ = connection.send_stream(id_of(number)).finish();
    }
    Ok(())
}
