// Requests, uploads, sockets. Nothing leaves the phone while it is offline, and only allowed addresses are reached, as on a phone.

const MOST_AT_ONCE = 10;
const MOST_SOCKETS = 5;
const REQUEST_TIMEOUT_MS = 60_000;

const lowered = (header) => Object.fromEntries(Object.entries(header ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]));

export function network({ calls, life, audit, settings, files }) {
  const waiting = [];
  const log = [];
  let sockets = 0;

  /** Addresses other than ours go through our server, which allows those on its list: a phone knows no CORS. */
  const reached = (url) => {
    const { origin, pathname, search } = new URL(url);
    return origin === location.origin ? url : `/__net/${encodeURIComponent(origin)}${pathname}${search}`;
  };

  async function turn() {
    if (audit.requests.now >= MOST_AT_ONCE) await new Promise((go) => waiting.push(go));
    audit.requestBegins();
  }

  async function send(url, init, control, timeoutMs) {
    await turn();
    const began = performance.now();
    const entry = { method: init.method, url, at_ms: Math.round(began), status: 0 };
    log.push(entry);
    const goingOffline = () => life.online || control.abort(new Error("interrupted"));
    life.on("network", goingOffline);
    const timer = setTimeout(() => control.abort(new Error("timeout")), timeoutMs ?? REQUEST_TIMEOUT_MS);
    try {
      if (!life.online) throw new Error("-109:net::ERR_ADDRESS_UNREACHABLE");
      const response = await fetch(reached(url), { ...init, signal: control.signal });
      const bytes = await response.arrayBuffer();
      const refused = response.headers.get("X-Phone-Refused");
      if (refused) throw new Error(decodeURIComponent(refused));
      entry.status = response.status;
      return { status: response.status, header: Object.fromEntries(response.headers), bytes };
    } catch (error) {
      throw control.signal.aborted ? control.signal.reason : error;
    } finally {
      clearTimeout(timer);
      life.off("network", goingOffline);
      audit.requestEnds();
      waiting.shift()?.();
    }
  }

  function bodyOf({ data, method, header }, url) {
    if (data === undefined || data === null) return { url };
    if (data instanceof ArrayBuffer || typeof data === "string") return { url, body: data };
    if (method === "GET") {
      const query = new URLSearchParams(data).toString();
      return { url: query ? `${url}${url.includes("?") ? "&" : "?"}${query}` : url };
    }
    header["content-type"] ??= "application/json";
    const asForm = header["content-type"].includes("x-www-form-urlencoded");
    return { url, body: asForm ? new URLSearchParams(data).toString() : JSON.stringify(data) };
  }

  function read({ responseType, dataType = "json" }, bytes) {
    if (responseType === "arraybuffer") return bytes;
    const text = new TextDecoder().decode(bytes);
    if (dataType !== "json") return text;
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }

  const withTask = (start) => (options) => {
    const control = new AbortController();
    const task = {
      abort: () => control.abort(new Error("abort")),
      onHeadersReceived() {}, offHeadersReceived() {}, onChunkReceived() {}, offChunkReceived() {},
      onProgressUpdate: (listener) => void (task.progress = listener), offProgressUpdate: () => void (task.progress = null),
    }; // prettier-ignore
    const promise = start(options, control, task);
    return promise ? Object.assign(promise, task) : task;
  };

  const progress = (task, sent, total) =>
    task.progress?.({ progress: Math.round((100 * sent) / total), totalBytesSent: sent, totalBytesExpectedToSend: total });

  const request = withTask((options, control) =>
    calls.api("request", async () => {
      const method = (options.method ?? "GET").toUpperCase();
      const header = lowered(options.header);
      const { url, body } = bodyOf({ ...options, method, header }, options.url);
      const answer = await send(url, { method, headers: header, body }, control, options.timeout);
      return { data: read(options, answer.bytes), statusCode: answer.status, header: answer.header, cookies: [] };
    })(options),
  );

  const uploadFile = withTask((options, control, task) =>
    calls.api("uploadFile", async () => {
      const form = new FormData();
      for (const [name, value] of Object.entries(options.formData ?? {})) form.append(name, value);
      const blob = files.blob(options.filePath);
      form.append(options.name, blob, options.fileName ?? options.filePath.split("/").at(-1));
      progress(task, 0, blob.size);
      const answer = await send(options.url, { method: "POST", headers: lowered(options.header), body: form }, control, options.timeout);
      progress(task, blob.size, blob.size);
      return { data: new TextDecoder().decode(answer.bytes), statusCode: answer.status };
    })(options),
  );

  const downloadFile = withTask((options, control) =>
    calls.api("downloadFile", async () => {
      const answer = await send(options.url, { method: "GET", headers: lowered(options.header) }, control, options.timeout);
      const blob = new Blob([answer.bytes], { type: answer.header["content-type"] ?? "" });
      return { tempFilePath: files.keep(blob), statusCode: answer.status };
    })(options),
  );

  function connectSocket(options) {
    const heard = { open: [], message: [], close: [], error: [] };
    const tell = (name, detail) => heard[name].forEach((listener) => listener(detail));
    let closed = false;
    let web = null;
    let early = null;
    const end = (code, reason) => {
      if (closed) return;
      closed = true;
      if (web) sockets -= 1;
      web?.close();
      life.off("network", offline);
      life.off("suspend", suspended);
      // what a suspended app has not heard, it hears when it is back
      if (life.timers.suspended) window.setTimeout(() => life.timers.setTimeout(() => tell("close", { code, reason }), 0));
      else tell("close", { code, reason });
    };
    const offline = () => life.online || end(1006, "network lost");
    const suspended = () => end(1006, "interrupted");
    const later = (act) => window.setTimeout(act);

    if (!life.online || sockets >= MOST_SOCKETS) {
      const errMsg = life.online ? "exceed max socket count" : "network is not available";
      later(() => {
        closed = true;
        tell("error", { errMsg });
        tell("close", { code: 1006, reason: errMsg });
      });
    } else {
      sockets += 1;
      web = new WebSocket(options.url, options.protocols);
      web.binaryType = "arraybuffer";
      web.onopen = () => closed || tell("open", { header: {}, profile: {} });
      web.onmessage = ({ data }) => {
        if (closed || life.timers.suspended) return;
        life.emit("heard");
        tell("message", { data });
      };
      web.onerror = () => closed || tell("error", { errMsg: "fail" });
      web.onclose = ({ code, reason }) => {
        if (early) code = early;
        end(code, reason);
      };
      life.on("network", offline);
      life.on("suspend", suspended);
    }
    later(() => {
      options.success?.({ errMsg: "connectSocket:ok" });
      options.complete?.({ errMsg: "connectSocket:ok" });
    });
    const on = (name) => (listener) => heard[name].push(listener);
    return {
      onOpen: on("open"), onMessage: on("message"), onClose: on("close"), onError: on("error"),
      send({ data, success, fail, complete } = {}) {
        let errMsg = "sendSocketMessage:ok";
        if (typeof data !== "string" && !(data instanceof ArrayBuffer)) errMsg = "sendSocketMessage:fail data must be String or ArrayBuffer";
        else if (web?.readyState !== WebSocket.OPEN) errMsg = "sendSocketMessage:fail WebSocket is not connected";
        else web.send(data);
        if (errMsg.endsWith(":ok")) success?.({ errMsg });
        else fail?.({ errMsg });
        complete?.({ errMsg });
      },
      close({ code = 1000, reason, success, complete } = {}) {
        early = code;
        if (web && web.readyState < WebSocket.CLOSING) web.close(code, reason);
        success?.({ errMsg: "closeSocket:ok" });
        complete?.({ errMsg: "closeSocket:ok" });
      },
      get readyState() {
        return closed ? 3 : (web?.readyState ?? 0);
      },
      CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3,
    }; // prettier-ignore
  }

  return {
    log,
    wx: {
      request, uploadFile, downloadFile, connectSocket,
      getNetworkType: calls.api("getNetworkType", () => ({ networkType: life.network })),
      onNetworkStatusChange: (listener) => life.on("network", listener),
      offNetworkStatusChange: (listener) => life.off("network", listener),
      onNetworkWeakChange() {}, offNetworkWeakChange() {},
    },
    settings,
  }; // prettier-ignore
}
