// What the server says of topics, and a page that remembers what it was shown.
export const state = (topic, version, value) => ({ topic, kind: "state", version, ...(value === undefined ? {} : { state: value }) });
export const lines = (first, last) =>
  Array.from({ length: last - first + 1 }, (_, n) => ({ version: first + n, payload: `line ${first + n}` }));
export const log = (topic, last, entries, more) => ({ topic, kind: "log", version: last, entries, ...(more ? { more } : {}) });
export const push = (topic, kind, version, payload, more = {}) => ({ op: "push", topic, kind, version, payload, committed_us: 0, ...more });
export const versions = (view) => view.value.map((line) => line.version);

/** A watcher that remembers what it was told. */
export function watch(bench, topic) {
  const seen = [];
  const stop = bench.hub.store.watch(topic, (view) => seen.push(view));
  return { seen, stop, get last() { return seen[seen.length - 1]; } }; // prettier-ignore
}

/** Answer the newest `subscribe` frame. */
export async function answer(bench, topics, refused = []) {
  const asked = bench.socket.got("subscribe").pop();
  await bench.socket.say({ op: "subscribed", id: asked.id, topics, refused });
  return asked;
}
