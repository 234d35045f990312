"use strict";
// A socket.io server as its documentation deploys and tunes one: the Redis adapter, WebSocket transport, ws with its
// native add-ons, and no reference kept to each session's first HTTP request.
//   node --expose-gc server.js PORT REDIS_URL ADAPTER(classic|sharded) CLIENT(ioredis|redis)
// SIGUSR2 collects garbage, so that memory can be read without any.

const { createServer } = require("node:http");
const { Server } = require("socket.io");
const { adapter } = require("./redis_clients.js");

require("bufferutil"); // ws falls back silently where they are missing
require("utf-8-validate");

async function main([port, redisUrl, adapterKind, client]) {
  const http = createServer();
  const io = new Server(http, {
    adapter: await adapter(adapterKind, client, redisUrl),
    transports: ["websocket"],
    serveClient: false,
  });
  io.engine.on("connection", (raw) => {
    raw.request = null;
  });
  io.on("connection", (socket) => {
    socket.on("join", async (rooms, done) => {
      await socket.join(rooms);
      done(rooms.length);
    });
  });
  process.on("SIGUSR2", () => global.gc());
  http.listen(Number(port), "127.0.0.1");
}

main(process.argv.slice(2));
