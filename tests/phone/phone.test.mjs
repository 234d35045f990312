// The phone itself, in Chromium, with a mini-program that is made for it.
import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { serve } from "../../sandbox/phone/server.mjs";
import { openBrowser, Phone } from "../../sandbox/phone/driver.mjs";

const APP = new URL("app", import.meta.url).pathname;
const out = fs.mkdtempSync(path.join(os.tmpdir(), "phone-test-"));
let browser, server, echo, phone;

before(async () => {
  echo = http.createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part)).on("end", () => response.end(JSON.stringify({ got: JSON.parse(body || "null"), origin: request.headers.origin ?? null })));
  });
  await new Promise((done) => echo.listen(0, "127.0.0.1", done));
  const api = `http://127.0.0.1:${echo.address().port}`;
  const people = [
    { openid: "left", name: "甲", start: "/pages/detail/detail?id=7" }, { openid: "right", name: "乙", storage: { who: "乙" } }, { openid: "third", name: "丙" },
  ]; // prettier-ignore
  server = await serve({ src: APP, out, config: { ext: { api }, people, guide: [{ title: "第一步", text: "怎么做" }], links: [{ name: "别处", url: api }] } });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.close();
  echo.close();
  fs.rmSync(out, { recursive: true, force: true });
});
beforeEach(async () => {
  phone = await Phone.open(browser, server.url, "somebody");
});
afterEach(() => phone.close());

const seen = () => phone.page.evaluate(() => window.getApp() && window.__phone.pages.instances.map(({ route }) => route));

test("templates, lists, components, slots and wxs are drawn, and taps change them", async () => {
  await phone.sees("title", "标题");
  await phone.sees("row-b", "1:乙");
  await phone.sees("counter", "2 次");
  await phone.on("counter").locator(".s0--box, [class*=box]").first().click();
  await phone.sees("title", "数到 3");
  await phone.sees("row-b", "1:丙");
  await phone.passesAudit();
});

test("a component's classes are its own, rpx follow the screen, a fixed element stays above the tab bar", async () => {
  const style = (testid, name) => phone.on(testid).evaluate((element, key) => getComputedStyle(element)[key], name);
  assert.equal(await style("title", "fontSize"), "20px");
  assert.equal(await style("title", "color"), "rgb(17, 34, 51)");
  assert.equal(await style("title", "borderTopWidth"), "0px");
  const box = await phone.on("foot").boundingBox();
  assert.equal(Math.round(box.y + box.height), 812 - 50 - 34);
  await phone.passesAudit();
});

test("typing reaches the page's data", async () => {
  await phone.type("name", "小王");
  await phone.sees("hello", "你好 小王");
});

test("pages open and close with their lives, their query and their own styles", async () => {
  await phone.tap("go");
  await phone.at("pages/detail/detail");
  await phone.sees("query", "42 0/7");
  assert.equal(await phone.page.locator(".mp-title").innerText(), "详情");
  assert.deepEqual(await seen(), ["pages/home/home", "pages/detail/detail"]);
  const tall = await phone.on("tall").boundingBox();
  assert.equal(Math.round(tall.height), Math.round((812 - 88) / 2) + 34);
  await phone.back();
  await phone.at("pages/home/home");
  assert.equal(await phone.on("title").evaluate((element) => getComputedStyle(element).color), "rgb(17, 34, 51)");
});

test("the tab bar keeps its pages", async () => {
  await phone.type("name", "还在");
  await phone.tap("tab-second");
  await phone.at("pages/second/second");
  await phone.tap("tab-home");
  await phone.sees("hello", "还在");
});

/** With the mouse, from the middle of an element. */
async function drag(testid, across, down) {
  const box = await phone.on(testid).boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await phone.page.mouse.move(x, y);
  await phone.page.mouse.down();
  await phone.page.mouse.move(x + across, y + down, { steps: 8 });
  await phone.page.mouse.up();
}

test("a mouse drags a list, which is no tap; a click is one", async () => {
  await phone.tap("tab-second");
  await drag("row-3", 0, -90);
  await phone.page.waitForFunction(() => document.querySelector("wx-scroll-view").scrollTop > 60);
  assert.equal(await phone.on("tapped").innerText(), "0");
  await phone.on("list").evaluate((element) => element.scrollTo(0, 0));
  await phone.page.waitForTimeout(300); // until it glides no more
  await phone.tap("row-1");
  await phone.sees("tapped", "1");
});

test("a page that may be refreshed is, when it is pulled down far enough", async () => {
  await phone.tap("tab-second");
  await drag("fresh", 0, 60);
  assert.equal(await phone.on("fresh").innerText(), "0");
  await drag("fresh", 0, 220);
  await phone.sees("fresh", "1");
  await phone.page.waitForFunction(() => !document.querySelector(".mp-pulled"));
});

test("slides lie side by side, also those that came later, and follow the finger to the next", async () => {
  await phone.tap("tab-second");
  const left = async (slide) => Math.round((await phone.on(`slide-${slide}`).boundingBox()).x);
  await phone.page.waitForTimeout(400);
  assert.deepEqual([await left(0), await left(1)], [0, 375]);
  await drag("slides", -120, 0);
  await phone.sees("slid", "1 touch");
  await phone.page.waitForTimeout(400);
  assert.deepEqual([await left(0), await left(1)], [-375, 0]);
});

test("pictures that are looked at lie side by side, and a finger turns them", async () => {
  await phone.page.evaluate(() => void window.wx.previewImage({ urls: ["/1.png", "/2.png", "/3.png"], current: "/2.png" }));
  phone.expects(/404/);
  const count = phone.page.locator(".mp-count");
  assert.equal(await count.innerText(), "2 / 3");
  await phone.page.mouse.move(300, 400);
  await phone.page.mouse.down();
  await phone.page.mouse.move(150, 400, { steps: 6 });
  await phone.page.mouse.up();
  await count.getByText("3 / 3").waitFor();
  await phone.page.mouse.click(180, 400);
  await phone.page.locator(".mp-preview").waitFor({ state: "detached" });
});

test("a list scrolls to an element and says when it is low", async () => {
  await phone.tap("tab-second");
  await phone.tap("jump");
  await phone.page.waitForFunction(() => document.querySelector("wx-scroll-view").scrollTop === 800);
  await phone.on("list").evaluate((element) => element.scrollTo(0, 1e6));
  await phone.sees("lower", "到底了");
});

test("requests go to allowed servers only, without the browser's origin, and not while offline", async () => {
  await phone.tap("tab-second");
  await phone.tap("ask");
  await phone.sees("net", '200 {"got":{"a":1},"origin":null}');
  await phone.network("none");
  await phone.tap("ask");
  await phone.sees("net", "request:fail");
  await phone.network("wifi");
  const refused = await phone.page.evaluate(() => window.wx.request({ url: "http://127.0.0.1:9/x" }).catch(({ errMsg }) => errMsg));
  assert.match(refused, /url not in domain list/);
});

test("a payment is cancelled, or fails as told", async () => {
  await phone.tap("pay");
  await phone.tap("pay-cancel");
  await phone.sees("paid", "requestPayment:fail cancel");
  await phone.failNext("requestPayment", "out of money");
  await phone.tap("pay");
  await phone.sees("paid", "requestPayment:fail out of money");
});

test("setData of undefined is a problem, and the audit says so", async () => {
  phone.expects(/setData.*rows is undefined/s);
  await phone.tap("bad");
  const { problems } = await phone.report();
  assert.deepEqual(problems, ["setData: pages/home/home: rows is undefined"]);
  await phone.passesAudit();
});

test("a photo is chosen and shown", async () => {
  await phone.tap("photo");
  await phone.choose("拍照");
  await phone.on("picture").waitFor();
  assert.ok(await phone.on("picture").locator("img").evaluate((img) => img.decode().then(() => img.naturalWidth)) > 100);
});

test("markers stand where the map says, and are tapped", async () => {
  await phone.tap("marker-7");
  await phone.sees("marker", "点了 7");
  const region = await phone.page.evaluate(() => window.wx.createMapContext("map").getRegion());
  assert.ok(region.southwest.latitude < 31.23 && region.northeast.latitude > 31.23);
});

test("five seconds after it went to the background, the app stands still until it is back", async () => {
  await phone.tap("go");
  await phone.sees("ticks", /[1-9]/);
  await phone.background();
  await phone.page.waitForFunction(() => window.__phone.life.timers.suspended);
  const ticks = await phone.on("ticks").innerText();
  await phone.page.waitForTimeout(350);
  assert.equal(await phone.on("ticks").innerText(), ticks);
  await phone.foreground();
  await phone.page.waitForFunction((before) => Number(document.querySelector(".mp-page:not([hidden]) [data-testid=ticks]").innerText) > before + 1, Number(ticks));
});

test("two phones of one server have each their own storage", async () => {
  const other = await Phone.open(browser, server.url, "another");
  await phone.page.evaluate(() => window.wx.setStorageSync("who", { name: "甲" }));
  assert.deepEqual(await phone.page.evaluate(() => window.wx.getStorageSync("who")), { name: "甲" });
  assert.equal(await other.page.evaluate(() => window.wx.getStorageSync("who")), "");
  await other.close();
});

test("what a phone has at first it has once: what is taken away stays away", async () => {
  const other = await Phone.open(browser, server.url, "right");
  assert.equal(await other.page.evaluate(() => window.wx.getStorageSync("who")), "乙");
  await other.page.evaluate(() => window.wx.removeStorageSync("who"));
  await other.start();
  assert.equal(await other.page.evaluate(() => window.wx.getStorageSync("who")), "");
  await other.close();
});

async function openStage(use) {
  const stage = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  await stage.goto(server.url);
  const phones = ["left", "right"].map((name) => stage.locator(`[data-phone=${name}]`));
  const frames = ["left", "right"].map((name) => stage.frameLocator(`[data-phone=${name}] iframe`));
  await Promise.all(frames.map((frame) => frame.locator("wx-page").first().waitFor()));
  const inside = async (at, ask) => (await (await phones[at].locator("iframe").elementHandle()).contentFrame()).evaluate(ask);
  await use({ stage, phones, frames, inside });
  await stage.close();
}

/** A stand-in for what sandbox/server keeps of subscribe messages: two templates, what was answered, what was sent. */
async function withMessages(use) {
  const kept = { told: [], answers: {}, messages: [] };
  const stub = http.createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part)).on("end", () => {
      const { pathname, searchParams } = new URL(request.url, "http://stub");
      if (request.method === "POST") {
        const said = JSON.parse(body);
        kept.told.push(said);
        for (const [id, answer] of Object.entries(said.answers)) kept.answers[id] = { remaining: 1, always: said.always ? answer : (kept.answers[id]?.always ?? "") };
      }
      const after = Number(searchParams.get("after"));
      const known = {
        "/sandbox/templates": { templates: { A: { title: "到了" }, B: { title: "走了" } } },
        "/sandbox/subscriptions": { answers: kept.answers },
        "/sandbox/messages": { messages: kept.messages.filter(({ number }) => number > after), last: kept.messages.length },
      };
      response.writeHead(200, { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*", "Content-Type": "application/json" });
      response.end(JSON.stringify(known[pathname] ?? {}));
    });
  });
  await new Promise((done) => stub.listen(0, "127.0.0.1", done));
  try {
    await phone.page.evaluate((wechat) => Object.assign(window.__phone.settings, { wechat, asks: true }), `http://127.0.0.1:${stub.address().port}`);
    await use(kept);
  } finally {
    stub.closeAllConnections();
    stub.close();
  }
}

const subscribe = (ids) => phone.page.evaluate((tmplIds) => window.wx.requestSubscribeMessage({ tmplIds }).catch((error) => error), ids);
const touch = () => phone.page.evaluate(() => window.dispatchEvent(new MouseEvent("click")));

test("subscribe messages are asked for after a tap only, each by itself, and what is kept is not asked again", () =>
  withMessages(async (kept) => {
    assert.match((await subscribe(["A"])).errMsg, /TAP gesture/);
    await touch();
    assert.match((await subscribe(["A", "B", "C", "D"])).errMsg, /1 to 3/);
    assert.match((await subscribe(["Z"])).errMsg, /No template data/);
    assert.deepEqual(kept.told, []);
    const asked = subscribe(["A", "B"]);
    const sheet = phone.page.locator(".mp-subscribe");
    await sheet.waitFor();
    assert.deepEqual(await sheet.locator(".mp-items label").allInnerTexts(), ["到了", "走了"]);
    await sheet.locator(".mp-items label").last().click();
    await sheet.locator(".mp-always label").click();
    await phone.confirm();
    const { A, B } = await asked;
    assert.deepEqual([A, B], ["accept", "reject"]);
    assert.deepEqual(kept.told, [{ openid: "somebody", answers: { A: "accept", B: "reject" }, always: true }]);
    await touch();
    assert.equal((await subscribe(["A"])).A, "accept"); // without a sheet, and counted once more
    assert.equal(kept.told.length, 2);
    const { subscriptionsSetting } = await phone.page.evaluate(() => window.wx.getSetting({ withSubscriptions: true }));
    assert.deepEqual(subscriptionsSetting, { mainSwitch: true, itemSettings: { A: "accept", B: "reject" } });
  }));

test("what was sent is a banner over the phone: it opens its page, also from the background; what is older is not shown", () =>
  withMessages(async (kept) => {
    const send = (title, page) => kept.messages.push({ number: kept.messages.length + 1, title, page, rows: [{ label: "谁", value: "甲" }] });
    const banner = phone.page.locator("[data-testid=notification]");
    send("旧的", "");
    const looked = phone.page.waitForResponse(/sandbox\/messages/);
    await phone.page.evaluate(() => window.__phone.notifications.follow());
    await looked;
    await phone.background();
    send("到了", "pages/detail/detail?id=7");
    await banner.waitFor();
    assert.equal(await banner.count(), 1);
    assert.match(await banner.innerText(), /试验[^]*到了[^]*谁[^]*甲/);
    await banner.click();
    await phone.at("pages/detail/detail");
    await phone.sees("query", "7");
    assert.deepEqual(await seen(), ["pages/detail/detail"]);
    assert.ok(await phone.page.evaluate(() => window.__phone.life.shown));
    send("又一条", "");
    await banner.waitFor();
    await banner.click(); // it leads nowhere: the app is as it was
    await banner.waitFor({ state: "detached" });
    await phone.at("pages/detail/detail");
  }));

test("the stage shows two phones, gives each its person and first page, and fits on a small screen", () =>
  openStage(async ({ stage, phones, frames, inside }) => {
    await frames[0].locator(".mp-page[data-route='pages/detail/detail'] wx-page").first().waitFor();
    await frames[1].locator("[data-testid=title]").waitFor();
    assert.equal(await inside(0, () => window.__phone.settings.openid), "left");
    assert.equal(await inside(1, () => window.__phone.settings.openid), "right");
    const { width, height } = stage.viewportSize();
    for (const part of [...phones, stage.getByText("怎么做"), stage.getByText("别处")]) {
      const box = await part.boundingBox();
      assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height, JSON.stringify(box));
    }
  }));

test("the stage's buttons are a phone's: background, network, restart", () =>
  openStage(async ({ phones, inside }) => {
    const shown = (at) => inside(at, () => window.__phone.life.shown);
    await phones[0].locator("[data-act=background]").click();
    await phones[0].locator(".asleep").waitFor();
    assert.deepEqual([await shown(0), await shown(1)], [false, true]);
    await phones[0].locator(".asleep").click();
    await phones[0].locator(".asleep").waitFor({ state: "hidden" });
    await phones[1].locator("[data-network=none]").click();
    assert.equal(await inside(1, () => window.__phone.life.network), "none");
    await inside(1, () => (window.before = true));
    await phones[1].locator("[data-act=reload]").click();
    await phones[1].page().waitForFunction(() => document.querySelector("[data-phone=right] iframe").contentWindow.__phone?.pages?.top && !document.querySelector("[data-phone=right] iframe").contentWindow.before);
    assert.equal(await inside(1, () => window.__phone.life.network), "wifi");
    assert.equal(await phones[1].locator("[aria-checked=true][data-network]").getAttribute("data-network"), "wifi");
  }));

test("a phone of the stage changes hands in two clicks, and the stage remembers", () =>
  openStage(async ({ stage, phones, frames }) => {
    await phones[1].locator("summary").click();
    await phones[1].locator("[data-openid=third]").click();
    await stage.locator("[data-phone=right] iframe[src*=third]").waitFor({ state: "attached" });
    await frames[1].locator("wx-page").first().waitFor();
    assert.ok(await phones[1].locator(".people").isHidden());
    assert.equal(await phones[1].locator(".name").innerText(), "丙");
    await stage.reload();
    assert.equal(await phones[1].locator(".name").innerText(), "丙");
  }));

test("the stage says how soon a tap on one phone was drawn on the other, and nothing of what was not because of it", () =>
  openStage(async ({ stage, frames, inside }) => {
    const reading = stage.locator(".reading b");
    const drawn = (at) => inside(at, () => {
      window.__phone.life.emit("heard");
      window.__phone.pages.top.instance.setData({ heard: 1 });
    });
    await drawn(1);
    await stage.waitForTimeout(150);
    assert.ok(await reading.isHidden(), "nobody has tapped");
    await frames[0].locator("wx-page").first().click({ position: { x: 5, y: 5 } });
    await drawn(1);
    await reading.waitFor();
    const first = Number(await reading.innerText());
    assert.ok(first > 0 && first < 3000, first);
    await drawn(1);
    await stage.waitForTimeout(150);
    assert.equal(await stage.locator(".bars i").count(), 1, "one reading for a tap");
  }));
