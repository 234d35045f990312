// An order's page for both parties in every state of its life, the list of orders, ratings: looked at (gallery.mjs).
import { test } from "node:test";
import { dealings, wait } from "./dealings.mjs";
import { Gallery } from "./gallery.mjs";
import { Desk, enter, LONG, neighbourhood, somebody } from "./neighbours.mjs";

const FIVE = { punctuality: 5, condition: 5, communication: 5 };
const people = { owner: somebody("owner"), buyer: somebody("buyer") };
let owner, buyer, deals;

neighbourhood(async () => {
  owner = await Desk.of(people.owner);
  buyer = await Desk.of(people.buyer);
  const photos = [await owner.photo(25)];
  const things = {
    many: await owner.publishes(LONG, { capacity: 60, photos, price_day_fen: 3000 }),
    asked: await owner.publishes("露营帐篷", { category: "outdoor", booking: "request", deposit_fen: 0 }),
    strict: await owner.publishes("全画幅相机套装", { category: "cameras", policy: "strict", price_hour_fen: 3500, price_day_fen: 18000, capacity: 9 }),
  };
  deals = await dealings(owner, buyer, things);
});

const ordered = (name, role) => `/deal/order/order?id=${deals[name].order_id}&role=${role}`;

/** Both parties look at their own side at once. */
async function both(look) {
  await Promise.all(Object.keys(people).map(async (role) => {
    const phone = await enter(people[role]);
    const gallery = new Gallery(phone);
    await look(role, phone, gallery);
    gallery.isClean();
  })); // prettier-ignore
}

test("an order in every state", () =>
  both(async (role, phone, gallery) => {
    for (const name of Object.keys(deals)) await gallery.visit(`order-${name}-${role}`, ordered(name, role), "hero");
    await gallery.visit("order-error", "/deal/order/order?id=1", "error");
  }));

test("what is filled in, and the money", () =>
  both(async (role, phone, gallery) => {
    const sheets = {
      buyer: [["used", "do-extend", "extend"], ["used", "do-return", "return"], ["claimed", "do-contest", "contest"]],
      owner: [["ready", "do-start", "code"], ["returned", "do-claim", "claim"], ["disputed", "do-evidence", "evidence"]],
    }[role]; // prettier-ignore
    for (const [name, tapped, called] of sheets) {
      await phone.go(ordered(name, role));
      await phone.tap(tapped);
      if (called === "extend") await phone.sees("extend-cost", "¥");
      await gallery.look(`sheet-${called}`, "sheet");
      if (called !== "extend") {
        await phone.tap("submit");
        await gallery.look(`sheet-${called}-unfilled`, "sheet-trouble");
      }
      await phone.tap("sheet-close");
      await phone.back();
    }
    for (const name of role === "buyer" ? ["later", "unpaid"] : ["later"]) {
      await phone.go(ordered(name, role));
      await phone.tap("more");
      await gallery.look(`order-more-${role}`);
      await phone.choose("取消订单");
      await gallery.look(`sheet-cancel-${name}-${role}`, "sheet-hint");
      await phone.tap("sheet-close");
      await phone.back();
    }
    for (const name of ["settled", "cancelled", "refunded"]) {
      await phone.go(ordered(name, role));
      await phone.tap("money");
      await gallery.lookWhole(`money-${name}-${role}`, "money-line");
      await phone.back();
    }
  }));

test("the list of orders", async () => {
  const phone = await enter(people.buyer);
  const gallery = new Gallery(phone);
  await gallery.tab("orders", "order-row");
  for (const group of ["todo", "active", "over"]) {
    await phone.tap(`filter-${group}`);
    await gallery.lookWhole(`orders-${group}`, "order-row");
  }
  await phone.tap("role-owner");
  await gallery.look("orders-none", "empty");
  gallery.isClean();

  const other = await enter(people.owner);
  const theirs = new Gallery(other);
  await theirs.inError("orders", () => other.tap("tab-orders"));
  await other.tap("state-action");
  await other.tap("role-owner");
  await theirs.lookWhole("orders-owner", "order-row");
  theirs.isClean();
});

test("orders of somebody new", async () => {
  const phone = await enter(somebody("newcomer"));
  const gallery = new Gallery(phone);
  await gallery.tab("orders", "empty", "orders-empty");
  await phone.tap("role-owner");
  await gallery.look("orders-empty-owner", "empty");
  gallery.isClean();
});

test("rating, before and after each has", async () => {
  const gallery = new Gallery(await enter(people.buyer));
  const look = (name, deal, ready) => gallery.visit(name, `/deal/rating/rating?id=${deals[deal].order_id}`, ready);
  await look("rating-early", "ready", "error");
  await look("rating-form", "completed", "rating-form");
  await buyer.ask("POST", `/v1/ratings/orders/${deals.completed.order_id}`, { ...FIVE, comment: "物主很热心，机器和描述的一样好。" });
  await look("rating-mine", "completed", "rating-waiting");
  await owner.ask("POST", `/v1/ratings/orders/${deals.completed.order_id}`, { ...FIVE, condition: 4, comment: "很爱护，归还准时，欢迎再来。".repeat(6) });
  await look("rating-both", "completed", "rating-theirs");
  await wait(15 * 1440, deals.late);
  await look("rating-over", "late", "rating-over");
  gallery.isClean();
});
