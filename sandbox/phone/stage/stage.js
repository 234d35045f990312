// Two phones, each with a person of its own.
"use strict";
const WORDS = {
  background: ["切到后台", "回到前台"],
  network: ["断开网络", "恢复网络"],
};
const HUES = ["#0a7a5c", "#c2571a", "#3b5bdb", "#9c36b5", "#0b7285", "#a61e4d"];
const { people, title, about } = window.STAGE;
const chosen = JSON.parse(localStorage.getItem("stage:people") || "[]");

document.title = title;
document.querySelector("h1").textContent = title;
document.querySelector("header p").textContent = about;

/** As large as the window allows, never larger than life. */
function fit() {
  const scale = Math.max(0.55, Math.min(1, (innerHeight - document.querySelector("header").offsetHeight - 168) / 836));
  document.documentElement.style.setProperty("--scale", scale.toFixed(3));
}
addEventListener("resize", fit);

for (const [at, phone] of ["left", "right"].entries()) {
  const place = document.querySelector("template").content.cloneNode(true).firstElementChild;
  const [select, frame, asleep] = ["select", "iframe", ".asleep"].map((selector) => place.querySelector(selector));
  people.forEach(({ openid, name }) => select.add(new Option(name, openid)));
  select.value = people.some(({ openid }) => openid === chosen[at]) ? chosen[at] : people[Math.min(at, people.length - 1)].openid;

  const tell = (act, value) => frame.contentWindow.postMessage({ act, value }, "*");
  const buttons = Object.fromEntries([...place.querySelectorAll("button")].map((button) => [button.dataset.act, button]));
  const press = (act, on) => {
    buttons[act].setAttribute("aria-pressed", String(on));
    buttons[act].textContent = WORDS[act][Number(on)];
  };
  const isOn = (act) => buttons[act].getAttribute("aria-pressed") === "true";
  const sleep = (on) => {
    asleep.hidden = !on;
    asleep.firstElementChild.textContent = new Date().toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit" });
  };
  const open = () => {
    const person = people.find(({ openid }) => openid === select.value);
    place.querySelector(".name").textContent = person.name;
    place.querySelector(".about").textContent = person.about ?? "";
    place.querySelector(".face").textContent = person.name.slice(0, 1);
    place.style.setProperty("--hue", HUES[people.indexOf(person) % HUES.length]);
    frame.title = `${person.name}的手机`;
    frame.src = `/phone.html?phone=${phone}&openid=${encodeURIComponent(person.openid)}`;
    press("background", false);
    press("network", false);
    sleep(false);
  };
  buttons.background.onclick = () => {
    const on = !isOn("background");
    press("background", on);
    sleep(on);
    tell(on ? "background" : "foreground");
  };
  buttons.network.onclick = () => {
    const on = !isOn("network");
    press("network", on);
    tell("network", on ? "none" : "wifi");
  };
  buttons.reload.onclick = () => open();
  select.onchange = () => {
    chosen[at] = select.value;
    localStorage.setItem("stage:people", JSON.stringify(chosen));
    open();
  };
  chosen[at] = select.value;
  document.querySelector("main").append(place);
  open();
}
fit();
