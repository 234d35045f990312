// What the lists of orders and notices show, and what the forms of publishing and being paid let through.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Bench } from "./fakes.mjs";
import { log, lines, watch } from "./shown.mjs";

const require = createRequire(import.meta.url);
const { duty, deadline, group, chosen, merged, mayRate } = require("../../miniprogram/lib/order-list.js");
const inbox = require("../../miniprogram/lib/inbox.js");
const form = require("../../miniprogram/lib/publish-form.js");
const { check, application, isIdNumber } = require("../../miniprogram/lib/applicant.js");
const { level, waivedPercent, aspects } = require("../../miniprogram/lib/stars.js");
const { pictureType } = require("../../miniprogram/lib/picture.js");

const NOW = Date.UTC(2026, 10, 23, 4);
const HOUR = 3600000;

function order(id, role, state, more = {}) {
  return { order_id: id, version: 1, role, state, start_ms: NOW + HOUR, end_ms: NOW + 3 * HOUR, due_ms: NOW + HOUR / 4, created_ms: NOW, entered_ms: NOW, ...more };
}

test("what an order waits for is said to the one who can do it, and when it is near", () => {
  assert.equal(duty(order("1", "buyer", "pending_payment"), NOW), "pay");
  assert.equal(duty(order("1", "owner", "pending_payment"), NOW), "");
  assert.equal(duty(order("1", "owner", "returned"), NOW), "inspect");
  assert.equal(duty(order("1", "owner", "ready"), NOW), "hand_over");
  assert.equal(duty(order("1", "owner", "ready", { start_ms: NOW + 30 * HOUR }), NOW), "");
});

test("the moment until which it waits", () => {
  const unpaid = order("1", "buyer", "pending_payment");
  assert.equal(deadline(unpaid, NOW), unpaid.due_ms);
  assert.equal(deadline(order("1", "buyer", "in_use"), NOW), NOW + 3 * HOUR);
  assert.equal(deadline(order("1", "owner", "ready"), NOW), null, "an order that lapses at its end need not be told so");
});

test("each order is in one group, and what is to be done is under way", () => {
  const all = [order("1", "buyer", "pending_payment"), order("2", "buyer", "returned"), order("3", "buyer", "completed")];
  assert.deepEqual(all.map((one) => group(one, NOW)), ["todo", "active", "over"]);
  assert.deepEqual(chosen(all, "active", NOW).map(({ order_id }) => order_id), ["1", "2"]);
  assert.equal(chosen(all, "all", NOW).length, 3);
});

test("the newest version of an order is shown, whoever told it", () => {
  const listed = [order("2", "buyer", "ready", { version: 3 }), order("1", "buyer", "ready", { created_ms: NOW - 1 })];
  const pushed = [order("2", "buyer", "in_use", { version: 4 }), order("1", "buyer", "requested", { version: 0 }), order("3", "buyer", "requested", { created_ms: NOW + 1 })];
  assert.deepEqual(merged(listed, pushed).map(({ order_id, state }) => [order_id, state]), [["3", "requested"], ["2", "in_use"], ["1", "ready"]]);
});

test("rating ends after two weeks", () => {
  assert.ok(mayRate(order("1", "buyer", "completed"), NOW));
  assert.ok(!mayRate(order("1", "buyer", "completed"), NOW + 14 * 24 * HOUR));
  assert.ok(!mayRate(order("1", "buyer", "cancelled"), NOW));
});

const NOWHERE = { order_id: null, conversation_id: null, listing_id: null };
const notice = (seq, kind, more = {}) => ({ seq, kind, up_to: 0, read: false, unread: 0, unread_chats: 0, link: NOWHERE, ...more });

test("notices are read as the marks say, and chats are no notices", () => {
  const entries = [notice(1, "order.ready"), notice(2, "chat.message"), notice(3, "order.in_use"), notice(4, "read", { up_to: 2 }), notice(5, "credit.changed"), notice(6, "chat_read", { up_to: 5, unread: 1 })];
  assert.deepEqual(inbox.notices(entries).map(({ seq, read }) => [seq, read]), [[5, true], [3, false], [1, true]]);
  assert.equal(inbox.badges(entries).unread, 1);
});

test("a notice leads to what it is about", () => {
  const about = { ...NOWHERE, order_id: "7" };
  assert.match(inbox.leads(notice(1, "order.ready", { link: about })), /^\/deal\/order\/.*id=7$/);
  assert.match(inbox.leads(notice(1, "ratings.revealed", { link: about })), /^\/deal\/rating\/.*id=7$/);
  assert.equal(inbox.leads(notice(1, "notice.safety")), null);
  assert.deepEqual(inbox.mentioned([notice(1, "order.ready", { link: about }), notice(2, "order.in_use", { link: about })], 0, "order_id"), ["7"]);
});

const filled = { ...form.blank(), category: "tools", title: "电钻", lat: 31.2, lng: 121.4, place: "广场", day: "35" };

test("a form's first fault is where one is sent", () => {
  assert.equal(form.firstFault(form.blank(), []), 0);
  assert.equal(form.STEPS[form.firstFault({ ...filled, lat: null }, [])], "place");
  assert.equal(form.STEPS[form.firstFault({ ...filled, day: "" }, [])], "price");
  assert.equal(form.STEPS[form.firstFault({ ...filled, day: "3x" }, [])], "price");
  assert.equal(form.STEPS[form.firstFault({ ...filled, days: Array(7).fill(false) }, [])], "times");
  assert.equal(form.firstFault(filled, [{ name: "mode", required: true }]), 0);
  assert.equal(form.firstFault(filled, []), form.STEPS.length);
});

test("what is typed is what the server is told, in its units", () => {
  const body = form.body({ ...filled, day: "35.5", deposit: "200", weekend: true, photos: [{ key: "photos/1/a", url: "x" }] });
  assert.deepEqual([body.price_day_fen, body.price_hour_fen, body.deposit_fen, body.photos], [3550, undefined, 20000, ["photos/1/a"]]);
  assert.deepEqual(body.surcharge_bp, [0, 0, 0, 0, 0, 2000, 2000]);
  assert.deepEqual(body.plan.weekly[0], [[480, 1320]]);
});

test("a price that was taken out is dropped, not left as it was", () => {
  assert.deepEqual(form.dropped({ ...filled, week: " ", hour: "" }), ["hour", "week"]);
  assert.deepEqual(form.dropped({ ...filled, hour: "1", week: "2" }), []);
});

test("a form that was left at its first word is worth going on with", () => {
  assert.deepEqual([form.blank(), { ...form.blank(), title: "梯" }, { ...form.blank(), photos: [{ key: "a", url: "" }] }].map(form.begun), [false, true, true]);
});

test("what the server has comes back as it was typed, and what waits to be looked at is what was typed last", () => {
  const body = form.body({ ...filled, hour: "6", deposit: "1200", notice: 60 });
  const listing = { ...body, listing_id: "9", version: 4, status: "live", price_hour_fen: 600, price_week_fen: null, pending: null, review_note: "" };
  const again = form.fromListing(listing);
  assert.deepEqual(form.body(again), body);
  assert.equal(form.STEPS[again.step], "review", "all of it can be changed from there");
  assert.equal(form.STEPS[form.fromListing({ ...listing, price_hour_fen: null, price_day_fen: null }).step], "price");
  const pending = { title: "新电钻", description: "", category: "tools", photos: [], attributes: {} };
  assert.equal(form.fromListing({ ...listing, pending }).title, "新电钻");
});

test("the form of an applicant: the check digit of the identity number counts", () => {
  assert.ok(isIdNumber("11010519491231002X"));
  assert.ok(!isIdNumber("110105194912310021"));
  const typed = {
    subject: 0, legal_name: "张三", id_number: "110105 19491231 002x", id_valid_from: "2020-01-01", id_valid_until: "", forever: true, mobile: "138 0000 0000",
    bank: "工商银行", area: ["上海市", "上海市"], area_code: "310000", bank_account: "6222 0200 0000 0000 000", shop_name: "张三的小店", licence_number: "", licence_name: "",
  };
  const pictures = { front: { media: "f" }, back: { media: "b" }, licence: { media: "" } };
  assert.deepEqual(check(typed, pictures), {});
  assert.deepEqual(Object.keys(check({ ...typed, subject: 3 }, pictures)), ["licence_number", "licence_name", "licence"]);
  assert.deepEqual(Object.keys(check({ ...typed, mobile: "1" }, { ...pictures, back: { media: "" } })), ["back", "mobile"]);
  const body = application(typed, pictures, [{ id: "micro" }]);
  assert.deepEqual([body.id_number, body.id_valid_until, body.bank_account, body.licence_number], ["11010519491231002X", "长期", "6222020000000000000", undefined]);
});

test("credit has the steps of the waivers", () => {
  assert.deepEqual([level(480, 0), level(470, 12), level(470, 11), level(449, 99), level(300, 3)], ["new", "great", "good", "fair", "low"]);
  assert.deepEqual([waivedPercent(470, 12), waivedPercent(450, 5), waivedPercent(450, 4)], [100, 50, 0]);
  assert.deepEqual(aspects([{ punctuality: 5, condition: 4, communication: 1 }, { punctuality: 4, condition: 4, communication: 2 }]), { punctuality: 450, condition: 400, communication: 150 });
  assert.equal(aspects([]), null);
});

test("a picture is what its first bytes say", () => {
  const of = (...bytes) => pictureType(new Uint8Array([...bytes, ...Array(12).fill(0)]).buffer);
  assert.equal(of(0xff, 0xd8, 0xff), "image/jpeg");
  assert.equal(of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), "image/png");
  assert.equal(of(...Buffer.from("RIFF1234WEBP")), "image/webp");
  assert.equal(of(...Buffer.from("GIF89a")), null);
});

test("a log that REST has told up to a number is asked for what comes after", async () => {
  const bench = new Bench();
  bench.hub.store.begin("chat:1", 7);
  const chat = watch(bench, "chat:1");
  const socket = await bench.live({ topics: [log("chat:1", 8, lines(8, 8))] });
  assert.deepEqual(socket.got("connect")[0].topics, [["chat:1", 7]]);
  assert.deepEqual(chat.last.value.map(({ version }) => version), [8]);
  bench.hub.store.begin("chat:1", 3);
  assert.equal(bench.hub.store.have("chat:1"), 8, "what is known already stays");
});
