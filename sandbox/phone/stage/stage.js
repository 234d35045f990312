// Two phones, each with a person of its own; what to try with them; and how soon the one shows what was done on the other.
"use strict";
const HUES = ["#0b6b57", "#c2571a", "#3b5bdb", "#9c36b5", "#0b7285", "#a61e4d"];
const PHONES = ["left", "right"];
const PHONE_PX = { width: 399, height: 836 };
/** What comes later was not because of that. Milliseconds. */
const BECAUSE_MS = 1500;
const READINGS = 12;
const { people, title, about, guide, links } = window.STAGE;
const chosen = JSON.parse(localStorage.getItem("stage:people") || "[]");
const find = (selector, within = document) => within.querySelector(selector);
const make = (tag, parent, given = {}) => parent.appendChild(Object.assign(document.createElement(tag), given));

document.title = title;
find("h1").textContent = title;
find(".lead").textContent = about;
find(".guide").hidden = !guide.length;
for (const step of guide) {
  const item = make("li", find(".guide ol"));
  make("b", item, { textContent: step.title });
  make("p", item, { textContent: step.text });
}
find("nav").hidden = !links.length;
for (const { name, url } of links) make("a", find("nav"), { textContent: name, href: url, target: "_blank", rel: "noopener" });

/** A face of its own, or the first letter on its colour. */
function faceOf(person) {
  if (person.face) return person.face;
  const letter = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" fill="${HUES[people.indexOf(person) % HUES.length]}"/>
    <text x="20" y="27" font-size="19" font-family="sans-serif" fill="#fff" text-anchor="middle">${person.name.slice(0, 1).replace(/[<&]/g, "")}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(letter)}`;
}

/** As large as the window allows, never larger than life. */
function fit() {
  const style = document.documentElement.style;
  style.setProperty("--scale", 0.5);
  const main = find("main");
  const { paddingTop, paddingBottom, paddingLeft, paddingRight, columnGap } = getComputedStyle(main);
  const [above, below, atLeft, atRight, between] = [paddingTop, paddingBottom, paddingLeft, paddingRight, columnGap].map(parseFloat);
  const others = find(".place").offsetHeight - find(".device").offsetHeight;
  const high = (innerHeight - above - below - others) / PHONE_PX.height;
  const wide = (main.clientWidth - atLeft - atRight - between) / PHONES.length / PHONE_PX.width;
  style.setProperty("--scale", Math.max(0.5, Math.min(1, high, wide)).toFixed(4));
}

class Place {
  constructor(phone, at) {
    this.phone = phone;
    this.element = find("template").content.cloneNode(true).firstElementChild;
    this.element.dataset.phone = phone;
    this.frame = find("iframe", this.element);
    this.asleep = find(".asleep", this.element);
    this.person = people.find(({ openid }) => openid === chosen[at]) ?? people[Math.min(at, people.length - 1)];
    find("[data-act=background]", this.element).onclick = () => this.sleep(this.asleep.hidden);
    find("[data-act=reload]", this.element).onclick = () => this.open();
    this.asleep.onclick = () => this.sleep(false);
    for (const button of this.element.querySelectorAll("[data-network]")) button.onclick = () => this.network(button.dataset.network);
    this.menu = find(".who", this.element);
    for (const person of people) {
      const item = make("button", find(".people", this.element), { role: "menuitemradio" });
      item.dataset.openid = person.openid;
      make("img", item, { className: "face", src: faceOf(person), alt: "" });
      const words = make("span", item, { className: "words" });
      make("b", words, { textContent: person.name });
      make("small", words, { textContent: person.about ?? "" });
      item.onclick = () => {
        this.menu.open = false;
        this.person = person;
        chosen[at] = person.openid;
        localStorage.setItem("stage:people", JSON.stringify(chosen));
        this.open();
      };
    }
    chosen[at] = this.person.openid;
  }

  /** Anew, as after a restart of the app: in the foreground, with a network. */
  open() {
    const { openid, name, about: more = "", start = "" } = this.person;
    find(".name", this.element).textContent = name;
    find(".about", this.element).textContent = more;
    find("summary .face", this.element).src = faceOf(this.person);
    for (const item of this.element.querySelectorAll(".people button")) item.setAttribute("aria-checked", String(item.dataset.openid === openid));
    const address = `/phone.html?phone=${this.phone}&openid=${encodeURIComponent(openid)}`;
    this.frame.title = `${name}的手机`;
    this.frame.src = "about:blank"; // another hash alone would not load it anew
    setTimeout(() => (this.frame.src = address + (start ? `#${encodeURIComponent(start)}` : "")));
    this._show("wifi");
    this._doze(false);
  }

  network(type) {
    this._show(type);
    this._tell("network", type);
  }

  sleep(on) {
    this._doze(on);
    this._tell(on ? "background" : "foreground");
  }

  /** What the phone says: a notification lies over it, or one was tapped and the app is back. */
  hear({ notified, opened }) {
    if (notified !== undefined) this.asleep.classList.toggle("notified", notified);
    if (opened) this._doze(false);
  }

  _tell(act, value) {
    this.frame.contentWindow.postMessage({ act, value }, "*");
  }

  _show(network) {
    for (const button of this.element.querySelectorAll("[data-network]")) button.setAttribute("aria-checked", String(button.dataset.network === network));
  }

  _doze(on) {
    this.asleep.hidden = !on;
    find("b", this.asleep).textContent = new Date().toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit" });
    const button = find("[data-act=background]", this.element);
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "回到前台" : "切到后台";
  }
}

/** From what was done on one phone until the other has drawn what came to it because of that. */
class Readings {
  constructor() {
    this.acted = {};
    this.taken = [];
  }

  hear({ phone, acted, drawn }) {
    if (acted) this.acted[phone] = acted;
    if (!drawn) return;
    const other = PHONES.find((one) => one !== phone);
    const ms = drawn - this.acted[other];
    const isAnswer = ms >= 0 && ms < BECAUSE_MS && !(this.acted[phone] > this.acted[other]);
    if (!isAnswer) return;
    delete this.acted[other]; // what is drawn later may have other causes
    this.taken = [...this.taken, Math.round(ms)].slice(-READINGS);
    this._draw(phone);
  }

  _draw(phone) {
    const bars = find(".bars");
    find(".reading").hidden = false;
    find(".reading b").textContent = this.taken.at(-1);
    find(".live p").textContent = "从一台手机上的操作，到另一台的屏幕更新";
    bars.textContent = "";
    const most = Math.max(...this.taken, 100);
    for (const ms of this.taken) make("i", bars).style.height = `${Math.max(8, (100 * ms) / most)}%`;
    const glass = find(`[data-phone=${phone}] .glass`);
    glass.classList.remove("told");
    void glass.offsetWidth; // the animation begins anew
    glass.classList.add("told");
  }
}

const places = PHONES.map((phone, at) => new Place(phone, at));
const readings = new Readings();
find("main").append(...places.map(({ element }) => element));
addEventListener("message", ({ data, source }) => {
  const place = places.find(({ frame }) => frame.contentWindow === source);
  if (!place || !data) return;
  place.hear(data);
  readings.hear({ ...data, phone: place.phone });
});
addEventListener("click", ({ target }) => {
  for (const { menu } of places) if (!menu.contains(target)) menu.open = false;
});
addEventListener("blur", () => places.forEach(({ menu }) => (menu.open = false))); // a tap within a phone
addEventListener("keydown", ({ key }) => key === "Escape" && places.forEach(({ menu }) => (menu.open = false)));
addEventListener("resize", fit);
for (const place of places) place.open();
fit();
