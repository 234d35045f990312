// A mouse as a finger: it drags what can be scrolled, which then glides on, and pulls a page down to have it refreshed.
const SLOP_PX = 8;
/** What is left of the speed after a millisecond. */
const GLIDES = 0.996;
const SLOWEST_PX_MS = 0.02;
/** So little follows of a pull; from so many pixels on it counts; so long a refresh is shown at most. */
const PULL = { follows: 0.42, counts: 52, most: 84, longestMs: 4000 };
const OWN_WAY = "wx-map, input, textarea, select, wx-slider, wx-movable-view";

/** @param pages () => Pages */
export function dragWithMouse(pages) {
  let drag = null;
  let gliding = 0;

  function begin({ target, clientX, clientY, timeStamp }) {
    cancelAnimationFrame(gliding);
    drag = target.closest(OWN_WAY) ? null : { target, x: clientX, y: clientY, at: timeStamp, speed: 0, moves: null };
  }

  function move(event) {
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moves) {
      if (Math.hypot(dx, dy) < SLOP_PX) return;
      drag.moves = mover(drag.target, Math.abs(dx) > Math.abs(dy) ? "x" : "y", dy > 0, pages()?.top);
      if (!drag.moves) return void (drag = null);
    }
    const step = drag.moves.axis === "x" ? dx : dy;
    const ms = Math.max(1, event.timeStamp - drag.at);
    drag.speed = 0.6 * (step / ms) + 0.4 * drag.speed;
    Object.assign(drag, { x: event.clientX, y: event.clientY, at: event.timeStamp });
    drag.moves.by(step);
  }

  function end({ timeStamp }) {
    if (!drag?.moves) return void (drag = null);
    const { moves, speed, at } = drag;
    drag = null;
    window.addEventListener("click", swallow, { capture: true, once: true });
    window.setTimeout(() => window.removeEventListener("click", swallow, { capture: true }));
    if (moves.end) moves.end();
    else if (timeStamp - at < 60) glide(moves, speed, performance.now());
  }

  function glide(moves, speed, before) {
    gliding = requestAnimationFrame((now) => {
      const slower = speed * GLIDES ** (now - before);
      moves.by((slower * (now - before)) | 0);
      if (Math.abs(slower) > SLOWEST_PX_MS) glide(moves, slower, now);
    });
  }

  const ofMouse = (act) => (event) => event.pointerType === "mouse" && act(event);
  window.addEventListener("pointerdown", ofMouse((event) => event.button === 0 && begin(event)), true);
  window.addEventListener("pointermove", ofMouse(move), true);
  window.addEventListener("pointerup", ofMouse(end), true);
  window.addEventListener("pointercancel", ofMouse(end), true);
  document.documentElement.addEventListener("pointerleave", ofMouse(end));
  window.addEventListener("dragstart", (event) => event.preventDefault(), true);
}

function swallow(event) {
  event.stopPropagation();
  event.preventDefault();
}

/** {axis, by(px), end?} of what is dragged from there, or null. */
function mover(target, axis, isDown, page) {
  for (let element = target; element; element = element.parentElement) {
    if (axis === "x" && element.localName === "wx-swiper") return null; // it slides by itself
    if (canScroll(element, axis)) {
      const atTop = axis === "y" && isDown && element.scrollTop <= 0;
      if (atTop && element === page?.scroller && page.json.enablePullDownRefresh) return puller(page);
      const name = axis === "x" ? "scrollLeft" : "scrollTop";
      const by = (px) => (element[name] -= px);
      return getComputedStyle(element).scrollSnapType === "none" ? { axis, by } : snapper(element, { axis, by });
    }
  }
  return axis === "y" && isDown && page?.scroller.contains(target) && page.json.enablePullDownRefresh ? puller(page) : null;
}

/** It would snap back at every step: it snaps when it is let go. */
function snapper(element, moves) {
  element.style.scrollSnapType = "none";
  const from = moves.axis === "x" ? element.scrollLeft : element.scrollTop;
  return {
    ...moves,
    end() {
      if (moves.axis === "x") {
        const page = element.clientWidth;
        const moved = element.scrollLeft - from;
        element.scrollLeft = (Math.round(from / page) + (Math.abs(moved) > page / 8 ? Math.sign(moved) : 0)) * page;
      }
      element.style.scrollSnapType = "";
    },
  };
}

function canScroll(element, axis) {
  const room = axis === "x" ? element.scrollWidth - element.clientWidth : element.scrollHeight - element.clientHeight;
  if (room < 1) return false;
  const style = getComputedStyle(element);
  return /auto|scroll/.test(axis === "x" ? style.overflowX : style.overflowY);
}

function puller(page) {
  let pulled = 0;
  return {
    axis: "y",
    by(px) {
      pulled = Math.max(0, pulled + px * PULL.follows);
      page.pull(Math.min(PULL.most, pulled));
    },
    end() {
      if (pulled < PULL.counts) return page.pull(0);
      page.pull(PULL.counts);
      page.refresh();
      window.setTimeout(() => page.pull(0), PULL.longestMs);
    },
  };
}
