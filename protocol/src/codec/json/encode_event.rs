//! Events to JSON: what a server says.

use super::write::Writer;
use crate::event::{
    ErrorEvent, Event, Joined, Member, Message, Place, PresenceChanged, PresencePage, Published, Welcome,
};
use crate::{RequestId, Version};

/// Appends the JSON text of an event. A `json` body is spliced as it is: it was validated at ingest.
pub fn encode_event(event: &Event<'_>, out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    let writer = &mut writer;
    match event {
        Event::Message(event) => message(writer, event),
        Event::Published(event) => published(writer, event),
        Event::Welcome(event) => welcome(writer, event),
        Event::Refreshed { id, expires } => {
            start(writer, "refreshed", *id);
            writer.raw(",\"expires\":").number(expires.0);
        }
        Event::Joined(event) => joined(writer, event),
        Event::Left { id, room } => {
            start(writer, "left", *id);
            writer.raw(",\"room\":").text(room);
        }
        Event::History(event) => {
            start(writer, "history", event.id);
            writer.raw(",\"room\":").text(event.room);
            writer.raw(",\"epoch\":").hex(event.epoch.0);
            writer.raw(",\"replay\":").number(event.replay.into());
            writer.raw(",\"more\":").boolean(event.more);
        }
        Event::Presence(event) => presence(writer, event),
        Event::Pong { id, time } => {
            start(writer, "pong", *id);
            writer.raw(",\"time\":").number(time.0);
        }
        Event::PresenceChanged(event) => presence_changed(writer, event),
        Event::Gap { room, from, to } => {
            start(writer, "gap", None);
            writer.raw(",\"room\":").text(room);
            writer.raw(",\"from\":").number(from.0).raw(",\"to\":").number(to.0);
        }
        Event::Reset { room, position, version, reason } => {
            start(writer, "reset", None);
            writer.raw(",\"room\":").text(room);
            writer.raw(",\"epoch\":").hex(position.epoch.0).raw(",\"offset\":").number(position.offset.0);
            floor(writer, *version);
            writer.raw(",\"reason\":").text(reason);
        }
        Event::Error(event) => error(writer, event),
        Event::Closing { code, reason, reconnect_after_ms } => {
            start(writer, "closing", None);
            writer.raw(",\"code\":").number((*code).into()).raw(",\"reason\":").text(reason);
            if let Some(after) = reconnect_after_ms {
                writer.raw(",\"reconnect_after_ms\":").number((*after).into());
            }
        }
    }
    writer.raw("}");
}

fn start(writer: &mut Writer<'_>, name: &str, id: Option<RequestId>) {
    writer.raw("{\"type\":\"").raw(name).raw("\"");
    if let Some(id) = id {
        writer.raw(",\"id\":").number(id.get().into());
    }
}

fn message(writer: &mut Writer<'_>, message: &Message<'_>) {
    writer.raw("{\"type\":\"message\"");
    if let Some(room) = message.room {
        writer.raw(",\"room\":").text(room);
    }
    writer.raw(",\"lane\":\"").raw(message.lane.name()).raw("\"");
    place(writer, message.place);
    writer.raw(",\"time\":").number(message.time.0).raw(",\"from\":{");
    if let Some(user) = message.from.user {
        writer.raw("\"user\":").text(user).raw(",");
    }
    writer.raw("\"session\":").hex(message.from.session.0).raw("}");
    if let Some(key) = message.key {
        writer.raw(",\"key\":").text(key);
    }
    writer.body(&message.body);
}

fn published(writer: &mut Writer<'_>, published: &Published<'_>) {
    start(writer, "published", Some(published.id));
    writer.raw(",\"room\":").text(published.room);
    writer.raw(",\"epoch\":").hex(published.epoch.0);
    place(writer, published.place);
    writer.raw(",\"time\":").number(published.time.0);
    if published.duplicate {
        writer.raw(",\"duplicate\":true");
    }
}

fn welcome(writer: &mut Writer<'_>, welcome: &Welcome<'_>) {
    start(writer, "welcome", welcome.id);
    writer.raw(",\"session\":").hex(welcome.session.0);
    writer.raw(",\"resume\":").text(welcome.resume);
    writer.raw(",\"user\":").text(welcome.user);
    writer.raw(",\"node\":").text(welcome.node);
    writer.raw(",\"time\":").number(welcome.time.0);
    writer.raw(",\"heartbeat_ms\":").number(welcome.heartbeat_ms.into());
    let limits = &welcome.limits;
    writer.raw(",\"limits\":{\"frame_bytes\":").number(limits.frame_bytes.into());
    writer.raw(",\"rooms\":").number(limits.rooms.into());
    writer.raw(",\"key_bytes\":").number(limits.key_bytes.into());
    writer.raw(",\"history_page\":").number(limits.history_page.into());
    writer.raw(",\"join_many\":").number(limits.join_many.into());
    writer.raw("},\"features\":").array(&welcome.features, |writer, feature| {
        writer.text(feature);
    });
    if let Some(expires) = welcome.expires {
        writer.raw(",\"expires\":").number(expires.0);
    }
}

fn joined(writer: &mut Writer<'_>, joined: &Joined<'_>) {
    start(writer, "joined", joined.id);
    writer.raw(",\"room\":").text(joined.room);
    writer.raw(",\"handle\":").hex(joined.handle.0);
    writer.raw(",\"epoch\":").hex(joined.position.epoch.0);
    writer.raw(",\"offset\":").number(joined.position.offset.0);
    floor(writer, joined.version);
    writer.raw(",\"recovered\":").boolean(joined.recovered);
    writer.raw(",\"replay\":").number(joined.replay.into());
    writer.raw(",\"count\":").number(joined.count.into());
    writer.raw(",\"members\":").array(&joined.members, member);
}

fn presence(writer: &mut Writer<'_>, page: &PresencePage<'_>) {
    start(writer, "presence", page.id);
    writer.raw(",\"room\":").text(page.room);
    writer.raw(",\"count\":").number(page.count.into());
    writer.raw(",\"members\":").array(&page.members, member);
    if let Some(cursor) = page.cursor {
        writer.raw(",\"cursor\":").hex(cursor);
    }
    writer.raw(",\"partial\":").boolean(page.partial);
}

fn presence_changed(writer: &mut Writer<'_>, change: &PresenceChanged<'_>) {
    start(writer, "presence_changed", None);
    writer.raw(",\"room\":").text(change.room);
    writer.raw(",\"count\":").number(change.count.into());
    writer.raw(",\"joined\":").array(&change.joined, member);
    writer.raw(",\"left\":").array(&change.left, member);
    writer.raw(",\"truncated\":").boolean(change.truncated);
}

fn error(writer: &mut Writer<'_>, error: &ErrorEvent<'_>) {
    start(writer, "error", error.id);
    if let Some(room) = error.room {
        writer.raw(",\"room\":").text(room);
    }
    writer.raw(",\"code\":").number(error.code.number().into());
    writer.raw(",\"name\":\"").raw(error.code.name());
    writer.raw("\",\"retry\":\"").raw(error.code.retry().name()).raw("\"");
    if let Some(after) = error.retry_after_ms {
        writer.raw(",\"retry_after_ms\":").number(after.into());
    }
    writer.raw(",\"message\":").text(error.message);
}

fn member(writer: &mut Writer<'_>, member: &Member<'_>) {
    writer.raw("{\"user\":").text(member.user).raw(",\"session\":").hex(member.session.0);
    if let Some(info) = member.info {
        writer.raw(",\"info\":").json_or_text(info);
    }
    writer.raw("}");
}

/// The newest version of a room, where it is told.
fn floor(writer: &mut Writer<'_>, version: Version) {
    if version.0 != 0 {
        writer.raw(",\"version\":").hex(version.0);
    }
}

fn place(writer: &mut Writer<'_>, place: Place) {
    match place {
        Place::Offset(offset) => writer.raw(",\"offset\":").number(offset.0),
        Place::Version(version) => writer.raw(",\"version\":").hex(version.0),
    };
}
