// What the build and the checks make of single lines, and the phone in jsdom.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileWxs } from "../../sandbox/phone/build/wxs.mjs";
import { compileWxss } from "../../sandbox/phone/build/wxss.mjs";
import { lintJs, lintWxml, lintWxss } from "../../sandbox/phone/checks/lint.mjs";
import { foreign } from "../../sandbox/phone/checks/packages.mjs";
import { notJson } from "../../sandbox/phone/runtime/audit.mjs";
import { assertClean, prepare } from "../../sandbox/phone/testing.mjs";

const APP = new URL("app", import.meta.url).pathname;
const wxss = (css, scope) => compileWxss(css, { id: "x", scope, resolve: () => null, read: () => "" }).replace(/\s+/g, " ");

const REFUSED_TEMPLATES = {
  "a call": ["<view>{{price.toFixed(2)}}</view>", /a call/],
  "a call of its own": ["<view>{{show(a)}}</view>", /a call/],
  "optional chaining": ["<view>{{a?.b}}</view>", /\?\./],
  "nullish": ["<view>{{a ?? b}}</view>", /\?\?/],
  "a template string": ["<view>{{`${a}`}}</view>", /template string/],
  "an arrow": ["<view bindtap='{{() => 1}}'/>", /a function/],
  "nonsense": ["<view>{{a +}}</view>", /no expression/],
  "a list without key": ["<view wx:for='{{list}}'>x</view>", /wx:key/],
  "another framework's attribute": ["<view onclick='go'>x</view>", /onclick/],
  "a picture from the network": ["<image src='https://cdn.example.com/a.png'/>", /network/],
};
for (const [name, [wxml, complaint]] of Object.entries(REFUSED_TEMPLATES)) {
  test(`a template with ${name} is refused`, () => assert.match(lintWxml(wxml, "x.wxml").join("\n"), complaint));
}

test("templates that a phone takes are let through", () => {
  const wxml = `<wxs module="f">module.exports = { t: function (a) { return a.toFixed(2) } }</wxs>
    <!-- {{a.b()}} -->
    <template is="row" data="{{...item, index: 1, on}}" />
    <view wx:for="{{list}}" wx:key="id" class="{{on ? 'a' : 'b'}} c-{{item.kind}}" data-x="{{ {a: 1} }}">{{f.t(item.fen / 100)}} {{!a && b[0].c}}</view>`;
  assert.deepEqual(lintWxml(wxml, "x.wxml"), []);
});

test("the line of a complaint is the template's", () => {
  assert.match(lintWxml("<view>\n\n{{a()}}</view>", "x.wxml")[0], /^x\.wxml:3:/);
});

test("styles that a phone refuses are found", () => {
  const complaints = (css, isComponent = false) => lintWxss(css, "x.wxss", { isComponent }).length;
  assert.equal(complaints(".a { background: url(./a.png) }"), 1);
  assert.equal(complaints(".a { background: url(data:image/png;base64,AA) }"), 0);
  assert.equal(complaints("* { margin: 0 }"), 1);
  assert.equal(complaints("view { margin: 0 }", true), 1);
  assert.equal(complaints("view { margin: 0 }"), 0);
  assert.equal(complaints(":host { margin: 0 } .a .b:last-child::after { color: red }", true), 0);
});

test("scripts that need a browser are found, and names of one's own are not", () => {
  const complaints = (code) => lintJs(code, "x.js").length;
  assert.equal(complaints("window.x = 1"), 1);
  assert.equal(complaints("const a = new TextEncoder()"), 1);
  assert.equal(complaints("const { location } = page; location.x = 1; page.window = 2"), 0);
  assert.equal(complaints("const has = typeof window"), 0);
  assert.equal(complaints("this.setData({ a: undefined })"), 1);
  assert.equal(complaints("this.setData({ a: () => 1 })"), 1);
  assert.equal(complaints("this.setData({ a: 1, 'b[0]': null })"), 0);
});

test("a subpackage's file that another package needs is found", () => {
  const complaints = (from, to) => foreign(["shop", "shop2"], [[from, to]]).length;
  assert.equal(complaints("pages/a/a.js", "shop/lib/sums.js"), 1);
  assert.equal(complaints("shop2/a/a.js", "shop/lib/sums.js"), 1);
  assert.equal(complaints("shop/a/a.js", "shop/lib/sums.js"), 0);
  assert.equal(complaints("shop/a/a.js", "lib/sums.js"), 0);
});

test("wxss becomes css", () => {
  assert.equal(wxss(".a { width: 75rpx; margin: -7.5rpx }"), ".a { width: 10vw; margin: -1vw }");
  assert.equal(wxss(".a view .b { top: 0 }", "s1"), ".s1--a wx-view .s1--b { top: 0 }");
  assert.equal(wxss("#a { top: 0 }"), "[wx-id=a] { top: 0 }");
  assert.equal(wxss(":host { top: 0 }", "s1"), "[wx-host=s1] { top: 0 }");
  assert.equal(wxss("@keyframes k { from { top: 0 } }", "s1"), "@keyframes k { from { top: 0 } }");
  assert.match(wxss(".a { height: 100vh; bottom: env(safe-area-inset-bottom) }"), /calc\(var\(--mp-vh, 1vh\) \* 100\); bottom: var\(--mp-safe-bottom, 0px\)/);
});

test("wxs becomes javascript", () => {
  assert.equal(compileWxs("var a = b.constructor"), "var a = __wxs.typeName(b)");
  assert.equal(compileWxs("getRegExp('\\d+\\n')"), "getRegExp('\\\\d+\\n')");
  assert.equal(compileWxs("require('./a.wxs')"), 'require("./a")');
});

test("what does not survive as JSON is named by its place", () => {
  assert.equal(notJson({ a: [{ b: 1 }, "x", null, true] }), null);
  assert.equal(notJson({ a: [{ b: undefined }] }), "a.0.b is undefined");
  assert.equal(notJson({ a: new Date(0) }), "a is a Date");
  assert.equal(notJson({ a: () => 1 }), "a is a function");
  assert.equal(notJson({ a: NaN }), "a is NaN");
  const loop = {};
  loop.self = { loop };
  assert.match(notJson(loop), /contains itself/);
});

test("a component by itself, in jsdom", async () => {
  const load = await prepare({ src: APP, expose: ["lib/seen.js"] });
  const window = load();
  const counter = window.__phone.mount("components/counter/counter", { label: "数", start: 4 }).listen("count");
  assert.equal(counter.text, "数4 次");
  counter.fire(".box", "tap");
  assert.equal(counter.text, "数5 次");
  assert.equal(counter.events.length, 1);
  assert.equal(counter.events[0].detail.count, 5);
  counter.unmount();
  assertClean(window);
  window.close();
});

test("a page lives in order, in jsdom", async () => {
  const load = await prepare({ src: APP, expose: ["lib/seen.js"] });
  const window = load();
  window.__phone.start();
  window.__phone.background();
  window.__phone.foreground();
  const seen = [...window.__phone.module("lib/seen.js").list];
  assert.deepEqual(seen, ["launch pages/home/home", "app show", "home load", "home show", "home ready", "home hide", "app hide", "app show", "home show"]);
  assertClean(window);
  window.close();
});
