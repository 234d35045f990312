// One's own pages and the first start, in each of their states, at two widths (gallery.mjs).
import { test } from "node:test";
import { Gallery } from "./gallery.mjs";
import { Desk, enter, LONG, neighbourhood, somebody } from "./neighbours.mjs";


neighbourhood();

test("me, credit, settings, privacy, getting paid: of somebody who is new", async () => {
  const phone = await enter(somebody("newcomer"));
  const gallery = new Gallery(phone);
  await phone.pretend({ "/v1/ratings": 500 });
  await phone.tap("tab-me");
  await gallery.look("me-error", "me-stale");
  await phone.pretend();
  await phone.tap("tab-discover");
  await phone.tap("tab-me");
  await phone.sees("credit-bar");
  await gallery.look("me-new");
  await gallery.visit("credit-new", "/account/credit/credit", "credit-waiver");
  await gallery.inError("credit", () => phone.go("/account/credit/credit"));
  await phone.back();
  await phone.go("/account/settings/settings");
  await gallery.look("settings", "nickname");
  await phone.type("nickname", "住在人民广场旁边的热心邻居老王和他的工具间");
  await phone.tap("avatar");
  await phone.screen.locator("[data-testid=avatar] img").waitFor();
  await gallery.look("settings-filled", "profile-save");
  await phone.back();
  await gallery.inError("mine", () => phone.go("/account/mine/mine"));
  await phone.tap("state-action");
  await gallery.look("mine-empty", "empty");
  await phone.tap("filter-waiting");
  await gallery.look("mine-empty-waiting", "empty");
  await phone.back();

  await gallery.inError("onboarding", () => phone.go("/account/onboarding/onboarding"));
  await phone.tap("state-action");
  await gallery.look("onboarding-new", "onboarding-begin");
  await phone.tap("onboarding-begin");
  await phone.tap("onboarding-submit");
  await gallery.lookWhole("onboarding-faults");
  await phone.type("legal_name", "欧阳建国");
  await phone.type("id_number", "11010519491231002X");
  await phone.tap("picture-front");
  await phone.choose("拍照");
  await phone.screen.locator("[data-testid=picture-front] .picture-done").waitFor();
  await phone.pretend({ "/payments/pictures": 400 });
  await phone.tap("picture-back");
  await phone.choose("拍照");
  await phone.screen.locator("[data-testid=picture-back] .picture-failed").waitFor();
  await gallery.lookWhole("onboarding-filled");
  gallery.isClean();
});

test("me, credit, privacy, one's listings: of somebody who has been here for a while", async () => {
  const owner = await Desk.of(somebody("owner"));
  const buyer = await Desk.of(somebody("buyer"));
  await owner.isCalled("住在人民广场旁边的热心邻居老王和他的工具间");
  const listing = await owner.publishes(LONG, { capacity: 3, price_day_fen: 3000 });
  const order = await buyer.orders(listing, { hours: 1 });
  await owner.drafts("", {});
  await owner.drafts("违禁的梯子", { price_hour_fen: 600 }, { submits: true });
  await owner.drafts("可疑的梯子", { price_hour_fen: 600 }, { submits: true });
  await owner.moves(await owner.publishes("露营帐篷", { category: "outdoor" }), "pause");
  await owner.moves(await owner.publishes("旧自行车", { category: "bicycles" }), "close");
  await owner.lends(order, buyer);

  const phone = await enter(owner.openid);
  const gallery = new Gallery(phone);
  await phone.tap("tab-me");
  await phone.sees("credit-bar");
  await gallery.look("me", "me-name");
  await phone.tap("tab-messages");
  await phone.tap("tab-notices");
  await gallery.lookWhole("notices-owner", "notice-row");
  await phone.go("/account/mine/mine");
  await gallery.lookWhole("mine-open", "mine-row");
  await phone.tap("filter-waiting");
  await phone.screen.locator("[data-testid=mine-row]", { hasText: "违禁" }).waitFor();
  await gallery.lookWhole("mine-waiting", "mine-note");
  await phone.tap("filter-closed");
  await gallery.look("mine-closed", "mine-row");
  await phone.tap("filter-open");
  await phone.tap("mine-close");
  await gallery.look("mine-close-sheet");
  await phone.cancel();
  await phone.back();
  await gallery.visit("onboarding-finished", "/account/onboarding/onboarding", "onboarding-state");

  await phone.pretend({ [`/ratings/users/${owner.id}/credit`]: { credit_centistars: 478, ratings: 26 }, [`/ratings/users/${owner.id}`]: RATED(buyer.id) });
  await phone.go("/account/credit/credit");
  await gallery.lookWhole("credit", "rating-row");
  await phone.back();
  await phone.pretend();
  await gallery.visit("credit-other", `/account/credit/credit?user=${buyer.id}`, "credit-bar");

  await buyer.orders(listing);
  await phone.go("/account/privacy/privacy");
  await gallery.lookWhole("privacy", "personal");
  await phone.tap("policy-2");
  await gallery.look("privacy-policy");
  await phone.tap("policy-2");
  await phone.pretend({ "/v1/payments/balance": "never" });
  await phone.tap("export");
  await phone.sees("export", "账目");
  await gallery.look("privacy-exporting");
  await phone.pretend();
  await phone.back();
  await phone.go("/account/privacy/privacy");
  await phone.tap("export");
  await gallery.look("privacy-exported", "export-send");
  await phone.tap("forget");
  await phone.page.locator(".mp-layer").waitFor();
  await gallery.look("privacy-refused");
  gallery.isClean();
});

test("deleting the account, and how far an application to be paid has come", async () => {
  const phone = await enter(somebody("leaver"));
  const gallery = new Gallery(phone);
  await phone.go("/account/privacy/privacy");
  await phone.tap("forget");
  await phone.page.locator(".mp-layer").waitFor();
  await gallery.look("privacy-forget");
  await phone.confirm();
  await phone.page.locator(".mp-layer .mp-confirm", { hasText: "注销" }).waitFor();
  await gallery.look("privacy-forget-really");
  await phone.cancel();
  await phone.back();
  const stages = {
    applied: { status: "applied", sign_url: "", reason: "" },
    signing: { status: "applied", sign_url: "https://pay.weixin.qq.com/sign/1", reason: "" },
    rejected: { status: "rejected", sign_url: "", reason: "身份证人像面不清晰，请重新拍摄；银行卡号与开户银行不一致，请核对后重新填写" },
  };
  for (const [name, stage] of Object.entries(stages)) {
    await phone.pretend({ "/v1/payments/onboarding": stage });
    await phone.go("/account/onboarding/onboarding");
    await gallery.lookWhole(`onboarding-${name}`, "onboarding-state");
    await phone.back();
  }
  gallery.isClean();
});

test("the first screen of all, and what it links to", async () => {
  const phone = await enter(somebody("first"), { stay: true });
  const gallery = new Gallery(phone);
  await gallery.look("consent", "agree");
  await phone.tap("refuse");
  await phone.page.locator(".mp-layer").waitFor();
  await gallery.look("consent-refused");
  await phone.confirm();
  await phone.tap("read-policy");
  await phone.tap("policy-0");
  await gallery.look("consent-policy", "policy-0");
  gallery.isClean();
});

const RATED = (rater) => ({
  ratings: [["很准时，工具很好用，讲解也很耐心，下次还租。".repeat(3), 5], ["", 4], ["好", 3]].map(([comment, stars], index) => ({
    rating_id: String(index + 1), order_id: String(index + 1), rater_id: rater, rater_side: index % 2 ? "owner" : "buyer",
    punctuality: stars, condition: 5, communication: stars, comment, given_ms: Date.now() - index * 86_400_000,
  })),
  next: null,
}); // prettier-ignore
