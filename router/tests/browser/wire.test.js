// The demo's binary format against the protocol's golden vectors.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const here = path => new URL(path, import.meta.url);
// A page's script, not a module: it is run as the page does.
const script = readFileSync(here("../../src/demo/wire.js"), "utf8");
const { encodeCommand, decodeEvent, FrameReader } = new Function(`${script}; return { encodeCommand, decodeEvent, FrameReader };`)();

function vectors(folder) {
  const directory = here(`../../../schema/vectors/${folder}/`);
  const names = readdirSync(directory).filter(name => name.endsWith(".bin")).map(name => name.slice(0, -4));
  assert.ok(names.length > 10);
  return names.map(name => ({
    name,
    bytes: new Uint8Array(readFileSync(new URL(`${name}.bin`, directory))),
    object: JSON.parse(readFileSync(new URL(`${name}.json`, directory), "utf8")),
  }));
}
const rooms = new Map([["5d1ec0ffee15600d", "chat:lobby"]]);

test("every event reads as its JSON does", () => {
  for (const { name, bytes, object } of vectors("events")) {
    const { ...event } = decodeEvent(bytes);
    if (event.type === "message") {
      event.room = rooms.get(event.handle);
      delete event.handle;
    }
    assert.deepEqual(event, object, name);
  }
});

test("every command is written byte for byte as the protocol's own encoder does", () => {
  for (const { name, bytes, object } of vectors("commands")) {
    assert.deepEqual(encodeCommand(object), bytes, name);
  }
});

test("a stream gives its frames however it is cut, and a datagram all of its own", () => {
  const all = vectors("events").map(({ bytes }) => bytes);
  const stream = new Uint8Array(Buffer.concat(all));
  for (const step of [1, 3, 7, 64, 1000, stream.length]) {
    const reader = new FrameReader();
    const frames = [];
    for (let at = 0; at < stream.length; at += step) frames.push(...reader.take(stream.subarray(at, at + step)));
    assert.deepEqual(frames, all, `steps of ${step}`);
    assert.equal(reader.rest.length, 0);
  }
  assert.throws(() => new FrameReader().take(new Uint8Array([0, 0, 0, 1])), RangeError);
});

test("a kind from the future is nothing, and broken bytes throw at once, whatever is broken", () => {
  const pong = vectors("events").find(({ name }) => name === "pong").bytes;
  const kind = pong.indexOf(73, 4);
  assert.equal(decodeEvent(Uint8Array.from(pong, (byte, at) => at === kind ? 99 : byte)), null);
  let read = 0, thrown = 0;
  const attempt = bytes => {
    try { decodeEvent(bytes); read++; } catch (error) {
      assert.ok(error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError, error);
      thrown++;
    }
  };
  for (const { bytes } of vectors("events")) {
    for (let at = 0; at < bytes.length; at++) {
      attempt(bytes.subarray(0, at));
      for (const value of [0, 1, 4, 0x7f, 0xff]) attempt(Uint8Array.from(bytes, (byte, place) => place === at ? value : byte));
    }
  }
  assert.ok(read > 1000 && thrown > 1000, `${read} read, ${thrown} thrown`);
});
