// node sandbox/phone/server.mjs [--src DIR] [--out DIR] [--port N] [--config FILE] [--minify]
//
// Serves two phones side by side at /, one alone at /phone.html?phone=NAME&openid=WHO#pages/x/y?a=b, and builds the mini-program anew when one
// of its files has changed. The config is JSON:
//   ext      what wx.getExtConfigSync() gives: where the mini-program finds its servers
//   allow    origins that wx.request may reach, as the list of domains in WeChat's console; those in `ext` are on it
//   wechat   the address of sandbox.server, which stands in for WeChat: login codes, payment
//   people   [{openid, name, about, face, start, storage}] whom the phones can belong to: `face` is a picture's address, `start` the first page,
//            `storage` what of wx's storage is on such a phone when it is used for the first time
//   title, about, guide: [{title, text}], links: [{name, url}]    what the page of the two phones says
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { parseArgs } from "node:util";
import zlib from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "./build.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".json": "application/json",
  ".map": "application/json", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".svg": "image/svg+xml",
  ".webp": "image/webp", ".ttf": "font/ttf", ".woff2": "font/woff2",
}; // prettier-ignore
const HOP = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "host", "origin", "referer"]);

/** Builds once, then serves; resolves with {url, port, close}. */
export async function serve({ src, out, nodeModules, port = 0, config = {}, minify = false, rebuild = true, say = () => {} }) {
  const builder = new Builder({ src, out, nodeModules, minify, say });
  await builder.build();
  const allowed = new Set([...(config.allow ?? []), ...origins(config.ext)]);
  const server = http.createServer((request, response) => {
    answer(request, response).catch((error) => {
      if (!response.headersSent) response.writeHead(500, { "Content-Type": "text/plain; charset=utf-8" });
      response.end(`${error.message}\n`);
    });
  });

  async function answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, "http://phone");
    if (pathname.startsWith("/__net/")) return forward(request, response, allowed);
    if (pathname === "/readyz") return void response.end("ready\n");
    if (pathname === "/") return void send(response, ".html", stage(config));
    if (pathname.startsWith("/__stage/")) return sendFile(response, path.join(HERE, "stage"), pathname.slice("/__stage".length));
    if (pathname === "/phone.html") {
      if (rebuild) await builder.buildIfChanged();
      const { storage = {} } = config.people?.find(({ openid }) => openid === searchParams.get("openid")) ?? {};
      const given = { ext: config.ext ?? {}, wechat: config.wechat ?? "", asks: config.asks ?? false, place: config.place ?? null, storage };
      const page = fs.readFileSync(path.join(out, "phone.html"), "utf8");
      return void send(response, ".html", page.replace("/*settings*/", () => `__PHONE_SETTINGS__ = ${forScript(given)}`));
    }
    return sendFile(response, out, pathname);
  }

  await new Promise((done, failed) => server.once("error", failed).listen(port, "127.0.0.1", done));
  const at = server.address().port;
  return {
    port: at,
    url: `http://127.0.0.1:${at}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

const forScript = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");

function origins(ext) {
  return JSON.stringify(ext ?? {}).match(/https?:\/\/[^/"\s]+/g) ?? [];
}

class Builder {
  constructor(options) {
    this.options = options;
    this.builtAt = 0;
    this.building = null;
  }

  build() {
    this.building ??= this._build().finally(() => (this.building = null));
    return this.building;
  }

  async _build() {
    const began = Date.now();
    const done = await build(this.options);
    this.builtAt = began;
    for (const warning of done.warnings) this.options.say(`warning: ${warning}`);
    this.options.say(`built ${done.components.length} components in ${Date.now() - began} ms`);
  }

  async buildIfChanged() {
    if (this.building) await this.building;
    else if (newest(this.options.src) > this.builtAt) await this.build();
  }
}

/** When something below was last changed, in milliseconds; node_modules do not count. */
function newest(directory) {
  let latest = fs.statSync(directory).mtimeMs;
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    if (entry.name === "node_modules") continue;
    const full = path.join(directory, entry.name);
    latest = Math.max(latest, entry.isDirectory() ? newest(full) : fs.statSync(full).mtimeMs);
  }
  return latest;
}

function stage(config) {
  const page = fs.readFileSync(path.join(HERE, "stage/stage.html"), "utf8");
  const { people = [{ openid: "left", name: "甲" }, { openid: "right", name: "乙" }], title = "小程序", about = "", guide = [], links = [] } = config;
  return page.replace("/*stage*/", () => `STAGE = ${forScript({ people, title, about, guide, links })}`);
}

/** Text travels compressed, as WeChat's packages do. */
function send(response, ending, content) {
  const isText = /text|json|svg/.test(TYPES[ending] ?? "");
  response.writeHead(200, {
    "Content-Type": TYPES[ending] ?? "application/octet-stream",
    "Cache-Control": "no-store",
    ...(isText ? { "Content-Encoding": "gzip" } : {}),
  });
  response.end(isText ? zlib.gzipSync(content) : content);
}

function sendFile(response, directory, pathname) {
  const file = path.join(directory, path.normalize(decodeURIComponent(pathname)));
  const isInside = file.startsWith(path.resolve(directory) + path.sep);
  if (!isInside || !fs.statSync(file, { throwIfNoEntry: false })?.isFile()) {
    response.writeHead(404);
    return void response.end();
  }
  return void send(response, path.extname(file), fs.readFileSync(file));
}

/** To an allowed origin, as the phone would send it: without the browser's origin and cookies. */
function forward(request, response, allowed) {
  const [, origin, rest] = request.url.match(/^\/__net\/([^/]+)(\/.*)?$/) ?? [];
  const target = decodeURIComponent(origin ?? "");
  const refuse = (reason) => {
    response.writeHead(502, { "X-Phone-Refused": encodeURIComponent(reason) });
    response.end();
  };
  if (!allowed.has(target)) return refuse(`url not in domain list: ${target}`);
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !HOP.has(name) && !/^(sec-|cookie)/.test(name)));
  const outgoing = http.request(target + (rest ?? "/"), { method: request.method, headers }, (incoming) => {
    const kept = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !HOP.has(name)));
    response.writeHead(incoming.statusCode, kept);
    incoming.pipe(response);
  });
  outgoing.on("error", (error) => (response.headersSent ? response.destroy() : refuse(error.code ?? error.message)));
  response.on("close", () => outgoing.destroy());
  request.pipe(outgoing);
  return undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      src: { type: "string", default: "miniprogram" }, out: { type: "string", default: ".run/phone" },
      port: { type: "string", default: "8070" }, config: { type: "string" }, minify: { type: "boolean", default: false },
    },
  }); // prettier-ignore
  try {
    const config = values.config ? JSON.parse(fs.readFileSync(values.config, "utf8")) : {};
    const { url } = await serve({
      src: path.resolve(values.src), out: path.resolve(values.out), port: Number(values.port), minify: values.minify, config, say: console.log,
    }); // prettier-ignore
    console.log(`phones: ${url}`);
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
  } catch (error) {
    console.error(`phone: ${error.message}`);
    process.exitCode = 1;
  }
}
