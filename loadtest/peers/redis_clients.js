"use strict";
// The two Redis clients that the adapter's documentation names.

async function connect(kind, url) {
  if (kind === "ioredis") return new (require("ioredis").Redis)(url);
  return require("redis").createClient({ url }).on("error", console.error).connect();
}

// io's adapter over a publishing and a subscribing connection.
async function adapter(kind, client, url) {
  const { createAdapter, createShardedAdapter } = require("@socket.io/redis-adapter");
  const make = kind === "sharded" ? createShardedAdapter : createAdapter;
  return make(await connect(client, url), await connect(client, url));
}

module.exports = { adapter, connect };
