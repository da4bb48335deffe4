// The demo page as people use it: two tabs of one browser, one of which loses its line and is reloaded; over each
// transport, from one to the other, and where WebTransport is not to be had.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { serve } from "./server.js";

const shots = process.env.SCREENSHOTS;
// Longer than anything here takes on a busy machine; only a failure waits for it.
const PATIENCE_MS = 90_000;
let server, browser;

before(async () => {
  server = await serve();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"],
  });
  if (shots) mkdirSync(shots, { recursive: true });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function visit(context, url) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.faults = [];
  page.on("console", message => ["error", "warning"].includes(message.type()) && page.faults.push(message.text()));
  page.on("pageerror", error => page.faults.push(String(error)));
  await page.goto(url);
  return page;
}
// WebTransport is what a page takes by itself; WebSocket is asked for.
async function tab(context, room, transport = "WebTransport") {
  const page = await visit(context, `${server.http}/demo?room=${room}${transport === "WebSocket" ? "&transport=ws" : ""}`);
  await connected(page, transport);
  return page;
}
async function connected(page, transport) {
  await page.waitForSelector("#state[data-state=on]");
  assert.equal(await page.textContent("#transport"), transport);
}
// What a browser logs when a handshake fails is no fault of the page.
const own = page => page.faults.filter(text => !/Failed to establish a connection|Opening handshake failed|WebSocket connection to/.test(text));
const say = async (page, words) => { await page.fill("#text", words); await page.press("#text", "Enter"); };
const heard = (page, words) => page.waitForFunction(words => [...document.querySelectorAll(".said:not(.unsent) .words")].some(item => item.textContent === words), words);
// A ring is there for a moment only, which a busy host may not look at.
const ringing = page => page.evaluate(() => {
  window.rings = 0;
  new MutationObserver(changes => {
    for (const { addedNodes } of changes) for (const node of addedNodes) window.rings += Number(node.classList?.contains("ring") ?? 0);
  }).observe(document.body, { childList: true, subtree: true });
});
const rang = page => page.waitForFunction(() => window.rings > 0);
const words = page => page.$$eval(".said .words", items => items.map(item => item.textContent));
const shot = async (page, name) => { if (shots) await page.screenshot({ path: `${shots}/${name}.png` }); };

for (const over of ["WebTransport", "WebSocket"]) {
  test(`two tabs chat, see each other's cursors, and know who is there: ${over}`, async () => {
    const context = await browser.newContext({ viewport: { width: 1180, height: 760 } });
    const [one, two] = [await tab(context, `pair-${over}`, over), await tab(context, `pair-${over}`, over)];
    await one.waitForFunction(() => document.querySelectorAll("#people li").length === 2);
    await shot(one, `empty-${over}`);
    await say(one, "Hello from the first tab");
    await heard(two, "Hello from the first tab");
    await say(two, "Hello back from the second");
    await heard(one, "Hello back from the second");

    assert.equal(await one.$$eval(".said.first", items => items.length), 2, "each speaker is named");

    await two.mouse.move(300, 300);
    await two.mouse.move(640, 420, { steps: 8 });
    await one.waitForFunction(() => {
      const cursor = document.querySelector(".cursor");
      const at = cursor && new DOMMatrix(getComputedStyle(cursor).transform);
      return at && Math.abs(at.e - 640) < 3 && Math.abs(at.f - 420) < 3;
    });
    const name = await two.textContent("#me-name");
    await one.waitForFunction(name => document.querySelector(".cursor span").textContent === name, name);
    await one.waitForFunction(name => [...document.querySelectorAll("#people span")].some(item => item.textContent === name), name);
    await one.waitForFunction(() => parseFloat(document.querySelector("#rtt").textContent) > 0);

    await ringing(one);
    await two.mouse.click(20, 700);
    await rang(one);
    await shot(one, `pair-${over}`);

    await two.close();
    await one.waitForFunction(() => document.querySelectorAll("#people li").length === 1 && !document.querySelector(".cursor"));
    assert.deepEqual(one.faults, []);
    await context.close();
  });

  test(`a tab that was cut off and a tab that was reloaded recover exactly what they missed: ${over}`, async () => {
    const context = await browser.newContext({ viewport: { width: 1180, height: 760 } });
    const [one, two] = [await tab(context, `line-${over}`, over), await tab(context, `line-${over}`, over)];
    for (const text of ["one", "two"]) await say(one, text);
    await heard(two, "two");

    // It stays away until all is said, however long that takes here.
    await two.evaluate(() => { document.querySelector("#cut").click(); clearTimeout(client.timer); });
    await two.waitForSelector("#state[data-state=cut]");
    for (const text of ["three", "four", "five"]) await say(one, text);
    await say(two, "written while cut off");
    await heard(one, "five");
    await shot(two, `cut-${over}`);
    await two.waitForFunction(() => !document.querySelector("#cut").disabled);
    await two.evaluate(() => client.connect());
    await heard(two, "five");
    await two.waitForFunction(() => /recovered 3 missed/.test(document.querySelector("#badge").textContent));
    await heard(one, "written while cut off");
    await heard(two, "written while cut off");
    const all = ["one", "two", "three", "four", "five", "written while cut off"];
    assert.deepEqual((await words(two)).filter(text => all.includes(text)), all);
    await two.waitForFunction(() => !document.querySelector(".unsent"));
    await shot(two, `recovered-${over}`);

    const session = await two.evaluate(() => client.session);
    await two.goto("about:blank");
    for (const text of ["six", "seven"]) await say(one, text);
    await heard(one, "seven");
    await two.goBack();
    await heard(two, "seven");
    await two.waitForFunction(() => /recovered 2 missed/.test(document.querySelector("#badge").textContent));
    assert.equal(await two.evaluate(() => client.session), session, "the session was re-made, not replaced");
    assert.deepEqual(await words(two), [...all, "six", "seven"]);
    assert.equal(await one.$$eval("#people li", items => items.length), 2);
    await shot(two, `reloaded-${over}`);
    assert.deepEqual([one.faults, two.faults], [[], []]);
    await context.close();
  });

  test(`a late joiner gets the history, the names and the cursors; nothing said is ever markup: ${over}`, async () => {
    const context = await browser.newContext({ viewport: { width: 1180, height: 760 }, colorScheme: "dark" });
    const one = await tab(context, `late-${over}`, over);
    const wild = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>";
    await say(one, wild);
    await say(one, "A longer line, so that one sees how words wrap when somebody has a lot to say about how events are routed between rooms at the edge.");
    await one.mouse.move(500, 300);
    // Both have their offsets before the third comes by another door.
    await one.waitForFunction(() => document.querySelectorAll(".said:not(.unsent)").length === 2);
    const answer = await server.publish({ room: `demo:late-${over}`, data: { text: "Hello from curl" } });
    assert.equal(answer.offset, 3);
    await heard(one, "Hello from curl");
    const two = await tab(context, `late-${over}`, over);
    await heard(two, wild);
    await heard(two, "Hello from curl");
    await two.waitForSelector(".cursor", { state: "attached" });
    await one.mouse.move(700, 380, { steps: 5 });
    await shot(two, `dark-${over}`);
    assert.equal(await two.title(), "Ringway demo");
    assert.equal(await two.$("#log img, #log script"), null);
    assert.deepEqual([one.faults, two.faults], [[], []]);
    await context.close();
  });

  test(`a name is changed where one writes, and a tab that was duplicated becomes a member of its own: ${over}`, async () => {
    const context = await browser.newContext();
    const one = await tab(context, `twins-${over}`, over);
    await one.click("#me");
    await one.fill("#text", "Ada");
    await one.press("#text", "Enter");
    assert.equal(await one.textContent("#me-name"), "Ada");
    assert.equal(await one.inputValue("#text"), "");
    // A duplicated tab has a copy of the first one's memory, with its resume secret.
    const [two] = await Promise.all([context.waitForEvent("page"), one.evaluate(() => { window.open(location.href); })]);
    await two.waitForSelector("#state[data-state=on]");
    await one.waitForFunction(() => document.querySelectorAll("#people li").length === 2 && document.querySelector("#state").dataset.state === "on");
    const [first, second] = [await one.evaluate(() => client.session), await two.evaluate(() => client.session)];
    assert.notEqual(first, second);
    await say(two, "from the twin");
    await heard(one, "from the twin");
    await context.close();
  });

  test(`it works on a phone, and the status page shows figures: ${over}`, async () => {
    const context = await browser.newContext({ viewport: { width: 390, height: 780 }, hasTouch: true });
    const page = await tab(context, `phone-${over}`, over);
    await say(page, "From a small screen");
    await heard(page, "From a small screen");
    await page.evaluate(() => badge("recovered 3 missed"));
    await page.waitForTimeout(400);
    const right = await page.$$eval("header *, main *", items => Math.max(...items.map(item => item.getBoundingClientRect().right)));
    assert.ok(right <= 390, `${right} px wide`);
    await shot(page, `phone-${over}`);
    const status = await context.newPage();
    await status.setViewportSize({ width: 1000, height: 760 });
    status.faults = [];
    status.on("console", message => message.type() === "error" && status.faults.push(message.text()));
    await status.goto(`${server.http}/`);
    await status.waitForFunction(() => Number(document.querySelector("[data-figure=sessions]")?.textContent) >= 1);
    await shot(status, `status-${over}`);
    assert.deepEqual([page.faults, status.faults], [[], []]);
    await context.close();
  });
}

test("a tab over WebTransport and one over WebSocket share a room on every lane", async () => {
  const context = await browser.newContext({ viewport: { width: 1180, height: 760 } });
  const [one, two] = [await tab(context, "mixed"), await tab(context, "mixed", "WebSocket")];
  for (const [from, to, text] of [[one, two, "Grüße über WebTransport 🛰"], [two, one, "und zurück über WebSocket"]]) {
    const name = await from.textContent("#me-name");
    await say(from, text);
    await heard(to, text);
    await to.waitForFunction(name => [...document.querySelectorAll("#people span")].some(item => item.textContent === name), name);
    await from.mouse.move(200, 200);
    await from.mouse.move(540, 320, { steps: 12 });
    await to.waitForFunction(() => {
      const cursor = document.querySelector(".cursor");
      const at = cursor && new DOMMatrix(getComputedStyle(cursor).transform);
      return at && Math.abs(at.e - 540) < 3 && Math.abs(at.f - 320) < 3;
    });
    await ringing(to);
    await from.mouse.click(20, 700);
    await rang(to);
    await to.waitForSelector(".ring", { state: "detached" });
  }
  // Many at once: the server resets streams of values that newer ones replace, and the newest arrives.
  await two.evaluate(() => { for (let n = 0; n <= 2000; n++) client.tell("latest", "cursor", [n, 2 * n]); });
  await one.waitForFunction(() => [...cursors.values()].some(cursor => cursor.toX === 0.2 && cursor.toY === 0.4));
  await shot(one, "mixed");
  assert.deepEqual([one.faults, two.faults], [[], []]);
  await context.close();
});

const native = process.env.RINGWAY_NATIVE;
test("two tabs and a native client share the room over WebTransport, WebSocket and QUIC", { skip: !native && "RINGWAY_NATIVE does not name the example `game` of ringway-client" }, async () => {
  const context = await browser.newContext({ viewport: { width: 1180, height: 760 } });
  const [one, two] = [await tab(context, "native"), await tab(context, "native", "WebSocket")];
  const { url, certificate } = await one.evaluate(() => doors.webtransport);
  const address = new URL(url).host;
  const player = spawn(native, [`quic://${address}`, "--fingerprint", certificate, "--room", "demo:native", "--name", "Native"], { stdio: ["ignore", "pipe", "inherit"] });
  let heardByIt = "";
  player.stdout.on("data", data => { heardByIt += data; });
  try {
    for (const page of [one, two]) {
      await page.waitForFunction(() => document.querySelectorAll("#people li").length === 3);
      // Its position 60 times a second on the unreliable lane, and a shot now and then on the reliable one.
      await page.waitForFunction(() => parseInt(document.querySelector("#lane-unreliable").textContent) > 0);
      await heard(page, '{"shot":180}');
    }
    await say(one, "over WebTransport");
    await say(two, "over WebSocket");
    await heard(one, "over WebSocket");
    await heard(two, "over WebTransport");
    while (!/over WebTransport/.test(heardByIt) || !/over WebSocket/.test(heardByIt)) await once(player.stdout, "data");
    assert.doesNotMatch(heardByIt, /broke a promise|missed|refused/);
    await shot(two, "native");
    player.kill("SIGINT");
    await one.waitForFunction(() => document.querySelectorAll("#people li").length === 2);
    assert.deepEqual([one.faults, two.faults], [[], []]);
  } finally {
    player.kill();
    await context.close();
  }
});

test("a tab whose certificate was replaced under it goes on over WebSocket, and a reload is back on WebTransport", async () => {
  const context = await browser.newContext();
  const [one, two] = [await tab(context, "renewed"), await tab(context, "renewed", "WebSocket")];
  await say(one, "before");
  await heard(two, "before");
  const session = await one.evaluate(() => client.session);
  await server.reload();
  assert.equal(await one.getAttribute("#state", "data-state"), "on", "connections outlive their certificate");
  await one.evaluate(() => client.cut(1000));
  await say(two, "meanwhile");
  await heard(one, "meanwhile");
  await connected(one, "WebSocket");
  assert.equal(await one.evaluate(() => client.session), session);
  await one.reload();
  await connected(one, "WebTransport");
  assert.equal(await one.evaluate(() => client.session), session);
  assert.deepEqual((await words(one)), ["before", "meanwhile"]);
  assert.deepEqual(own(one), []);
  await context.close();
});

test("where QUIC is off the page says so in no word and takes WebSocket", async () => {
  const other = await serve("--set", "quic.listen=");
  const context = await browser.newContext();
  const page = await visit(context, `${other.http}/demo`);
  await connected(page, "WebSocket");
  assert.equal(await page.$("meta[name=ringway-webtransport], meta[name=ringway-certificate]"), null);
  assert.deepEqual(page.faults, []);
  const forced = await visit(context, `${other.http}/demo?transport=wt`);
  await forced.waitForFunction(() => document.querySelector("#state-text").textContent === "no WebTransport here");
  await context.close();
  await other.stop();
});

test("where UDP leads nowhere the page is on WebSocket after two seconds", async () => {
  const nowhere = createSocket("udp4").bind(0, "127.0.0.1");
  await once(nowhere, "listening");
  const replaced = text => text.replaceAll(/https:\/\/127\.0\.0\.1:\d+/g, `https://127.0.0.1:${nowhere.address().port}`);
  const front = createServer(async (request, answer) => {
    const page = await fetch(server.http + request.url);
    answer.setHeader("content-type", "text/html").setHeader("content-security-policy", replaced(page.headers.get("content-security-policy")));
    answer.end(replaced(await page.text()));
  }).listen(0, "127.0.0.1");
  await once(front, "listening");
  const context = await browser.newContext();
  const before = Date.now();
  const page = await visit(context, `http://127.0.0.1:${front.address().port}/demo?room=nowhere`);
  await connected(page, "WebSocket");
  assert.ok(Date.now() - before >= 2000);
  // It is not asked again at once.
  await page.evaluate(() => {
    window.asked = 0;
    window.WebTransport = class extends WebTransport { constructor(...how) { super(...how); window.asked++; } };
    client.cut(0);
  });
  await page.waitForFunction(() => client.joined);
  await connected(page, "WebSocket");
  assert.equal(await page.evaluate(() => window.asked), 0);
  assert.deepEqual(own(page), []);
  await context.close();
  nowhere.close();
  front.closeAllConnections();
  front.close();
});

test("a page from elsewhere is refused over both, one by name is let in", async () => {
  const other = await serve("--set", "clients.origins=http://localhost:*");
  const context = await browser.newContext();
  const stranger = await visit(context, `${other.http}/demo?transport=wt`);
  await stranger.waitForFunction(() => /^lost/.test(document.querySelector("#state-text").textContent));
  const both = await visit(context, `${other.http}/demo`);
  await both.waitForFunction(() => /^lost/.test(document.querySelector("#state-text").textContent));
  const metrics = await (await fetch(`${other.http}/metrics`)).text();
  assert.match(metrics, /ringway_quic_handshakes_total\S* [1-9]/, "it is not QUIC that refuses");
  const friend = await visit(context, `${other.http.replace("127.0.0.1", "localhost")}/demo`);
  await connected(friend, "WebTransport");
  assert.deepEqual([stranger, both, friend].map(own), [[], [], []]);
  await context.close();
  await other.stop();
});

test("the pages let no script in but their own", async () => {
  for (const path of ["/demo", "/"]) {
    const answer = await fetch(server.http + path);
    const policy = answer.headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'; script-src 'nonce-[0-9a-f]{32}'; style-src 'nonce-/);
    if (path === "/demo") assert.match(policy, /connect-src ws:\/\/127\.0\.0\.1:\d+ https:\/\/127\.0\.0\.1:\d+;/);
    assert.ok(!policy.includes("unsafe"));
    const nonce = policy.match(/nonce-([0-9a-f]+)/)[1];
    const text = await answer.text();
    assert.equal((text.match(/<script|<style/g) ?? []).length, (text.match(new RegExp(`nonce="${nonce}"`, "g")) ?? []).length);
    const again = await fetch(server.http + path);
    assert.notEqual(again.headers.get("content-security-policy"), policy);
  }
});
