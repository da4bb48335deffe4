"use strict";
// A client of the JSON format (docs/protocol.md): one connection at a time, resumed when it breaks, one room.
//
// It keeps what must outlive a connection, and lets the page keep it over a reload (`saved`): the resume secret, the
// position in the room, and publishes whose answer has not come.
class Ringway {
  constructor(url, room, saved, on) {
    Object.assign(this, { url, room, on, saved });
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
    if (this.socket) return;
    const socket = this.socket = new WebSocket(this.url, "ringway.v1.json");
    this.on.state("connecting");
    socket.onopen = () => this.hello();
    socket.onmessage = event => { if (socket === this.socket) this.receive(JSON.parse(event.data)); };
    socket.onclose = event => { if (socket === this.socket) this.lost(event.code, event.reason); };
  }

  // Ends the connection as a broken cable would: the server keeps the membership for a while. Comes back after `ms`.
  cut(ms) {
    const socket = this.socket;
    if (!socket) return;
    this.drop();
    socket.close(4999, "cut");
    this.timer = setTimeout(() => this.connect(), ms);
  }

  drop() {
    this.socket = null;
    this.joined = false;
    this.waiting.clear();
    this.pings.clear();
  }

  lost(code, reason) {
    this.drop();
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

  send(frame) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

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
    this.on.welcome(frame);
    const since = this.position ?? { last: 50 };
    const recovers = this.position;
    this.ask({ type: "join", room: this.room, since, presence: true }, answer => {
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
