// What the page around a phone is told, so that it can say how long something takes from one phone to another.

/**
 * {phone, acted} when a finger has left the screen or has typed, {phone, drawn} when what came over a socket has changed the screen and that was painted.
 * Both are milliseconds since 1970, of one clock for all phones of a browser.
 */
export function tellOfActsAndPushes({ phone, life, audit }) {
  if (parent === window) return;
  const tell = (what) => parent.postMessage({ phone, [what]: performance.timeOrigin + performance.now() }, "*");
  for (const type of ["pointerup", "input"]) window.addEventListener(type, () => tell("acted"), true);
  window.addEventListener("keydown", ({ key }) => key === "Enter" && tell("acted"), true);
  life.on("heard", () => {
    const before = audit.setData.calls;
    window.setTimeout(() => {
      if (audit.setData.calls > before) requestAnimationFrame(() => window.setTimeout(() => tell("drawn")));
    });
  });
}
