// What WeChat's experience audit measures, measured while the app runs; and everything that went wrong.
const LIMITS = { setDataBytes: 256 * 1024, setDataPerSecond: 20, requests: 10, nodes: 1000, depth: 30, children: 60 };
const NOT_JSON = { function: "a function", undefined: "undefined", symbol: "a symbol", bigint: "a bigint" };

const bytesOf = (text) => {
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code >= 0xd800 && code < 0xdc00 ? (at++, 4) : 3;
  }
  return bytes;
};

/** Why a value would not arrive as it left, when it crosses to the view layer as JSON; null when it would. */
export function notJson(value, at = "", above = []) {
  const kind = typeof value;
  if (kind in NOT_JSON) return `${at || "the value"} is ${NOT_JSON[kind]}`;
  if (kind === "number" && !Number.isFinite(value)) return `${at || "the value"} is ${value}`;
  if (value === null || kind !== "object") return null;
  if (above.includes(value)) return `${at} contains itself`;
  const name = Object.prototype.toString.call(value).slice(8, -1);
  if (name !== "Object" && name !== "Array") return `${at || "the value"} is a ${name}`;
  for (const key of Object.keys(value)) {
    const found = notJson(value[key], at ? `${at}.${key}` : key, [...above, value]);
    if (found) return found;
  }
  return null;
}

function tally(calls) {
  const counts = {};
  for (const { owner } of calls) counts[owner] = (counts[owner] ?? 0) + 1;
  return Object.entries(counts).map(([owner, count]) => `${owner} x ${count}`).join(", ");
}

export class Audit {
  constructor() {
    this.limits = LIMITS;
    this.problems = [];
    this.setData = { calls: 0, largestBytes: 0, mostPerSecond: 0, busiest: "", bytes: 0 };
    this.requests = { now: 0, most: 0, sent: 0 };
    this.trees = {};
    this._recent = [];
  }

  problem(kind, text, cause) {
    this.problems.push({ kind, text: String(text), stack: cause?.stack ?? null });
    console.error(`[${kind}]`, text, cause ?? "");
  }

  /** One setData of a component that is the app's own. */
  sawSetData(owner, payload, now = performance.now()) {
    const wrong = payload && typeof payload === "object" ? notJson(payload) : `setData was given ${payload}`;
    if (wrong) this.problem("setData", `${owner}: ${wrong}`);
    let bytes = 0;
    try {
      bytes = bytesOf(JSON.stringify(payload) ?? "");
    } catch {
      // said above
    }
    this._recent = this._recent.filter(({ at }) => now - at < 1000);
    this._recent.push({ at: now, owner });
    if (this._recent.length > this.setData.mostPerSecond) this.setData.busiest = tally(this._recent);
    this.setData.calls += 1;
    this.setData.bytes += bytes;
    this.setData.largestBytes = Math.max(this.setData.largestBytes, bytes);
    this.setData.mostPerSecond = Math.max(this.setData.mostPerSecond, this._recent.length);
    if (bytes > LIMITS.setDataBytes) this.problem("setData", `${owner}: ${bytes} bytes at once`);
  }

  requestBegins() {
    this.requests.sent += 1;
    this.requests.now += 1;
    this.requests.most = Math.max(this.requests.most, this.requests.now);
  }

  requestEnds() {
    this.requests.now -= 1;
  }

  /** Nodes as WeChat counts them: the built-in components of a page, not what we draw them with. */
  measureTree(route, root) {
    const seen = { nodes: 0, depth: 0, children: 0 };
    const walk = (element, depth) => {
      let children = 0;
      for (const child of element.children) {
        const isNode = child.localName.includes("-");
        if (isNode) {
          seen.nodes += 1;
          children += 1;
        }
        walk(child, isNode ? depth + 1 : depth);
      }
      seen.depth = Math.max(seen.depth, depth);
      seen.children = Math.max(seen.children, children);
    };
    walk(root, 1);
    const before = this.trees[route] ?? { nodes: 0, depth: 0, children: 0 };
    this.trees[route] = Object.fromEntries(Object.keys(seen).map((key) => [key, Math.max(seen[key], before[key])]));
    return seen;
  }

  report() {
    const { problems, setData, requests, trees } = this;
    return { problems: problems.map(({ kind, text }) => `${kind}: ${text}`), setData, requests, trees, limits: LIMITS };
  }
}
