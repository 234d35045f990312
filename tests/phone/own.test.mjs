// What is one's own, by taps: something that is published, one's profile and data, what one says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Desk, enter, neighbourhood, somebody } from "./neighbours.mjs";


neighbourhood();

const row = (phone, title) => phone.screen.locator("[data-testid=mine-row]", { hasText: title });
const line = (phone, text) => phone.screen.locator("[data-testid=line]", { hasText: text });
const isOff = (phone, testid) => phone.screen.locator(`[data-testid=${testid}] input:not(:checked)`).waitFor({ state: "attached" });
const isDone = (phone, photos) => phone.screen.locator("[data-testid=photo][data-state=done]").nth(photos - 1).waitFor();

test("a draft that was left half-way is found again, with its photos: on this phone, and on another", async () => {
  const openid = somebody("owner");
  const title = `梯子 ${somebody("t")}`;
  const phone = await enter(openid);
  await phone.tap("tab-publish");
  await phone.tap("category-tools");
  await phone.type("title", title);
  await phone.tap("publish-next");
  await phone.holds(3);
  await phone.tap("photo-add");
  await phone.choose("从相册选择");
  await isDone(phone, 3);
  const pictures = () => phone.screen.locator("[data-testid=photo] img").evaluateAll((found) => found.map(({ src }) => src));
  const [first, second, third] = await pictures();
  await phone.screen.locator("[data-testid=photo-image]").nth(2).click({ delay: 500 });
  await phone.choose("设为封面");
  await phone.screen.locator("[data-testid=photo-image]").nth(0).locator(`img[src="${third}"]`).waitFor();
  assert.deepEqual(await pictures(), [third, first, second]);
  await phone.start();

  await phone.tap("tab-publish");
  await phone.sees("publish-found");
  await isDone(phone, 3);
  await phone.tap("publish-next");
  await phone.tap("pick-place");
  await phone.press(phone.page.locator(".mp-layer").getByText("人民广场"));
  await phone.tap("publish-next");
  await phone.sees("draft-saved", "草稿已保存");

  const other = await enter(openid, { name: `${openid}-other` });
  await other.go("/account/mine/mine");
  await other.tap("filter-waiting");
  await other.press(row(other, title).locator("[data-testid=mine-edit]"));
  await other.screen.locator("[data-testid=publish-step][data-step=price]").waitFor();
  await other.type("price-hour", "6");
  await other.tap("publish-next");
  await other.sees("preview", title);
  await other.sees("summary-1", "3");
  await other.tap("publish-submit");
  await other.sees("publish-result", title); // seen at once, or looked at by people first: others have the same pictures here
});

test("a photo shows how far it is; one that fails is tried again, one that hangs can be taken away", async () => {
  const phone = await enter(somebody("owner"));
  phone.expects(/Failed to load resource/);
  await phone.tap("tab-publish");
  await phone.tap("category-tools");
  await phone.type("title", "电钻");
  await phone.tap("publish-next");
  await phone.pretend({ "/v1/objects/": "never" });
  await phone.holds(1);
  await phone.tap("photo-add");
  await phone.choose("从相册选择");
  const sending = phone.screen.locator("[data-testid=photo][data-state=sending]");
  await sending.waitFor();
  await phone.page.waitForFunction(() => parseInt(document.querySelector(".mp-page:not([hidden]) [data-testid=photo] [style*=width]").style.width, 10) >= 40);
  await phone.sees("photo-summary", "0/1");
  await phone.tap("publish-next");
  await phone.screen.locator("[data-testid=publish-step][data-step=photos]").waitFor();
  await phone.tap("photo-remove");
  await sending.waitFor({ state: "hidden" });

  await phone.pretend({ "/v1/objects": 500 });
  await phone.tap("photo-add");
  await phone.choose("从相册选择");
  await phone.sees("photo-retry");
  await phone.pretend();
  await phone.tap("photo-retry");
  await isDone(phone, 1);
  await phone.gone("photo-summary");
});

test("a price that was taken out of a draft is gone", async () => {
  const owner = await Desk.of(somebody("owner"));
  const { listing_id: id } = await owner.drafts("双价梯子", { price_hour_fen: 600, price_day_fen: 3000, price_week_fen: 9000 });
  const phone = await enter(owner.openid);
  await phone.go("/account/mine/mine");
  await phone.tap("filter-waiting");
  await phone.tap("mine-edit");
  await phone.press(phone.screen.locator("[data-testid^=summary-]", { hasText: "¥30" }));
  await phone.type("price-day", "");
  await phone.type("price-week", "");
  await phone.tap("publish-next");
  await phone.sees("draft-saved", "草稿已保存");
  const { price_hour_fen: hour, price_day_fen: day, price_week_fen: week } = await owner.ask("GET", `/v1/listings/${id}`);
  assert.deepEqual([hour, day, week], [600, null, null]);
});

test("what is offered is changed, paused, offered again and closed: who looks at it sees each at once", async () => {
  const owner = await Desk.of(somebody("owner"));
  const listing = await owner.publishes(`手电钻 ${somebody("t")}`);
  const visitor = await enter(somebody("visitor"));
  await visitor.go(`/deal/listing/listing?id=${listing.listing_id}`);
  await visitor.sees("calendar");

  const phone = await enter(owner.openid);
  await phone.go("/account/mine/mine");
  await phone.tap("mine-edit");
  await phone.press(phone.screen.locator("[data-testid^=summary-]", { hasText: "¥6" }));
  await phone.type("price-hour", "8.5");
  await phone.tap("publish-next");
  await visitor.withoutFetching(async () => {
    await phone.tap("publish-submit");
    await visitor.reads("¥8.50");
  });
  await phone.sees("publish-result", "修改已生效");

  await phone.go("/account/mine/mine");
  const does = async (what, state) => {
    await phone.press(row(phone, listing.title).locator(`[data-testid=mine-${what}]`));
    if (state) await row(phone, listing.title).locator("[data-testid=mine-state]", { hasText: state }).waitFor();
  };
  await visitor.withoutFetching(async () => {
    await does("pause", "已暂停");
    await visitor.reads("物主暂停了出租");
    await does("resume", "出租中");
    await visitor.page.getByText("物主暂停了出租").locator("visible=true").first().waitFor({ state: "hidden" });
    await does("close");
    await phone.confirm();
    await visitor.reads("这件物品已下架");
  });
  await phone.tap("filter-closed");
  await phone.press(row(phone, listing.title).locator("[data-testid=mine-again]"));
  await phone.sees("preview", listing.title);
  await phone.reads("¥8.50/小时");
  await phone.tap("publish-submit");
  await phone.screen.locator("[data-testid=publish-result][data-status=live]").waitFor();
  const { listings: all } = await owner.ask("GET", "/v1/listings/mine");
  assert.deepEqual(all.map(({ status }) => status).sort(), ["closed", "live"]);
});

test("a draft is deleted, and not kept among what was offered", async () => {
  const owner = await Desk.of(somebody("owner"));
  await owner.drafts("不要的草稿", {});
  const phone = await enter(owner.openid);
  await phone.go("/account/mine/mine");
  await phone.tap("filter-waiting");
  await phone.tap("mine-close");
  await phone.confirm();
  await phone.sees("empty");
  await phone.tap("filter-closed");
  await phone.sees("empty");
});

test("name, picture and choices are kept, and others see the name", async () => {
  const openid = somebody("buyer");
  const buyer = await Desk.of(openid);
  const owner = await Desk.of(somebody("owner"));
  const listing = await owner.publishes(`帐篷 ${somebody("t")}`);
  const enquiry = await buyer.asks(listing);
  const phone = await enter(openid);
  await phone.tap("tab-me");
  await phone.tap("me-edit");
  await phone.type("nickname", "爱露营的小周");
  await phone.tap("avatar");
  await phone.screen.locator("[data-testid=avatar] img").waitFor();
  await phone.tap("profile-save");
  await phone.at("pages/me/me");
  await phone.sees("me-name", "爱露营的小周");
  await phone.tap("link-privacy");
  await phone.tap("personal");
  await isOff(phone, "personal");

  const other = await enter(openid, { name: `${openid}-other` });
  await other.tap("tab-me");
  await other.sees("me-name", "爱露营的小周");
  await other.screen.locator("[data-testid=me-edit] img").waitFor();
  await other.tap("link-privacy");
  await isOff(other, "personal");

  const theirs = await enter(owner.openid);
  await buyer.says(enquiry, "周末能租吗");
  await theirs.tap("tab-messages");
  await theirs.sees("chat-row", "爱露营的小周");
});

test("one's data in a file; the account is not deleted while an order is open, and is when it is not", async () => {
  const owner = await Desk.of(somebody("owner"));
  const buyer = await Desk.of(somebody("buyer"));
  const order = await buyer.orders(await owner.publishes(`投影仪 ${somebody("t")}`), { paid: false });
  await buyer.says(order.order_id, "这句话也在文件里");
  const phone = await enter(buyer.openid);
  phone.expects(/Failed to load resource/);
  await phone.tap("tab-me");
  await phone.tap("link-privacy");
  await phone.tap("export");
  await phone.sees("export-ready", "我的数据.json");
  await phone.tap("export-send");
  await phone.choose("文件传输助手");
  const archive = JSON.parse(await phone.page.evaluate(() => window.__phone.files.blob("wxfile://usr/我的数据.json").text()));
  assert.equal(archive.me.user_id, buyer.id);
  assert.deepEqual(archive.orders.as_buyer.map(({ order_id: id }) => id), [order.order_id]);
  assert.ok(JSON.stringify(archive.conversations).includes("这句话也在文件里"));

  await phone.tap("forget");
  await phone.reads("你有 1 笔订单还没有结束");
  await phone.confirm();
  await phone.pretend({ "/v1/orders?": { orders: [], next_before: null } }); // an order that came while one thought about it
  await phone.tap("forget");
  await phone.confirm();
  await phone.page.locator(".mp-layer .mp-confirm", { hasText: "注销" }).click();
  await phone.reads("现在还不能注销");
  await phone.confirm();
  await phone.pretend();

  await buyer.command("orders.cancel", { order_id: order.order_id });
  await leaves(phone);
  await phone.at("pages/consent/consent");
  await phone.tap("agree");
  await phone.at("pages/discover/discover");
  const again = await Desk.of(buyer.openid);
  assert.notEqual(again.id, buyer.id);
});

/** Until the users' wing has heard that the order is over. */
async function leaves(phone) {
  for (let left = 20; left; left--) {
    await phone.tap("forget");
    await phone.page.locator(".mp-layer").waitFor();
    if (await phone.page.locator(".mp-layer", { hasText: "进行中" }).count()) {
      await phone.confirm();
      continue;
    }
    await phone.confirm();
    await phone.page.locator(".mp-layer .mp-confirm", { hasText: "注销" }).click();
    const refused = phone.page.locator(".mp-layer", { hasText: "不能注销" });
    await Promise.race([refused.waitFor(), phone.page.locator("[data-testid=agree]").waitFor()]);
    if (!(await refused.count())) return;
    await phone.confirm();
  }
  assert.fail("the account was never deleted");
}

test("chat: a preset, a photo, a line that was not sent and is tried again, and what the other has read", async () => {
  const owner = await Desk.of(somebody("owner"));
  const openid = somebody("buyer");
  const buyer = await Desk.of(openid);
  const enquiry = await buyer.asks(await owner.publishes(`相机 ${somebody("t")}`));
  const phone = await enter(openid);
  await phone.go(`/deal/chat/chat?id=${enquiry}&kind=enquiry&other=${owner.id}`);
  await phone.sees("chat-text");
  await phone.tap("presets-open");
  const preset = phone.screen.locator("[data-testid^=preset-]").first();
  await preset.waitFor();
  const words = await preset.innerText();
  await phone.press(preset);
  await line(phone, words).waitFor();
  await phone.tap("chat-photo");
  await phone.choose("拍照");
  await phone.screen.locator("[data-testid=line][data-state=sent] [data-testid=line-image]").waitFor();

  phone.expects(/Failed to load resource/);
  await phone.pretend({ "/v1/objects": 400 });
  await phone.tap("chat-photo");
  await phone.choose("拍照");
  await phone.sees("line-retry");
  await phone.pretend();
  await phone.tap("line-retry");
  await phone.choose("重新发送");
  await phone.gone("line-retry");
  await phone.screen.locator("[data-testid=line][data-state=sent] [data-testid=line-image]").nth(1).waitFor();

  await phone.pretend({ "/v1/objects": 400 });
  await phone.tap("chat-photo");
  await phone.choose("拍照");
  await phone.sees("line-retry");
  await phone.start(); // it outlives the app
  await phone.go(`/deal/chat/chat?id=${enquiry}&kind=enquiry&other=${owner.id}`);
  await phone.sees("chat-text");
  await phone.tap("line-retry");
  await phone.reads("填写的内容有误，请检查后再试"); // why
  await phone.choose("删除这条");
  await phone.gone("line-retry");

  await phone.type("chat-text", "周六上午可以吗");
  await phone.tap("chat-send");
  await line(phone, "周六上午可以吗").waitFor();

  const theirs = await enter(owner.openid);
  await theirs.tap("tab-messages");
  await theirs.sees("chat-unread", "4");
  await phone.withoutFetching(async () => {
    await theirs.tap("chat-row");
    await line(theirs, words).waitFor();
    await theirs.sees("line-image");
    await phone.screen.locator("[data-testid=line][data-state=read]", { hasText: "周六上午可以吗" }).waitFor();
  });
  await phone.sees("line-state", "已读");
  await theirs.back();
  await theirs.gone("chat-unread");
});
