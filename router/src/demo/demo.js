// The page: what one sees of a room.
const $ = id => document.getElementById(id);
const meta = name => document.querySelector(`meta[name=ringway-${name}]`)?.content;
const query = new URLSearchParams(location.search);
const doors = {
  websocket: meta("url"),
  webtransport: meta("webtransport") && { url: meta("webtransport"), certificate: meta("certificate") },
  only: ["ws", "wt"].find(name => name === query.get("transport")),
};
const room = "demo:" + (query.get("room") ?? "lobby").replace(/[^\w-]/g, "").slice(0, 60);
const LOG_MAX = 300;

// What a reload keeps, in this tab alone.
const store = "ringway-demo " + doors.websocket + " " + room;
const saved = (() => { try { return JSON.parse(sessionStorage.getItem(store)) ?? {}; } catch { return {}; } })();
saved.log ??= [];
saved.name ??= pick(["Amber", "Brisk", "Coral", "Dusky", "Early", "Frosty", "Golden", "Hazel", "Ivory", "Jolly", "Lucky", "Misty", "Nimble", "Opal", "Quiet", "Rapid", "Sunny", "Velvet"])
  + " " + pick(["Otter", "Finch", "Heron", "Lynx", "Moth", "Newt", "Orca", "Panda", "Quail", "Robin", "Seal", "Tern", "Vole", "Wren", "Ibex", "Gecko"]);
function pick(list) { return list[Math.floor(Math.random() * list.length)]; }
function save() { try { sessionStorage.setItem(store, JSON.stringify(saved)); } catch { /* private mode: a reload starts anew */ } }

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// A colour of its own for each session.
function hue(session) {
  let hash = 2166136261;
  for (const symbol of String(session)) hash = Math.imul(hash ^ symbol.charCodeAt(0), 16777619);
  return `oklch(0.62 0.17 ${(hash >>> 0) % 360})`;
}
function tint(element, session) { element.style.setProperty("--hue", hue(session)); return element; }

// ---- people: members by session, with the names that they tell on the latest lane
const people = new Map();
const names = new Map();
const NOBODY = "0000000000000000";
const nameOf = (session, fallback) => session === NOBODY ? fallback ?? "api" : names.get(session) ?? fallback ?? "someone";

function showPeople(count) {
  $("count").textContent = count ?? people.size;
  const rows = [...people.keys()].sort((a, b) => (b === client.session) - (a === client.session) || nameOf(a).localeCompare(nameOf(b)));
  const list = $("people");
  const old = new Map([...list.children].map(item => [item.dataset.session, item]));
  for (const [session, item] of old) if (!people.has(session)) item.remove();
  rows.forEach((session, index) => {
    const item = old.get(session) ?? tint(make("li"), session);
    if (!item.firstChild) { item.append(make("i", "dot"), make("span"), make("em")); item.dataset.session = session; }
    item.children[1].textContent = nameOf(session, people.get(session));
    item.children[2].textContent = session === client.session ? "you" : "";
    // Moved only where the order changed: what is moved appears anew.
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  });
}
function gone(session) { people.delete(session); removeCursor(session); }

// ---- chat
const log = $("log");
let lastBy = null;
function wordsOf(message) {
  if (typeof message.text === "string") return message.text;
  if (typeof message.data?.text === "string") return message.data.text;
  return JSON.stringify(message.data ?? message.bytes ?? null).slice(0, 500);
}
function entryOf(message) {
  const { session, user } = message.from;
  return { session, name: message.data?.name && session !== NOBODY ? String(message.data.name).slice(0, 40) : nameOf(session, user), time: message.time / 1000, offset: message.offset, words: wordsOf(message) };
}
function line(entry, fresh, kind) {
  const first = lastBy !== entry.session;
  if (kind !== "unsent") lastBy = entry.session;              // what waits goes below, whoever speaks next
  const item = tint(make("li", `said ${first ? "first" : ""} ${fresh ? "new" : ""} ${kind ?? ""}`), entry.session);
  const side = make("div");
  const head = make("div", "head");
  head.append(make("b", "", entry.name), make("time", "", new Date(entry.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })));
  const body = make("div", "body");
  body.append(make("span", "words", entry.words), make("span", "place", entry.offset ? "#" + entry.offset : ""));
  side.append(head, body);
  item.append(make("div", "face", [...entry.name][0] ?? "?"), side);
  return item;
}
function add(element) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  const unsent = log.querySelector(".unsent");
  log.insertBefore(element, element.classList.contains("unsent") ? null : unsent);
  while (log.children.length > LOG_MAX) log.firstChild.remove();
  $("empty").hidden = true;
  if (atEnd) log.scrollTop = log.scrollHeight;
}
function note(text, kind) { lastBy = null; add(make("li", "note " + (kind ?? ""), text)); }
let badgeTimer;
function badge(text, lossy) {
  const element = $("badge");
  element.textContent = text;
  element.className = "badge" + (lossy ? " lossy" : "");
  element.hidden = false;
  clearTimeout(badgeTimer);
  badgeTimer = setTimeout(() => { element.hidden = true; }, 9000);
}

// ---- cursors: each glides to where its owner last was
const cursors = new Map();
const SVG = "http://www.w3.org/2000/svg";
function moveCursor(session, x, y) {
  let cursor = cursors.get(session);
  if (!cursor) {
    const element = tint(make("div", "cursor"), session);
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 22 24");
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", "M2 1.5 19.5 12l-8 1.6L7 21.2z");
    svg.append(path);
    element.append(svg, make("span", "", nameOf(session)));
    $("stage").append(element);
    cursor = { element, x, y, toX: x, toY: y };
    cursors.set(session, cursor);
  }
  cursor.toX = x; cursor.toY = y;
  if (!gliding) { gliding = performance.now(); requestAnimationFrame(glide); }
}
function removeCursor(session) { cursors.get(session)?.element.remove(); cursors.delete(session); }
let gliding = 0;
function glide(now) {
  const step = 1 - Math.exp(-(now - gliding) / 32);
  let moving = false;
  for (const cursor of cursors.values()) {
    cursor.x += (cursor.toX - cursor.x) * step;
    cursor.y += (cursor.toY - cursor.y) * step;
    moving ||= Math.abs(cursor.toX - cursor.x) + Math.abs(cursor.toY - cursor.y) > .0002;
    cursor.element.style.transform = `translate(${cursor.x * innerWidth}px, ${cursor.y * innerHeight}px)`;
  }
  gliding = moving ? now : 0;
  if (moving) requestAnimationFrame(glide);
}
function ring(session, x, y) {
  const element = tint(make("div", "ring"), session);
  element.style.left = x * innerWidth + "px";
  element.style.top = y * innerHeight + "px";
  $("stage").append(element);
  setTimeout(() => element.remove(), 1200);
}
const place = data => Array.isArray(data) && data.length === 2 && data.every(Number.isFinite) ? data.map(n => Math.min(Math.max(n, 0), 10000) / 10000) : null;

// ---- figures
const rates = { latestIn: 0, latestOut: 0, unreliableIn: 0, unreliableOut: 0 };
const trips = [];
function state(kind, text) {
  $("state").dataset.state = kind;
  $("state-text").textContent = text;
  $("transport").hidden = kind !== "on";
  document.body.classList.toggle("cut", kind !== "on");
}
function rtt(ms) {
  trips.push(ms);
  if (trips.length > 64) trips.shift();
  const sorted = [...trips].sort((a, b) => a - b);
  const text = value => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
  $("rtt").textContent = text(ms);
  $("rtt-fine").textContent = `median ${text(sorted[sorted.length >> 1])} · worst ${text(sorted.at(-1))} of the last ${trips.length}`;
  const canvas = $("spark"), pen = canvas.getContext("2d"), { width, height } = canvas;
  const top = Math.max(sorted[Math.floor(sorted.length * .95)] * 1.4, .5);
  const step = (width - 12) / Math.max(trips.length - 1, 15);
  const at = (value, index) => [width - 6 - (trips.length - 1 - index) * step, height - 5 - Math.min(value / top, 1) * (height - 12)];
  const colour = getComputedStyle(document.querySelector(".mark")).stroke;
  pen.clearRect(0, 0, width, height);
  pen.beginPath();
  trips.forEach((value, index) => pen.lineTo(...at(value, index)));
  pen.lineWidth = 3; pen.lineJoin = "round"; pen.strokeStyle = colour;
  pen.stroke();
  pen.lineTo(width - 6, height); pen.lineTo(at(0, 0)[0], height); pen.closePath();
  pen.globalAlpha = .12; pen.fillStyle = colour; pen.fill(); pen.globalAlpha = 1;
  pen.beginPath(); pen.arc(...at(ms, trips.length - 1), 5, 0, 7); pen.fillStyle = colour; pen.fill();
}
function figures() {
  $("lane-reliable").textContent = saved.epoch ? `offset ${saved.offset}` : "–";
  $("lane-reliable").title = saved.epoch ? `epoch ${saved.epoch}` : "";
  $("lane-latest").textContent = `${rates.latestIn}/s in · ${rates.latestOut}/s out`;
  $("lane-unreliable").textContent = `${rates.unreliableIn}/s in · ${rates.unreliableOut}/s out`;
  for (const key in rates) rates[key] = 0;
}
function beat() { const mark = document.querySelector(".mark"); mark.classList.remove("beat"); void mark.getBoundingClientRect(); mark.classList.add("beat"); }

// ---- the conversation
let replaying = 0, missed = false;
const client = new Ringway(doors, room, saved, {
  state(kind, detail) {
    if (kind === "connecting") state("off", "connecting");
    if (kind === "lost") state("cut", `lost, back in ${(detail / 1000).toFixed(1)} s`);
    if (kind === "ended") { state("cut", detail); note(`The server ended this connection: ${detail}`, "warn"); }
  },
  welcome() { tint($("me"), client.session); showMe(); client.ping(); },
  joined(joined, recovers) {
    $("transport").textContent = client.transport.name;
    state("on", "connected");
    people.clear();
    for (const member of joined.members) people.set(member.session, member.user);
    showPeople(joined.count);
    for (const session of cursors.keys()) if (!people.has(session)) removeCursor(session);
    replaying = joined.replay;
    missed = Boolean(recovers);
    client.tell("latest", "me", { name: saved.name });
    const many = `${joined.replay} missed message${joined.replay === 1 ? "" : "s"}`;
    if (recovers && joined.recovered) {
      badge(joined.replay ? `recovered ${joined.replay} missed` : "recovered, nothing missed");
      note(joined.replay ? `Back. Recovered exactly ${many}` : "Back. Nothing was missed", "good");
    } else if (recovers) {
      badge("history was gone", true);
      note("Back, but the room's history did not reach to where you were", "warn");
    }
    save();
  },
  message(message) {
    const entry = entryOf(message);
    const replayed = replaying > 0 && (replaying--, true);
    saved.log.push(entry);
    if (saved.log.length > 100) saved.log.shift();
    if (entry.session === client.session) {
      // Its `published` may come later: the message itself says that it is there.
      [...log.querySelectorAll(".unsent")].find(item => item.querySelector(".words").textContent === entry.words)?.remove();
    }
    add(line(entry, true, replayed && missed ? "missed" : ""));
    beat();
    save();
  },
  value(message) {
    const { session } = message.from;
    rates[message.lane === "latest" ? "latestIn" : "unreliableIn"]++;
    if (session === client.session) return;
    if (message.key === "me") {
      if (typeof message.data?.name === "string") names.set(session, message.data.name.slice(0, 40));
      cursors.get(session)?.element.lastChild.replaceChildren(nameOf(session));
      if (people.has(session)) showPeople($("count").textContent);
    }
    const at = place(message.data);
    if (message.key === "cursor") at ? moveCursor(session, ...at) : removeCursor(session);
    if (message.key === "ring" && at) ring(session, ...at);
  },
  presence(change) {
    for (const { session, user } of change.joined) people.set(session, user);
    for (const { session } of change.left) gone(session);
    showPeople(change.count);
  },
  settled(unsent, answer) {
    log.querySelector(`[data-msg="${CSS.escape(unsent.msg_id)}"]`)?.remove();
    if (answer.type === "error") note(`Not sent: ${answer.message || answer.name}`, "warn");
    save();
  },
  gap({ from, to }) { badge(`${to - from + 1} messages are gone`, true); note(`Messages ${from} to ${to} are gone`, "warn"); save(); },
  reset() { note("The room started anew", "warn"); save(); },
  closing({ reason }) { state("cut", reason || "the server closes"); },
  refused({ message, name }) { note(message || name, "warn"); },
  rtt,
});

// ---- hands
$("form").addEventListener("submit", event => {
  event.preventDefault();
  const words = $("text").value.trim();
  if (naming) return rename(words);
  if (!words) return;
  $("text").value = "";
  const unsent = client.say({ text: words, name: saved.name });
  const item = line({ session: client.session ?? "", name: saved.name, time: Date.now(), words }, true, "unsent");
  item.dataset.msg = unsent.msg_id;
  // Shown at once only when it has to wait; otherwise the answer is here before the next frame is painted.
  setTimeout(() => saved.unsent.includes(unsent) && add(item), client.joined ? 150 : 0);
  save();
});
// The name is written where messages are: Enter takes it, Escape leaves it.
let naming = false;
function askName(on) {
  naming = on;
  $("form").classList.toggle("naming", on);
  $("text").placeholder = on ? "Your name" : "Message";
  $("text").value = on ? saved.name : "";
  $("text").focus();
  if (on) $("text").select();
}
function rename(words) {
  askName(false);
  const name = words.slice(0, 40);
  if (!name) return;
  saved.name = name;
  showMe();
  client.tell("latest", "me", { name });
  save();
}
$("me").addEventListener("click", () => askName(!naming));
$("text").addEventListener("keydown", event => event.key === "Escape" && naming && askName(false));
function showMe() { $("me-name").textContent = saved.name; if (client.session) names.set(client.session, saved.name); if (people.size) showPeople($("count").textContent); }
$("cut").addEventListener("click", () => {
  let left = 5;
  client.cut(left * 1000);
  $("cut").disabled = true;
  const tick = () => {
    if (left === 0) { $("cut").disabled = false; return; }
    state("cut", `cut, back in ${left--} s`);
    setTimeout(tick, 1000);
  };
  tick();
});
$("another").href = location.href;

// The cursor goes out at most once a frame, and at most sixty times a second.
let pointer = null, told = 0, frame = 0;
function tellCursor(now) {
  frame = 0;
  if (now - told < 15) { frame = requestAnimationFrame(tellCursor); return; }
  told = now;
  client.tell("latest", "cursor", pointer ?? undefined);
  rates.latestOut++;
}
function point(next) { pointer = next; frame ||= requestAnimationFrame(tellCursor); }
const spot = event => [Math.round(event.clientX / innerWidth * 10000), Math.round(event.clientY / innerHeight * 10000)];
addEventListener("pointermove", event => point(spot(event)));
document.documentElement.addEventListener("pointerleave", () => point(null));
addEventListener("pointerdown", event => {
  if (event.target.closest("button, a, input")) return;
  const [x, y] = spot(event);
  ring(client.session ?? "", x / 10000, y / 10000);
  client.tell("unreliable", "ring", [x, y]);
  rates.unreliableOut++;
});
addEventListener("resize", () => { if (!gliding) { gliding = performance.now(); requestAnimationFrame(glide); } });
// Who goes away without a word leaves, at least over WebTransport; a reload shall find its place again.
addEventListener("pagehide", () => { save(); client.cut(1000); });
addEventListener("pageshow", event => event.persisted && client.connect());
addEventListener("online", () => client.connect());

$("room").textContent = room;
for (const entry of saved.log) add(line(entry, false));
log.scrollTop = log.scrollHeight;
setInterval(() => client.ping(), 1000);
setInterval(figures, 1000);
showMe();
client.connect();
