"use strict";
// The binary format (docs/protocol.md, schema/ringway.fbs): commands to size-prefixed flatbuffers, and events from them.
// Both are the objects of the JSON format; only a `message` names its room by `handle`, until somebody who saw `joined`
// puts its name there. What can't be read throws; whoever reads a peer's bytes catches.
const FRAME_BYTES_MAX = 1 << 20;
const TABLES_MAX = 256;
const KINDS = {
  hello: 1, refresh: 2, join: 3, join_many: 4, leave: 5, publish: 6, history: 7, presence: 8, ping: 9,
  welcome: 65, refreshed: 66, joined: 67, left: 69, published: 70, history_page: 71, presence_page: 72, pong: 73,
  message: 80, presence_changed: 81, gap: 82, reset: 83, error: 84, closing: 85,
};
const LANES = ["reliable", "latest", "unreliable"];
const fields = names => Object.fromEntries(names.split(" ").map((name, index) => [name, index]));
const FRAME = fields("head body detail user key room");
const DETAIL = fields("epoch count replay limit cursor msg_id joins members left to code name retry retry_after_ms "
  + "reconnect_after_ms reason protocol token client resume node heartbeat_ms limits features expires version");
const JOIN = fields("room epoch offset last versions presence stream");
const KNOWN = fields("user key version");
const MEMBER = fields("user session info");
const LIMITS = fields("frame_bytes rooms key_bytes history_page join_many");

const utf8 = new TextEncoder();
const readUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ofBase64 = text => Uint8Array.from(atob(text), symbol => symbol.charCodeAt(0));
const toBase64 = bytes => btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""));
const ofHex = text => BigInt("0x" + text);
const toHex = number => number.toString(16).padStart(16, "0");

// ---- writing: back to front, as all of flatbuffers' builders do; places count from the end
class Builder {
  constructor() {
    this.bytes = new Uint8Array(512);
    this.view = new DataView(this.bytes.buffer);
    this.used = 0;
    this.alignment = 1;
    this.vtables = [];
  }

  // Makes room for so many bytes in front, zeros; where they begin.
  make(count) {
    this.used += count;
    while (this.used > this.bytes.length) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes, this.bytes.length);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return this.bytes.length - this.used;
  }

  // Pads, so that what begins after so many bytes more is aligned.
  align(count, alignment) {
    this.alignment = Math.max(this.alignment, alignment);
    this.make(-(this.used + count) & (alignment - 1));
  }

  byte(value) { this.view.setUint8(this.make(1), value); return this.used; }
  u32(value) { this.align(4, 4); this.view.setUint32(this.make(4), value, true); return this.used; }
  u64(value) { this.align(8, 8); this.view.setBigUint64(this.make(8), BigInt(value), true); return this.used; }
  reference(place) { this.align(4, 4); return this.u32(this.used + 4 - place); }

  raw(bytes, end) {
    this.align(bytes.length + end, 4);
    this.make(end);
    this.bytes.set(bytes, this.make(bytes.length));
    return this.u32(bytes.length);
  }
  vector(bytes) { return this.raw(bytes, 0); }
  text(text) { return text === undefined ? undefined : this.raw(utf8.encode(text), 1); }
  list(places) {
    this.align(places.length * 4, 4);
    for (const place of places.toReversed()) this.reference(place);
    return this.u32(places.length);
  }

  head({ kind, lane = 0, body = 0, flag = false, id = 0, place = 0 }) {
    this.align(40, 8);
    const at = this.make(40);
    this.view.setBigUint64(at + 8, BigInt(place), true);
    this.bytes.set([kind, lane, body, flag ? 1 : 0], at + 32);
    this.view.setUint32(at + 36, id, true);
    return this.used;
  }

  // A table of [number of the field, method that writes it, value], last in memory first. Absent fields are left out.
  table(entries) {
    const end = this.used;
    const written = entries.filter(([, , value]) => value !== undefined)
      .map(([field, write, value]) => [field, this[write](value)]);
    const table = this.u32(0);
    const size = 4 + 2 * Math.max(...written.map(([field]) => field + 1), 0);
    const at = this.make(size);
    this.view.setUint16(at, size, true);
    this.view.setUint16(at + 2, table - end, true);
    for (const [field, place] of written) this.view.setUint16(at + 4 + 2 * field, table - place, true);
    const text = this.bytes.slice(at, at + size).join();
    let vtable = this.vtables.find(other => other.text === text);
    if (vtable) {
      this.bytes.fill(0, at, at + size);
      this.used -= size;
    } else {
      vtable = { text, place: this.used };
      this.vtables.push(vtable);
    }
    this.view.setInt32(this.bytes.length - table, vtable.place - table, true);
    return table;
  }

  finish(head, { detail, key, room, body }) {
    [room, key] = [this.text(room), this.text(key)];
    body &&= this.vector(body);
    const root = this.table([
      [FRAME.head, "head", head], [FRAME.room, "reference", room], [FRAME.key, "reference", key],
      [FRAME.detail, "reference", detail], [FRAME.body, "reference", body],
    ]);
    this.align(8, this.alignment);
    this.reference(root);
    this.u32(this.used);
    return this.bytes.slice(this.bytes.length - this.used);
  }
}

// The frame of a command, prefix included.
function encodeCommand(command) {
  const { type, id, room, key } = command;
  const builder = new Builder();
  const head = { kind: KINDS[type], id };
  const detail = entries => builder.table(entries);
  switch (type) {
    case "hello": {
      const [token, client, resume] = [command.token, command.client, command.resume].map(text => builder.text(text));
      return builder.finish(head, { detail: detail([
        [DETAIL.resume, "reference", resume], [DETAIL.client, "reference", client], [DETAIL.token, "reference", token],
        [DETAIL.protocol, "u32", command.protocol || undefined],
      ]) });
    }
    case "refresh": {
      const token = builder.text(command.token);
      return builder.finish(head, { detail: detail([[DETAIL.token, "reference", token]]) });
    }
    case "join":
    case "join_many": {
      const joins = builder.list((command.rooms ?? [command]).map(one => encodeJoin(builder, one)));
      return builder.finish(head, { detail: detail([[DETAIL.joins, "reference", joins]]) });
    }
    case "publish": {
      const { msg_id, msg_id_bytes, retry } = command;
      const bytes = msg_id !== undefined ? utf8.encode(msg_id) : msg_id_bytes && ofBase64(msg_id_bytes);
      const place = bytes && builder.vector(bytes);
      const [kind, body] = encodeBody(command);
      Object.assign(head, { lane: LANES.indexOf(command.lane ?? "reliable"), body: kind, flag: command.echo === false, place: retry?.offset });
      return builder.finish(head, { room, key, body, detail: place && detail([
        [DETAIL.epoch, "u64", retry && ofHex(retry.epoch)], [DETAIL.msg_id, "reference", place],
      ]) });
    }
    case "history": {
      Object.assign(head, { flag: command.after !== undefined, place: command.after ?? command.before });
      return builder.finish(head, { room, detail: detail([[DETAIL.limit, "u32", command.limit || undefined]]) });
    }
    case "presence": {
      const cursor = command.cursor && ofHex(command.cursor);
      return builder.finish(head, { room, detail: cursor === undefined ? cursor : detail([[DETAIL.cursor, "u64", cursor]]) });
    }
    case "leave": return builder.finish(head, { room });
    case "ping": return builder.finish(head, {});
  }
  throw new TypeError(`no command is called ${type}`);
}

function encodeJoin(builder, { room, since, versions, presence, stream }) {
  const known = versions?.map(({ user, key, version }) => {
    [user, key] = [builder.text(user), builder.text(key)];
    return builder.table([[KNOWN.version, "u64", ofHex(version)], [KNOWN.key, "reference", key], [KNOWN.user, "reference", user]]);
  });
  const list = known?.length ? builder.list(known) : undefined;
  const name = builder.text(room);
  return builder.table([
    [JOIN.offset, "u64", since?.offset || undefined], [JOIN.epoch, "u64", since?.epoch && ofHex(since.epoch)],
    [JOIN.versions, "reference", list], [JOIN.last, "u32", since?.last], [JOIN.room, "reference", name],
    [JOIN.stream, "byte", stream ? 1 : undefined], [JOIN.presence, "byte", presence ? 1 : undefined],
  ]);
}

function encodeBody({ data, text, bytes }) {
  if (data !== undefined) return [1, utf8.encode(JSON.stringify(data))];
  if (text !== undefined) return [2, utf8.encode(text)];
  if (bytes !== undefined) return [3, ofBase64(bytes)];
  return [0, undefined];
}

// ---- reading: whatever lies outside of the frame throws
class Table {
  constructor(view, at) {
    Object.assign(this, { view, at, vtable: at - view.getInt32(at, true) });
    this.size = view.getUint16(this.vtable, true);
  }
  // Where a field lies; 0: it is not there.
  find(field) {
    const slot = 4 + 2 * field;
    const offset = slot + 2 <= this.size ? this.view.getUint16(this.vtable + slot, true) : 0;
    return offset && this.at + offset;
  }
  u16(field) { const at = this.find(field); return at ? this.view.getUint16(at, true) : 0; }
  u32(field) { const at = this.find(field); return at ? this.view.getUint32(at, true) : undefined; }
  u64(field) { const at = this.find(field); return at ? this.view.getBigUint64(at, true) : undefined; }
  hex(field) { const number = this.u64(field); return number === undefined ? number : toHex(number); }
  table(field) { const at = this.find(field); return at ? new Table(this.view, at + this.view.getUint32(at, true)) : undefined; }
  bytes(field) { const at = this.find(field); return at ? vectorAt(this.view, at) : undefined; }
  text(field) { const bytes = this.bytes(field); return bytes && readUtf8.decode(bytes); }
  list(field, of) {
    const at = this.find(field);
    if (!at) return [];
    const from = at + this.view.getUint32(at, true);
    const count = this.view.getUint32(from, true);
    if (count > TABLES_MAX) throw new RangeError("a list is too long");
    return Array.from({ length: count }, (_, index) => of(this.view, from + 4 + 4 * index));
  }
}
function vectorAt(view, at) {
  const from = at + view.getUint32(at, true);
  const length = view.getUint32(from, true);
  if (from + 4 + length > view.byteLength) throw new RangeError("a vector ends outside of its frame");
  return new Uint8Array(view.buffer, view.byteOffset + from + 4, length);
}
const tableAt = (view, at) => new Table(view, at + view.getUint32(at, true));
const present = object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

// One whole frame, prefix included, as an event; null if this code is older than its kind.
function decodeEvent(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== view.byteLength - 4) throw new RangeError("the prefix does not count what follows");
  const root = tableAt(view, 4);
  const at = root.find(FRAME.head);
  if (!at) throw new RangeError("a frame without a head");
  const u64 = place => view.getBigUint64(at + place, true);
  const kind = view.getUint8(at + 32);
  const flag = (view.getUint8(at + 35) & 1) === 1;
  const [handle, place, time, session] = [toHex(u64(0)), Number(u64(8)), Number(u64(16)), toHex(u64(24))];
  const id = view.getUint32(at + 36, true) || undefined;
  const lane = LANES[view.getUint8(at + 33)];
  const where = lane === "reliable" ? { offset: place } : { version: toHex(u64(8)) };
  const [user, key, room] = [root.text(FRAME.user), root.text(FRAME.key), root.text(FRAME.room)];
  const detail = root.table(FRAME.detail);
  const [text, number, hex] = ["text", "u32", "hex"].map(read => name => detail?.[read](DETAIL[name]));
  const count = name => number(name) ?? 0;
  const members = name => detail?.list(DETAIL[name], (view, at) => memberOf(tableAt(view, at))) ?? [];
  const when = name => { const micros = detail?.u64(DETAIL[name]); return micros === undefined ? micros : Number(micros); };
  switch (kind) {
    case KINDS.message:
      if (!lane) throw new RangeError("no lane has this number");
      return present({ type: "message", handle, lane, ...where, time, from: present({ user, session }), key, ...bodyOf(view.getUint8(at + 34), root) });
    case KINDS.published:
      return present({ type: "published", id, room, epoch: hex("epoch"), ...where, time, duplicate: flag || undefined });
    case KINDS.welcome: {
      const limits = detail?.table(DETAIL.limits);
      return present({
        type: "welcome", id, session, resume: text("resume"), user, node: text("node"), time, heartbeat_ms: count("heartbeat_ms"),
        limits: Object.fromEntries(Object.entries(LIMITS).map(([name, field]) => [name, limits?.u32(field) ?? 0])),
        features: detail?.list(DETAIL.features, (view, at) => readUtf8.decode(vectorAt(view, at))) ?? [], expires: when("expires"),
      });
    }
    case KINDS.refreshed: return present({ type: "refreshed", id, expires: when("expires") });
    case KINDS.joined:
      return present({
        type: "joined", id, room, handle, epoch: hex("epoch"), offset: place, version: hex("version"), recovered: flag,
        replay: count("replay"), count: count("count"), members: members("members"),
      });
    case KINDS.left: return present({ type: "left", id, room });
    case KINDS.history_page: return present({ type: "history", id, room, epoch: hex("epoch"), replay: count("replay"), more: flag });
    case KINDS.presence_page:
      return present({ type: "presence", id, room, count: count("count"), members: members("members"), cursor: hex("cursor"), partial: flag });
    case KINDS.pong: return present({ type: "pong", id, time });
    case KINDS.presence_changed:
      return { type: "presence_changed", room, count: count("count"), joined: members("members"), left: members("left"), truncated: flag };
    case KINDS.gap: return { type: "gap", room, from: place, to: when("to") ?? 0 };
    case KINDS.reset: return present({ type: "reset", room, epoch: hex("epoch"), offset: place, version: hex("version"), reason: text("reason") ?? "" });
    case KINDS.error:
      return present({
        type: "error", id, room, code: detail?.u16(DETAIL.code), name: text("name"), retry: text("retry"),
        retry_after_ms: number("retry_after_ms"), message: text("reason") ?? "",
      });
    case KINDS.closing:
      return present({ type: "closing", code: detail?.u16(DETAIL.code), reason: text("reason") ?? "", reconnect_after_ms: number("reconnect_after_ms") });
  }
  return null;
}

function memberOf(table) {
  const info = table.text(MEMBER.info);
  return present({ user: table.text(MEMBER.user) ?? "", session: table.hex(MEMBER.session) ?? toHex(0n), info: info && JSON.parse(info) });
}

function bodyOf(kind, root) {
  const bytes = root.bytes(FRAME.body) ?? new Uint8Array();
  switch (kind) {
    case 0: return {};
    case 1: return { data: JSON.parse(readUtf8.decode(bytes)) };
    case 2: return { text: readUtf8.decode(bytes) };
    case 3: return { bytes: toBase64(bytes) };
  }
  throw new RangeError("no kind of body has this number");
}

// Cuts a stream, which comes in pieces of any size, into frames.
class FrameReader {
  rest = new Uint8Array();

  // The frames that are whole now.
  take(bytes) {
    if (this.rest.length > 0) {
      const both = new Uint8Array(this.rest.length + bytes.length);
      both.set(this.rest);
      both.set(bytes, this.rest.length);
      bytes = both;
    }
    const frames = [];
    while (bytes.length >= 4) {
      const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) + 4;
      if (size > FRAME_BYTES_MAX) throw new RangeError("a frame is too large");
      if (size > bytes.length) break;
      frames.push(bytes.subarray(0, size));
      bytes = bytes.subarray(size);
    }
    this.rest = bytes;
    return frames;
  }
}
