// The ways to a server, alike to whoever uses them: frames are the objects of the JSON format. Each says `on.open()` once it
// takes frames, `on.frame(object)`, and last and once `on.closed(code, reason, whether it was open)`, unless `close` was asked
// for; code 1006 stands for an end without one. Nothing is told from within the constructor.
const OPEN_MS_MAX = 2_000;
const HELD_BYTES_MAX = 64 * 1024;
const VERSIONS_MAX = 4_096;
const PROTOCOL_ERROR = 3500;

class OverWebSocket {
  name = "WebSocket";

  constructor(url, on) {
    this.on = on;
    this.socket = new WebSocket(url, "ringway.v1.json");
    this.socket.onopen = () => { this.wasOpen = true; this.on?.open(); };
    this.socket.onmessage = ({ data }) => {
      let frame;
      try { frame = JSON.parse(data); } catch { return this.end(PROTOCOL_ERROR, "not JSON"); }
      this.on?.frame(frame);
    };
    this.socket.onclose = ({ code, reason }) => this.end(code, reason);
  }

  send(frame) {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  close(code, reason) {
    this.on = null;
    this.socket.close(code, reason);
  }

  end(code, reason) {
    const { on } = this;
    this.close();
    on?.closed(code, reason, Boolean(this.wasOpen));
  }
}

// Frames of the binary format: the first stream carries them both ways; each stream of the server begins with one, and ends
// behind it (a value of the latest lane) or goes on (a room that was joined with `stream`); datagrams hold whole ones.
class OverWebTransport {
  name = "WebTransport";
  ownStreams = true;

  // `certificate`: SHA-256 of the server's certificate in hex, where no authority vouches for it.
  constructor({ url, certificate }, on) {
    this.on = on;
    this.arrivals = new Arrivals();
    const value = certificate && Uint8Array.from(certificate.match(/../g), byte => parseInt(byte, 16));
    const hashes = value && { serverCertificateHashes: [{ algorithm: "sha-256", value }] };
    this.session = new WebTransport(url, { protocols: ["ringway.v1.fb"], ...hashes });
    this.session.closed.then(({ closeCode, reason }) => this.end(closeCode, reason), () => this.end(1006, ""));
    this.late = setTimeout(() => this.end(1006, "no answer"), OPEN_MS_MAX);
    this.open().catch(() => this.end(1006, ""));
  }

  async open() {
    const { session } = this;
    await session.ready;
    const { datagrams } = session;
    const control = await session.createBidirectionalStream();
    this.control = control.writable.getWriter();
    this.datagrams = (datagrams.createWritable?.() ?? datagrams.writable).getWriter();
    clearTimeout(this.late);
    this.wasOpen = true;
    this.read(control.readable);
    each(session.incomingUnidirectionalStreams, stream => this.read(stream));
    each(datagrams.readable, datagram => this.take(new FrameReader(), datagram));
    this.on?.open();
  }

  read(stream) {
    const reader = new FrameReader();
    each(stream, bytes => this.take(reader, bytes));
  }

  take(reader, bytes) {
    let frames;
    try {
      frames = reader.take(bytes).flatMap(frame => this.arrivals.take(decodeEvent(frame), frame.length, reader));
    } catch {
      return this.end(PROTOCOL_ERROR, "not a frame");
    }
    for (const frame of frames) this.on?.frame(frame);
  }

  send(frame) {
    if (!this.control || !this.on) return false;
    const bytes = encodeCommand(frame);
    this.arrivals.expect(frame);
    const mayBeLost = frame.lane === "unreliable" && !frame.id && bytes.length <= this.session.datagrams.maxDatagramSize;
    // That the session has ended is told elsewhere.
    (mayBeLost ? this.datagrams : this.control).write(bytes).catch(() => {});
    return true;
  }

  close(closeCode, reason) {
    this.on = null;
    clearTimeout(this.late);
    try { this.session.close({ closeCode, reason }); } catch { /* it has ended by itself */ }
  }

  end(code, reason) {
    const { on } = this;
    this.close(code, reason);
    on?.closed(code, reason, Boolean(this.wasOpen));
  }
}

// Whatever a stream gives, to its end or its reset: a value's stream is reset when a newer value has arrived.
async function each(stream, take) {
  const reader = stream.getReader();
  for (;;) {
    const { value, done } = await reader.read().catch(() => ({ done: true }));
    if (done) return;
    take(value);
  }
}

// What came by several ways, in an order that makes sense: rooms get their names, what overtook its room's `joined` waits for
// it, and a value that a newer one overtook is dropped, as is one that came apart from its room's `joined` and is not above
// the floor that this or a `reset` told: it is of an order, or a membership, that is over.
class Arrivals {
  rooms = new Map();
  joining = new Set();
  held = [];
  heldBytes = 0;

  // A command goes out.
  expect({ type, id }) { if (type === "join") this.joining.add(id); }

  // The events that can be told now that this one came.
  take(event, bytes, way) {
    switch (event?.type) {
      case "message": {
        const room = this.rooms.get(event.handle);
        if (room) return this.isOvertaken(room, event, way) ? [] : [named(event, room)];
        if (this.joining.size > 0 && this.heldBytes + bytes <= HELD_BYTES_MAX) {
          this.heldBytes += bytes;
          this.held.push([event, way]);
        }
        return [];
      }
      case "joined": {
        const known = this.rooms.get(event.handle);
        const versions = known?.epoch === event.epoch ? known.versions : new Map();
        this.rooms.set(event.handle, { name: event.room, epoch: event.epoch, versions, way, floor: event.version });
        return [event, ...this.answered(event.id)];
      }
      case "error": return [event, ...this.answered(event.id)];
      case "left":
        for (const [handle, { name }] of this.rooms) if (name === event.room) this.rooms.delete(handle);
        return [event];
      case "reset":
        for (const room of this.rooms.values()) if (room.name === event.room) {
          const versions = [...room.versions].filter(([, version]) => event.version && version > event.version);
          Object.assign(room, { epoch: event.epoch, versions: new Map(versions), floor: event.version });
        }
        return [event];
    }
    return event ? [event] : [];
  }

  // A join has its answer: what waited for it follows, what waits for others goes on waiting.
  answered(id) {
    if (!this.joining.delete(id)) return [];
    const held = this.held;
    this.held = [];
    this.heldBytes = 0;
    return held.flatMap(([event, way]) => this.take(event, 0, way));
  }

  // Whether a newer value of its key came before. A key belongs to its user.
  isOvertaken({ versions, floor, way: order }, { lane, version, key = "", from }, way) {
    if (lane === "reliable") return false;
    if (floor && way !== order && version <= floor) return true;
    const whose = JSON.stringify([lane, from.user ?? from.session, key]);
    if (version <= versions.get(whose)) return true;
    versions.delete(whose);
    versions.set(whose, version);
    if (versions.size > VERSIONS_MAX) versions.delete(versions.keys().next().value);
    return false;
  }
}
function named({ handle, ...event }, { name }) { return { ...event, room: name }; }
