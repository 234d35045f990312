// Publishing, messages and chat, in each of their states, at two widths (gallery.mjs).
import { test } from "node:test";
import { Gallery } from "./gallery.mjs";
import { Desk, enter, LONG, neighbourhood, somebody } from "./neighbours.mjs";

const LONG_NAME = "住在人民广场旁边的热心邻居老王和他的工具间";
const WORDS = "周六上午九点我在楼下等你，记得带上身份证；车位在地下一层，跟保安说找 1 号楼的老王就行。".repeat(2);
const SUGGESTED = {
  per_hour: { low_fen: 500, middle_fen: 800, high_fen: 1200, n: 23 }, per_day: { low_fen: 2500, middle_fen: 3500, high_fen: 6000, n: 41 }, per_week: null,
}; // prettier-ignore

neighbourhood();

test("publishing, step by step", async () => {
  const phone = await enter(somebody("owner"));
  const gallery = new Gallery(phone);
  const next = () => phone.tap("publish-next");
  phone.expects(/Failed to load resource/);
  await phone.pretend({ "/listings/categories": 500 });
  await phone.tap("tab-publish");
  await gallery.look("publish-error", "error");
  await phone.pretend();
  await phone.tap("state-action");

  await gallery.lookWhole("publish-what", "publish-step");
  await next();
  await gallery.look("publish-what-faults");
  await phone.tap("category-cameras");
  await phone.type("title", LONG);
  await phone.type("description", WORDS);
  await gallery.lookWhole("publish-what-filled");
  await phone.tap("category-tools");
  await next();

  await gallery.look("publish-photos", "photo-add");
  await phone.pretend({ "/v1/objects": "never" });
  await phone.tap("photo-add");
  await phone.choose("从相册选择");
  await phone.screen.locator("[data-testid=photo][data-state=sending]").first().waitFor();
  await gallery.look("publish-photos-sending");
  for (let left = 2; left; left--) await phone.tap("photo-remove");
  await phone.pretend({ "/v1/objects": 400 });
  await phone.tap("photo-add");
  await phone.choose("拍照");
  await gallery.look("publish-photos-failed", "photo-retry");
  await phone.pretend();
  await phone.tap("photo-retry");
  await phone.holds(9);
  await phone.tap("photo-add");
  await phone.choose("从相册选择");
  await phone.screen.locator("[data-testid=photo][data-state=done]").nth(8).waitFor();
  await gallery.look("publish-photos-nine");
  for (let left = 7; left; left--) await phone.tap("photo-remove"); // each is looked at by WeChat before it is live
  await next();

  await next();
  await gallery.look("publish-place-faults", "pick-place");
  await phone.tap("pick-place");
  await phone.press(phone.page.locator(".mp-layer").getByText("人民广场"));
  await gallery.look("publish-place-filled", "address");
  await next();

  await gallery.lookWhole("publish-times", "add-closed");
  await phone.tap("all-day");
  await phone.tap("add-closed");
  await phone.page.locator(".mp-layer input").fill("2027-02-06");
  await phone.confirm();
  await gallery.lookWhole("publish-times-filled");
  await phone.pretend({ "/listings/prices": SUGGESTED });
  await next();

  await gallery.lookWhole("publish-price", "price-suggestion");
  await phone.type("price-hour", "一千");
  await phone.type("deposit", "-3");
  await next();
  await gallery.look("publish-price-faults");
  await phone.tap("use-hour");
  await phone.tap("use-day");
  await phone.type("deposit", "500");
  await phone.tap("booking-request");
  await phone.tap("policy-strict");
  await gallery.lookWhole("publish-price-filled");
  await next();

  await gallery.lookWhole("publish-review", "publish-submit");
  await phone.network("none");
  await gallery.look("publish-offline", "connection");
  await phone.network("wifi");
  await phone.gone("connection");
  await phone.start();
  await phone.tap("tab-publish");
  await gallery.look("publish-found-again", "publish-found");
  await phone.tap("publish-submit");
  await phone.screen.locator("[data-testid=publish-result][data-status=live]").waitFor();
  await gallery.look("publish-live", "go-onboarding");
  await phone.tap("publish-another");
  await gallery.look("publish-again", "publish-step");
  gallery.isClean();
});

test("publishing what is looked at, what is not let through, what is there already", async () => {
  const owner = await Desk.of(somebody("owner"));
  const live = await owner.publishes(`${LONG}（已在架）`, { price_day_fen: 3000, deposit_fen: 20000 });
  const whole = (title) => owner.drafts(title, { price_hour_fen: 600 });
  await whole("可疑的梯子");
  await whole("违禁的梯子");
  const phone = await enter(owner.openid);
  const gallery = new Gallery(phone);
  for (const [status, name] of [["rejected", "违禁"], ["review", "可疑"]]) {
    await phone.go("/account/mine/mine");
    await phone.tap("filter-waiting");
    await phone.press(phone.screen.locator("[data-testid=mine-row]", { hasText: name }).locator("[data-testid=mine-edit]"));
    await phone.tap("publish-submit");
    await phone.screen.locator(`[data-testid=publish-result][data-status=${status}]`).waitFor();
    await gallery.look(`publish-done-${status}`);
  }
  await phone.go("/account/mine/mine");
  await phone.tap("filter-waiting");
  await phone.press(phone.screen.locator("[data-testid=mine-row]", { hasText: "违禁" }).locator("[data-testid=mine-edit]"));
  await gallery.look("publish-mending", "publish-note");
  await phone.go("/account/mine/mine");
  await phone.press(phone.screen.locator("[data-testid=mine-row]", { hasText: live.title }).locator("[data-testid=mine-edit]"));
  await gallery.lookWhole("publish-editing", "publish-submit");
  await phone.press(phone.screen.locator("[data-testid^=summary-]", { hasText: "¥30" }));
  await gallery.look("publish-price-plain", "price-hour");
  await phone.type("price-day", "28");
  await phone.tap("publish-next");
  await phone.tap("publish-submit");
  await gallery.look("publish-saved", "publish-result");
  gallery.isClean();
});

test("messages and chat", async () => {
  const owner = await Desk.of(somebody("owner"));
  const buyer = await Desk.of(somebody("buyer"));
  await owner.isCalled(LONG_NAME);
  await buyer.isCalled("小李");
  const listing = await owner.publishes(LONG, { capacity: 3 });
  const order = await buyer.orders(listing);
  const enquiry = await buyer.asks(listing);
  for (let line = 1; line <= 34; line++) await (line % 3 ? owner : buyer).says(order.order_id, `第 ${line} 句：${line % 7 ? "好的" : WORDS}`);
  await buyer.says(order.order_id, "你好，请问可以早一点来取吗？");
  await owner.says(order.order_id, WORDS);
  await owner.says(enquiry, "在的，您请说");

  const newcomer = await enter(somebody("newcomer"), { name: "newcomer" });
  const first = new Gallery(newcomer);
  newcomer.expects(/Failed to load resource/);
  await first.inError("messages", () => newcomer.tap("tab-messages"));
  await newcomer.tap("state-action");
  await first.look("messages-empty", "empty");
  await newcomer.tap("tab-notices");
  await first.look("notices-empty", "empty");
  await newcomer.go(`/deal/chat/chat?listing=${listing.listing_id}`);
  await newcomer.reads("开始聊天吧");
  await newcomer.reads(LONG_NAME);
  await first.look("chat-hello", "chat-context");
  await newcomer.back();
  await newcomer.go(`/deal/chat/chat?id=${order.order_id}`);
  await first.look("chat-closed", "error");
  await newcomer.back();
  await newcomer.pretend({ "/messages": { messages: erased(order), more: false, last_seq: 2 } });
  await newcomer.go("/deal/chat/chat?id=1");
  await first.look("chat-erased", "lines");
  first.isClean();

  const phone = await enter(buyer.openid);
  const gallery = new Gallery(phone);
  await phone.tap("tab-messages");
  await phone.sees("chat-unread");
  await gallery.look("messages", "chat-row");
  await phone.tap("tab-notices");
  await gallery.look("notices", "notice-row");
  await phone.go(`/deal/chat/chat?id=${order.order_id}`);
  await phone.sees("chat-context", "待交接");
  await gallery.lookEnd("chat", "line-text");
  await owner.types(order.order_id);
  await gallery.lookEnd("chat-typing", "chat-status");
  await phone.tap("presets-open");
  await gallery.lookEnd("chat-presets", "presets");
  await phone.press(phone.screen.locator("[data-testid^=preset-]").first());
  await phone.tap("chat-photo");
  await phone.choose("拍照");
  await phone.sees("line-image");
  await phone.screen.locator("[data-testid=line][data-state=sent]", { has: phone.page.locator("[data-testid=line-image]") }).waitFor();
  await gallery.lookEnd("chat-photo");
  await phone.pretend({ "/v1/objects": 400 });
  await phone.tap("chat-photo");
  await phone.choose("拍照");
  await gallery.lookEnd("chat-unsent", "line-retry");
  await phone.pretend();
  await phone.network("none");
  await phone.type("chat-text", "地铁里没有信号");
  await phone.tap("chat-send");
  await gallery.lookEnd("chat-offline", "connection");
  await phone.network("wifi");
  await phone.back();
  await phone.go(`/deal/chat/chat?id=${enquiry}&kind=enquiry&listing=${listing.listing_id}&role=buyer&other=${owner.id}`);
  await gallery.look("chat-enquiry", "chat-context");
  gallery.isClean();
});

/** Two lines of which only who and when is left. */
function erased({ buyer_id: buyer, owner_id: owner }) {
  return [buyer, owner].map((sender, index) => ({
    seq: index + 1, kind: "text", sender_id: sender, text: "", preset: "", object_key: "", image_url: "", up_to: 0, at_ms: Date.now() - 60_000, erased: true,
  })); // prettier-ignore
}
