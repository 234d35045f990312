"use strict";
// Emits a plan (see pace.py) as socket.io documents it for processes that are no server. The emitter as published on npm
// speaks to the classic adapter only; to the sharded one speaks a server without clients.
//   node emitter.js PLAN ADAPTER(classic|sharded) CLIENT(ioredis|redis)

const { readFileSync } = require("node:fs");
const { adapter, close, connect } = require("./redis_clients.js");

async function makeEmitter(plan, adapterKind, client) {
  if (adapterKind === "classic") {
    const { Emitter } = require("@socket.io/redis-emitter");
    return new Emitter(await connect(client, plan.redis));
  }
  const { Server } = require("socket.io");
  return new Server({ adapter: await adapter(adapterKind, client, plan.redis) });
}

function schedule({ rooms, rate, seconds, wide }) {
  const all = Array.from({ length: Math.floor(rate * seconds) }, (_, n) => [n / rate, rooms[n % rooms.length]]);
  if (wide) for (let n = 0; n < Math.floor(seconds); n++) all.push([n + 0.5, wide]);
  return all.sort(([a], [b]) => a - b);
}

async function main([file, adapterKind, client]) {
  const plan = JSON.parse(readFileSync(file, "utf8"));
  const emitter = await makeEmitter(plan, adapterKind, client);
  const due = schedule(plan);
  const lateMs = [];
  const began = performance.now();
  for (const [number, [atS, topic]] of due.entries()) {
    while (performance.now() < began + atS * 1000) await new Promise((go) => setTimeout(go, 1));
    lateMs.push(performance.now() - began - atS * 1000);
    emitter.to(topic).emit("push", {
      topic,
      kind: "state",
      version: plan.version + number,
      payload: plan.payload,
      committed_us: Math.round((performance.timeOrigin + performance.now()) * 1000),
    });
  }
  lateMs.sort((a, b) => a - b);
  await close();
  const perS = lateMs.length / ((performance.now() - began) / 1000);
  const report = { pushes: lateMs.length, per_s: perS, late_p99_ms: lateMs[Math.floor(lateMs.length * 0.99)] };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}

main(process.argv.slice(2));
