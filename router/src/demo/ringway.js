// A client (docs/protocol.md): one connection at a time, resumed when it breaks, one room.
//
// It keeps what must outlive a connection, and lets the page keep it over a reload (`saved`): the resume secret, the
// position in the room, and publishes whose answer has not come. None of that knows a transport: what began over
// WebTransport goes on over WebSocket.
const WEBSOCKET_MS = 5 * 60_000;

class Ringway {
  // `doors`: `websocket`, the URL; `webtransport`, if there is one: `{url, certificate?}`; `only`: "ws" or "wt".
  constructor(doors, room, saved, on) {
    Object.assign(this, { doors, room, on, saved });
    this.saved.unsent ??= [];
    this.ids = 0;
    this.waiting = new Map();
    this.failures = 0;
    this.joined = false;
    this.session = null;
    this.pings = new Map();
  }

  get position() { return this.saved.epoch ? { epoch: this.saved.epoch, offset: this.saved.offset } : null; }

  connect() {
    clearTimeout(this.timer);
    if (this.transport) return;
    this.on.state("connecting");
    const on = {
      open: () => this.hello(),
      frame: frame => this.receive(frame),
      closed: (code, reason, wasOpen) => this.lost(code, reason, wasOpen),
    };
    const { only, webtransport, websocket } = this.doors;
    const here = typeof WebTransport === "function" && webtransport;
    if (only === "wt" && !here) return this.on.state("ended", "no WebTransport here");
    const chosen = only ?? (here && !this.fellBack && performance.now() >= (this.websocketUntil ?? 0) ? "wt" : "ws");
    this.transport = chosen === "wt" ? new OverWebTransport(webtransport, on) : new OverWebSocket(websocket, on);
  }

  // Ends the connection as a broken cable would: the server keeps the membership for a while. Comes back after `ms`.
  cut(ms) {
    const { transport } = this;
    if (!transport) return;
    this.drop();
    transport.close(4999, "cut");
    this.timer = setTimeout(() => this.connect(), ms);
  }

  drop() {
    this.transport = null;
    this.joined = false;
    this.waiting.clear();
    this.pings.clear();
  }

  lost(code, reason, wasOpen) {
    const fallsBack = this.transport instanceof OverWebTransport && !wasOpen && !this.doors.only;
    this.drop();
    if (fallsBack) {
      this.fellBack = true;
      return this.connect();
    }
    this.fellBack = false;
    if (code === 3502) delete this.saved.resume;             // another tab took this session: be a new one
    if (code >= 3500 && code <= 4499 && code !== 3502) {
      this.on.state("ended", reason || `closed with ${code}`);
      return;
    }
    const pause = this.failures++ === 0 ? 150 : Math.min(500 * 2 ** this.failures, 10_000) * (0.5 + Math.random());
    const least = this.backAfter ?? 0;
    this.backAfter = null;
    this.on.state("lost", Math.max(pause, least));
    this.timer = setTimeout(() => this.connect(), Math.max(pause, least));
  }

  send(frame) { return this.transport?.send(frame) ?? false; }

  ask(frame, answer) {
    const id = ++this.ids;
    this.waiting.set(id, answer);
    this.send({ ...frame, id });
  }

  hello() {
    const resume = this.saved.resume;
    const hello = { type: "hello", protocol: 1, client: "ringway-demo/1", ...(resume && { resume }) };
    this.ask(hello, frame => {
      if (frame.type === "welcome") return this.welcome(frame);
      if (!resume) return this.on.refused(frame);
      delete this.saved.resume;                               // too old: start a new session, the position stays good
      this.hello();
    });
  }

  welcome(frame) {
    this.session = frame.session;
    this.user = frame.user;
    this.saved.resume = frame.resume;
    this.heartbeat = frame.heartbeat_ms;
    // UDP does not get through here, TCP does: for a while no time is lost with the former.
    if (this.fellBack) this.websocketUntil = performance.now() + WEBSOCKET_MS;
    this.fellBack = false;
    this.on.welcome(frame);
    const since = this.position ?? { last: 50 };
    const recovers = this.position;
    const stream = this.transport.ownStreams;
    this.ask({ type: "join", room: this.room, since, presence: true, stream }, answer => {
      if (answer.type !== "joined") return this.on.refused(answer);
      this.joined = true;
      this.failures = 0;
      // The replay moves the position from where we were; without one it starts before the first that comes.
      if (!recovers || answer.epoch !== recovers.epoch) this.moveTo(answer.epoch, answer.offset - answer.replay);
      this.on.joined(answer, recovers);
      for (const unsent of this.saved.unsent) this.deliver(unsent);
    });
  }

  moveTo(epoch, offset) { Object.assign(this.saved, { epoch, offset }); }

  // Publishes on the reliable lane, once, however often the connection breaks: the msg_id makes a retry harmless.
  say(data) {
    const unsent = { msg_id: crypto.getRandomValues(new Uint32Array(3)).join("-").slice(0, 32), data };
    this.saved.unsent.push(unsent);
    if (this.joined) this.deliver(unsent);
    return unsent;
  }

  deliver(unsent) {
    const { msg_id, data, first } = unsent;
    const retry = first && { retry: first };
    unsent.first ??= this.position;
    this.ask({ type: "publish", room: this.room, msg_id, data, ...retry }, answer => {
      if (answer.type === "error" && answer.retry === "after") {
        return void setTimeout(() => this.joined && this.deliver(unsent), answer.retry_after_ms ?? 1000);
      }
      this.saved.unsent = this.saved.unsent.filter(other => other.msg_id !== msg_id);
      this.on.settled(unsent, answer);
    });
  }

  // Publishes on a lane that needs no answer; without data the key is removed.
  tell(lane, key, data) {
    if (this.joined) this.send({ type: "publish", room: this.room, lane, key, data, echo: false });
  }

  ping() {
    for (const [id, sent] of this.pings) {
      if (performance.now() - sent > 10_000) return this.cut(0);   // nobody answers: the line is dead
      if (this.pings.size > 20) this.pings.delete(id);
    }
    const id = ++this.ids;
    if (this.send({ type: "ping", id })) this.pings.set(id, performance.now());
  }

  receive(frame) {
    switch (frame.type) {
      case "pong": {
        const sent = this.pings.get(frame.id);
        this.pings.delete(frame.id);
        if (sent !== undefined) this.on.rtt(performance.now() - sent);
        return;
      }
      case "message":
        if (frame.lane !== "reliable") return this.on.value(frame);
        if (frame.offset <= this.saved.offset) return;
        this.saved.offset = frame.offset;
        return this.on.message(frame);
      case "gap":
        this.saved.offset = Math.max(this.saved.offset, frame.to);
        return this.on.gap(frame);
      case "reset":
        this.moveTo(frame.epoch, frame.offset);
        return this.on.reset(frame);
      case "presence_changed":
        return this.on.presence(frame);
      case "closing":
        this.backAfter = frame.reconnect_after_ms;
        return this.on.closing(frame);
    }
    const answer = this.waiting.get(frame.id);
    this.waiting.delete(frame.id);
    if (answer) answer(frame); else if (frame.type === "error") this.on.refused(frame);
  }
}
