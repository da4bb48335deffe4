//! Commands to JSON: what a client says.

use super::write::Writer;
use crate::command::{Command, Hello, HistoryFrom, Join, KnownVersion, Publish, Since};
use crate::{Lane, Position, RequestId};

/// Appends the JSON text of a command. A `json` body is spliced as it is: it must be one JSON value.
pub fn encode_command(command: &Command<'_>, out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    let writer = &mut writer;
    match command {
        Command::Hello(command) => hello(writer, command),
        Command::Refresh(command) => {
            start(writer, "refresh", command.id);
            writer.raw(",\"token\":").text(command.token);
        }
        Command::Join(command) => {
            start(writer, "join", command.id);
            writer.raw(",");
            join(writer, command);
        }
        Command::JoinMany(command) => {
            start(writer, "join_many", command.id);
            writer.raw(",\"rooms\":").array(&command.rooms, |writer, room| {
                writer.raw("{");
                join(writer, room);
                writer.raw("}");
            });
        }
        Command::Leave(command) => {
            start(writer, "leave", command.id);
            writer.raw(",\"room\":").text(command.room.as_str());
        }
        Command::Publish(command) => publish(writer, command),
        Command::History(command) => {
            start(writer, "history", command.id);
            writer.raw(",\"room\":").text(command.room.as_str());
            match command.from {
                HistoryFrom::Before(offset) => writer.raw(",\"before\":").number(offset.0),
                HistoryFrom::After(offset) => writer.raw(",\"after\":").number(offset.0),
            };
            writer.raw(",\"limit\":").number(command.limit.into());
        }
        Command::Presence(command) => {
            start(writer, "presence", command.id);
            writer.raw(",\"room\":").text(command.room.as_str());
            if let Some(cursor) = command.cursor {
                writer.raw(",\"cursor\":").hex(cursor);
            }
        }
        Command::Ping { id } => start(writer, "ping", *id),
    }
    writer.raw("}");
}

fn start(writer: &mut Writer<'_>, name: &str, id: Option<RequestId>) {
    writer.raw("{\"type\":\"").raw(name).raw("\"");
    if let Some(id) = id {
        writer.raw(",\"id\":").number(id.get().into());
    }
}

fn hello(writer: &mut Writer<'_>, hello: &Hello<'_>) {
    start(writer, "hello", hello.id);
    writer.raw(",\"protocol\":").number(hello.protocol.into());
    if let Some(token) = hello.token {
        writer.raw(",\"token\":").text(token);
    }
    if let Some(client) = hello.client {
        writer.raw(",\"client\":").text(client);
    }
    if let Some(resume) = hello.resume {
        writer.raw(",\"resume\":").text(resume);
    }
}

fn join(writer: &mut Writer<'_>, join: &Join<'_>) {
    writer.raw("\"room\":").text(join.room.as_str());
    match join.since {
        Some(Since::Position(since)) => {
            writer.raw(",\"since\":");
            position(writer, since);
        }
        Some(Since::Last(last)) => {
            writer.raw(",\"since\":{\"last\":").number(last.into()).raw("}");
        }
        None => {}
    }
    if !join.versions.is_empty() {
        writer.raw(",\"versions\":").array(&join.versions, known_version);
    }
    if join.presence {
        writer.raw(",\"presence\":true");
    }
    if join.stream {
        writer.raw(",\"stream\":true");
    }
}

fn known_version(writer: &mut Writer<'_>, known: &KnownVersion<'_>) {
    writer.raw("{\"key\":").text(known.key);
    if let Some(user) = known.user {
        writer.raw(",\"user\":").text(user);
    }
    writer.raw(",\"version\":").hex(known.version.0).raw("}");
}

fn publish(writer: &mut Writer<'_>, publish: &Publish<'_>) {
    start(writer, "publish", publish.id);
    writer.raw(",\"room\":").text(publish.room.as_str());
    if publish.lane != Lane::Reliable {
        writer.raw(",\"lane\":\"").raw(publish.lane.name()).raw("\"");
    }
    if let Some(key) = publish.key {
        writer.raw(",\"key\":").text(key);
    }
    if let Some(msg_id) = publish.msg_id {
        match core::str::from_utf8(msg_id) {
            Ok(text) => writer.raw(",\"msg_id\":").text(text),
            Err(_) => writer.raw(",\"msg_id_bytes\":").base64(msg_id),
        };
    }
    if let Some(retry) = publish.retry {
        writer.raw(",\"retry\":");
        position(writer, retry);
    }
    if !publish.echo {
        writer.raw(",\"echo\":false");
    }
    writer.body(&publish.body);
}

fn position(writer: &mut Writer<'_>, position: Position) {
    writer.raw("{\"epoch\":").hex(position.epoch.0).raw(",\"offset\":").number(position.offset.0).raw("}");
}
