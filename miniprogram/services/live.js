// The one socket of the app, and what it knows.
"use strict";

const config = require("../platform/config");
const network = require("../platform/network");
const { connect } = require("../platform/socket");
const { Hub } = require("../lib/hub");
const session = require("./session");

const hub = new Hub({
  connect,
  urls: config.hubs,
  token: (how) => session.token(how),
  onError: (error) => console.info("hub:", error.message), // tried again, or told to who asked
});

hub.onStatus(({ reason }) => {
  if (reason === "session_revoked") session.end(reason);
});

session.onUser((user, before) => {
  if (before && before.user_id !== user.user_id) hub.store.clear();
});

let offline = false;
const networkWatchers = new Set();

network.onChange((connected) => {
  offline = !connected;
  for (const watcher of networkWatchers) watcher();
  if (!connected || hub.status.state === "closed") return;
  hub.suspend(); // a new network: what was open may be dead, and a pause before the next try is wasted
  hub.wake();
});

/** Connect, once the user has agreed to what the app does. */
function start() {
  hub.open();
}

/** The user has gone: nothing of what was shown stays. */
function leave() {
  hub.close();
  hub.store.clear();
}

/** UTC milliseconds by the server's clock. */
function now() {
  return hub.clock.serverNow();
}

/**
 * What the user should know of the connection.
 * @param {(shown: {state: "live" | "connecting" | "offline" | "ended", reason: string | null}) => void} told  now and on each change
 * @returns {() => void} ends it
 */
function onConnection(told) {
  const tell = () => {
    const { state, reason } = hub.status;
    if (offline) return told({ state: "offline", reason: null });
    if (state === "live") return told({ state: "live", reason: null });
    if (state === "closed" && reason !== "new" && reason !== "suspended") return told({ state: "ended", reason });
    return told({ state: "connecting", reason: null });
  };
  const stop = hub.onStatus(tell);
  networkWatchers.add(tell);
  tell();
  return () => {
    stop();
    networkWatchers.delete(tell);
  };
}

/** After an end: the user wants back in. */
async function comeBack() {
  if (hub.status.reason !== "too_many_connections") await session.login();
  hub.open();
}

module.exports = {
  store: hub.store,
  command: (name, body, options) => hub.command(name, body, options),
  signal: (topic, on) => hub.signal(topic, on),
  hide: () => hub.suspend(),
  show: () => hub.wake(),
  start, leave, now, onConnection, comeBack,
};
