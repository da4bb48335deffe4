// Sends each message to all other clients of the same path: `node server.mjs PORT`, on loopback only.

import { WebSocketServer } from "ws";

const port = Number(process.argv[2]);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error("usage: node server.mjs PORT");
  process.exit(2);
}

/** Clients by path. */
const rooms = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port, backlog: 4096, perMessageDeflate: false });

server.on("connection", (client, request) => {
  const path = request.url;
  const room = rooms.get(path) ?? new Set();
  rooms.set(path, room.add(client));
  client.on("message", (message, binary) => {
    for (const other of room) {
      if (other !== client && other.readyState === other.OPEN) other.send(message, { binary });
    }
  });
  client.on("error", () => client.terminate());
  client.on("close", () => {
    room.delete(client);
    if (room.size === 0 && rooms.get(path) === room) rooms.delete(path);
  });
});
server.on("listening", () => console.error(`listening on 127.0.0.1:${port}`));
server.on("error", (fault) => {
  console.error(`ws-broadcast: ${fault.message}`);
  process.exit(1);
});
