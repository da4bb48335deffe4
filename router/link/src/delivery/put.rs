//! What each kind of delivery says, written behind its head and edges.

use ringway_core::Delivery;
use ringway_core::message::{JoinedDelivery, PageDelivery};
use ringway_protocol::Lane;
use ringway_protocol::event::Place;

use crate::field::Forms;
use crate::limit::FRAMES_MAX;
use crate::sink::Sink;
use crate::{Fault, record, register, request};

pub(super) fn body<S: Forms>(delivery: &Delivery<S>, sink: &mut Sink<'_>) {
    match delivery {
        Delivery::Publication { lane, place, key_tag, members, except, frame, .. } => {
            let reliable = *lane == Lane::Reliable;
            if Place::of(*lane, place.number()) != *place {
                sink.refuse(Fault::BadValue, "place");
            }
            if reliable && *key_tag != 0 {
                sink.refuse(Fault::BadValue, "key_tag");
            }
            sink.field(place.number());
            sink.field(*members);
            if !reliable {
                sink.field(*key_tag);
            }
            if let Some((_, session)) = *except {
                sink.field(session);
            }
            sink.binary_to_end(frame);
        }
        Delivery::Joined(joined) => put_joined(joined, sink),
        Delivery::JoinRefused { session, seat, frame, .. } => {
            sink.field(*session);
            sink.field(*seat);
            sink.frame(frame);
        }
        Delivery::PublishRefused { session, refusals, ordinal, msg_id, frame, .. } => {
            sink.field(*session);
            sink.field(*refusals);
            sink.field(*ordinal);
            request::put_msg_id(msg_id.as_deref(), sink);
            sink.frame(frame);
        }
        Delivery::Displaced { session, code } => {
            sink.field(*session);
            sink.field(*code);
        }
        Delivery::Reply { session, last, format, frames, .. } => {
            sink.field(*session);
            sink.field(*last);
            sink.field(*format);
            sink.list("frames", FRAMES_MAX, frames, |sink, frame| sink.frame_in("frames", *format, frame));
        }
        Delivery::PublishedInPlace { session, offset, frame, .. } => {
            sink.field(*session);
            sink.field(*offset);
            sink.frame(frame);
        }
        Delivery::Page(page) => put_page(page, sink),
        Delivery::PresenceChanged { frame, .. } => sink.binary_to_end(frame),
        Delivery::Reset { position, frame, .. } => {
            sink.field(*position);
            sink.binary_to_end(frame);
        }
        Delivery::ApiAnswer { ticket, result } => {
            sink.field(*ticket);
            sink.field(result.is_ok());
            match *result {
                Ok(published) => sink.field(published),
                Err(code) => sink.field(code),
            }
        }
        Delivery::Registered(registered) => register::put_answer(registered, sink),
        Delivery::Returned(request) => request::put_returned(request, sink),
        Delivery::Flushed => {}
        Delivery::Record(record) => record::put(record, sink),
    }
}

fn put_joined<S: Forms>(joined: &JoinedDelivery<S>, sink: &mut Sink<'_>) {
    sink.field(joined.session);
    sink.field(joined.seat);
    sink.field(joined.position);
    sink.field(joined.replay_from);
    sink.frame(&joined.frame);
    sink.list("after", FRAMES_MAX, &joined.after, |sink, frame| sink.frame(frame));
    register::put_values(&joined.keys, sink);
}

fn put_page<S: Forms>(page: &PageDelivery<S>, sink: &mut Sink<'_>) {
    sink.field(page.session);
    sink.field(page.seat);
    sink.field(page.gone);
    sink.field(page.position);
    register::put_missed("frames", &page.frames, sink);
}
