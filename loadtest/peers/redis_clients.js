"use strict";
// The two Redis clients that the adapter's documentation names.

const clients = [];

async function connect(kind, url) {
  const client =
    kind === "ioredis"
      ? new (require("ioredis").Redis)(url)
      : await require("redis").createClient({ url }).on("error", console.error).connect();
  clients.push(client);
  return client;
}

// io's adapter over a publishing and a subscribing connection.
async function adapter(kind, client, url) {
  const { createAdapter, createShardedAdapter } = require("@socket.io/redis-adapter");
  const make = kind === "sharded" ? createShardedAdapter : createAdapter;
  return make(await connect(client, url), await connect(client, url));
}

// Once Redis has answered all that was sent.
async function close() {
  await Promise.all(clients.map((client) => (client.close ?? client.quit).call(client)));
}

module.exports = { adapter, close, connect };
