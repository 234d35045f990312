// A phone in Chromium, for tests and benchmarks: taps, waits for what the screen shows, and is audited all the while.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"];
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--disable-dev-shm-usage", "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows", "--force-prefers-reduced-motion",
]; // prettier-ignore
const SCREEN = { width: 375, height: 812 };
const PATIENCE_MS = 12_000;
const BETWEEN_TAPS_MS = 450;
/** 4G as Lighthouse has it: 9 Mbit/s down, 1.5 up, 60 ms there and back. */
const FOUR_G = { offline: false, latency: 60, downloadThroughput: (9e6 / 8) | 0, uploadThroughput: (1.5e6 / 8) | 0 };
export const SHOTS = process.env.SHAREHUB_TEST_SHOTS;

function program() {
  for (const directory of (process.env.PATH ?? "").split(path.delimiter)) {
    for (const name of PROGRAMS) if (fs.existsSync(path.join(directory, name))) return path.join(directory, name);
  }
  throw new Error("there is no Chromium: ./dev test fetches one");
}

/** One Chromium for a file of tests. */
export const openBrowser = () => chromium.launch({ executablePath: program(), args: ARGUMENTS });

/** In the browser: when something that matches is first painted. */
function noteFirst(selector) {
  const look = () => {
    if (!document.querySelector(selector)) return;
    watcher.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => (window.__firstSeen = performance.now())));
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document, { childList: true, subtree: true });
}

/** One phone, alone in a browser context: its own storage, its own sockets. */
export class Phone {
  /**
   * @param url where sandbox/phone serves @param openid whose phone it is
   * @param options {name, start: "/pages/x/y?a=b", screen, slow: a slow processor on 4G,
   *   watch: a selector; `__firstSeen` is when it was first painted}
   */
  static async open(browser, url, openid, { name = openid, start = "", screen = SCREEN, slow = false, watch = "" } = {}) {
    const context = await browser.newContext({ viewport: screen, deviceScaleFactor: 1, locale: "zh-CN", timezoneId: "Asia/Shanghai", reducedMotion: "reduce" });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const phone = new Phone(page, { url, openid, name });
    if (slow) await phone.slowDown();
    if (watch) await page.addInitScript(noteFirst, watch);
    await phone.start(start);
    return phone;
  }

  constructor(page, { url, openid, name }) {
    Object.assign(this, { page, url, openid, name, console: [], expected: [] });
    page.on("console", (message) => {
      if (message.type() === "error") this.console.push(message.text());
    });
    page.on("pageerror", (error) => this.console.push(`uncaught: ${error.message}`));
  }

  async start(path = "") {
    const address = `${this.url}/phone.html?phone=${encodeURIComponent(this.name)}&openid=${encodeURIComponent(this.openid)}`;
    await this.page.goto("about:blank");
    await this.page.goto(address + (path ? `#${encodeURIComponent(path)}` : ""));
    await this.page.locator("wx-page").first().waitFor();
  }

  // --- the screen ---

  /** The shown page, or what WeChat has laid over it. */
  get screen() {
    return this.page.locator(".mp-page:not([hidden])");
  }

  on(testid) {
    return this.page.locator(`.mp-page:not([hidden]) [data-testid="${testid}"], .mp-tabs [data-testid="${testid}"], .mp-layer [data-testid="${testid}"]`).first();
  }

  async tap(testid) {
    await this.press(this.on(testid));
  }

  async press(locator) {
    await locator.waitFor();
    await this._pause();
    await locator.click();
  }

  /** Not faster than people do: an audit counts by the second. */
  async _pause() {
    await this.page.waitForTimeout(Math.max(0, (this.pressed ?? 0) + BETWEEN_TAPS_MS - Date.now()));
    this.pressed = Date.now();
  }

  async type(testid, text) {
    await this.on(testid).locator("input, textarea").first().fill(text);
  }

  /** Waits until the element is there and says what is wanted: a string is contained, a pattern matches. */
  async sees(testid, wanted = "", { timeout = PATIENCE_MS } = {}) {
    const deadline = Date.now() + timeout;
    const place = this.on(testid);
    try {
      await place.waitFor({ state: "visible", timeout });
    } catch {
      assert.fail(`${this.name} does not see ${testid} on ${await this.route()}: ${(await this.text()).slice(0, 500)}`);
    }
    let said = "";
    do {
      said = await place.innerText().catch(() => "");
      if (wanted instanceof RegExp ? wanted.test(said) : said.includes(wanted)) return said;
      await this.page.waitForTimeout(20);
    } while (Date.now() < deadline);
    return assert.fail(`${this.name}: ${testid} says ${JSON.stringify(said)}, not ${wanted}; the page: ${(await this.text()).slice(0, 500)}`);
  }

  async reads(text, { timeout = PATIENCE_MS } = {}) {
    try {
      await this.page.getByText(text).locator("visible=true").first().waitFor({ timeout });
    } catch {
      assert.fail(`${this.name} does not read ${text} on ${await this.route()}: ${(await this.text()).slice(0, 600)}`);
    }
  }

  async has(testid) {
    return (await this.on(testid).count()) > 0;
  }

  /** Waits until it is no longer shown. */
  gone(testid) {
    return this.on(testid).waitFor({ state: "hidden" });
  }

  async count(selector) {
    return this.screen.locator(selector).count();
  }

  text() {
    return this.screen.innerText().catch(() => "");
  }

  route() {
    return this.page.evaluate(() => window.__phone.pages?.top?.path ?? "");
  }

  /** Waits until that page is shown. */
  async at(path, { timeout = PATIENCE_MS } = {}) {
    try {
      await this.page.locator(`.mp-page:not([hidden])[data-route="${path}"]`).waitFor({ timeout });
    } catch {
      assert.fail(`${this.name} is at ${await this.route()}, not at ${path}: ${(await this.text()).slice(0, 400)}`);
    }
  }

  async go(url) {
    await this._pause();
    await this.page.evaluate((to) => window.wx.navigateTo({ url: to }).catch((error) => { throw new Error(error.errMsg); }), url); // prettier-ignore
  }

  async back() {
    await this._pause();
    await this.page.locator(".mp-back").click();
  }

  // --- the phone's buttons ---

  async choose(text) {
    await this.page.locator(".mp-layer").getByText(text, { exact: true }).click();
  }

  /** The album gives as many pictures as that, or fewer if fewer are wanted. */
  holds(pictures) {
    return this.page.evaluate((most) => (window.__phone.files.album = most), pictures);
  }

  async confirm() {
    await this.page.locator(".mp-layer .mp-confirm").click();
  }

  async cancel() {
    await this.page.locator(".mp-layer .mp-cancel").click();
  }

  background() {
    return this.page.evaluate(() => window.__phone.background());
  }

  foreground() {
    return this.page.evaluate(() => window.__phone.foreground());
  }

  network(type) {
    return this.page.evaluate((kind) => window.__phone.network(kind), type);
  }

  /** The next call of wx.name fails for that reason. */
  failNext(name, reason) {
    return this.page.evaluate(([call, why]) => window.__phone.calls.script(call, why, 1), [name, reason]);
  }

  /** What each call of wx.name answers from now on. */
  answer(name, answer) {
    return this.page.evaluate(([call, what]) => window.__phone.calls.script(call, () => what), [name, answer]);
  }

  /**
   * What requests answer whose address has a part of the table, the first that fits; the others go their way. A number is the status of
   * a refusal, "never": no answer comes. Without a table all is as it was.
   */
  pretend(table = null) {
    return this.page.evaluate((parts) => {
      const { calls } = window.__phone;
      calls.unscript("request");
      if (!parts) return;
      const refusal = (statusCode) => ({ statusCode, data: { error: { code: statusCode < 500 ? "invalid" : "internal", message: "", retryable: false, data: {} } }, header: {} });
      calls.script("request", ({ url }, real) => {
        const part = Object.keys(parts).find((one) => url.includes(one));
        if (part === undefined) return real();
        if (parts[part] === "never") return new Promise(() => {});
        return typeof parts[part] === "number" ? refusal(parts[part]) : { statusCode: 200, data: parts[part], header: {} };
      });
    }, table);
  }

  /** A processor four times as slow, and 4G. */
  async slowDown({ cpu = 4, network = FOUR_G } = {}) {
    this.devtools ??= await this.page.context().newCDPSession(this.page);
    await this.devtools.send("Emulation.setCPUThrottlingRate", { rate: cpu });
    if (network) {
      await this.devtools.send("Network.enable");
      await this.devtools.send("Network.emulateNetworkConditions", network);
    }
  }

  // --- what must hold all the while ---

  /** Requests since the last time. */
  async requests() {
    const all = await this.page.evaluate(() => window.__phone.requests);
    const fresh = all.slice(this.asked ?? 0);
    this.asked = all.length;
    return fresh.map(({ method, url }) => `${method} ${new URL(url).pathname}`);
  }

  /** Nothing is fetched while `act` runs, but for `mayFetch`: what is pushed must be enough to draw the screen. */
  async withoutFetching(act) {
    await this.requests();
    await act();
    assert.deepEqual((await this.requests()).filter((request) => !this.mayFetch?.test(request)), [], `${this.name} fetched what was pushed`);
  }

  /** Errors that a test provokes on purpose. */
  expects(pattern) {
    this.expected.push(pattern);
  }

  report() {
    return this.page.evaluate(() => window.__phone.report());
  }

  /** Every threshold of WeChat's audit, and no error anywhere. Call it at the end of each test. */
  async passesAudit() {
    const { problems, setData, requests, trees, limits } = await this.report();
    const isExpected = (text) => this.expected.some((pattern) => pattern.test(text));
    assert.deepEqual(problems.filter((text) => !isExpected(text)), [], `${this.name}: problems`);
    assert.deepEqual(this.console.filter((text) => !isExpected(text)), [], `${this.name}: console`);
    assert.ok(setData.largestBytes <= limits.setDataBytes, `setData of ${setData.largestBytes} bytes`);
    assert.ok(setData.mostPerSecond <= limits.setDataPerSecond, `${this.name}: ${setData.mostPerSecond} setData in one second: ${setData.busiest}`);
    assert.ok(requests.most <= limits.requests, `${requests.most} requests at once`);
    for (const [route, { nodes, depth, children }] of Object.entries(trees)) {
      assert.ok(nodes < limits.nodes, `${route}: ${nodes} nodes`);
      assert.ok(depth < limits.depth, `${route}: ${depth} deep`);
      assert.ok(children <= limits.children, `${route}: ${children} children of one element`);
    }
  }

  async shoot(name) {
    if (!SHOTS) return;
    fs.mkdirSync(SHOTS, { recursive: true });
    await this.page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
  }

  async close() {
    await this.page.context().close();
  }
}
