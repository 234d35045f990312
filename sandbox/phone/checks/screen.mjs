// What is wrong with the shown page to the eye and the finger. `inspectScreen` is sent into the browser: it uses nothing from outside itself.

/** @returns [complaint] */
export function inspectScreen({ tapPx = 24, contrast = 4.5, largeContrast = 3 } = {}) {
  const page = document.querySelector(".mp-page:not([hidden])");
  const frame = page.getBoundingClientRect();
  const found = new Set();
  const nameOf = (element) => {
    const named = element.closest("[data-testid]");
    const text = (element.innerText ?? "").trim().replace(/\s+/g, " ").slice(0, 20);
    return `${element.localName}${element.className ? `.${String(element.className).split(" ")[0].replace(/^s\w+--/, "")}` : ""}${named ? `[${named.dataset.testid}]` : ""}${text ? ` "${text}"` : ""}`;
  };
  const isShown = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };

  // --- colours ---
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const luminance = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map((part) => (part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  /** The colour beneath; null where a picture is. */
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") return null;
      const color = rgba(style.backgroundColor);
      if (color[3] > 0) layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reduceRight((below, color) => over(color, below), [255, 255, 255, 1]);
  };

  const walker = document.createTreeWalker(page, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    const element = text.parentElement;
    if (!text.data.trim() || !isShown(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    const style = getComputedStyle(element);
    // beyond the screen, and not in something that scrolls sideways or ends its line with an ellipsis
    const scroller = element.closest("wx-scroll-view[scroll-x], wx-swiper, wx-map");
    const shortened = (() => {
      for (let at = element; at && at !== page; at = at.parentElement) if (getComputedStyle(at).textOverflow === "ellipsis") return true;
      return false;
    })();
    if (!scroller && !shortened && box.width && (box.right > frame.right + 1 || box.left < frame.left - 1)) found.add(`${nameOf(element)}: its text leaves the screen`);
    const cuts = style.textOverflow !== "ellipsis" && ["hidden", "clip"].includes(style.overflowX) && element.scrollWidth > element.clientWidth + 1 && style.display !== "inline";
    if (cuts) found.add(`${nameOf(element)}: its text is cut`);
    if (element.closest("[disabled], [aria-disabled='true'], .mp-map, [aria-hidden='true']")) continue;
    const below = ground(element);
    if (!below) continue;
    const opacity = (() => {
      let product = 1;
      for (let at = element; at && at !== page; at = at.parentElement) product *= Number(getComputedStyle(at).opacity);
      return product;
    })();
    const [r, g, b, a] = rgba(style.color);
    const [light, dark] = [luminance(over([r, g, b, a * opacity], below)), luminance(below)].sort((x, y) => y - x);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 600);
    if (ratio < (isLarge ? largeContrast : contrast) - 0.02) found.add(`${nameOf(element)}: contrast ${ratio.toFixed(2)}`);
    if (size < 10) found.add(`${nameOf(element)}: ${size} px is too small to read`);
  }

  // --- fingers ---
  for (const element of page.querySelectorAll("[mp-tap], wx-button, wx-input, wx-switch, wx-picker, wx-navigator")) {
    if (!isShown(element) || element.matches("[disabled], [aria-disabled='true']")) continue;
    if (element.closest("wx-label, wx-picker") && !element.matches("wx-picker")) continue;
    const { width, height } = element.getBoundingClientRect();
    if (width < tapPx || height < tapPx) found.add(`${nameOf(element)}: ${Math.round(width)} x ${Math.round(height)} is too small to tap`);
  }

  if (page.querySelector(".mp-scroll").scrollWidth > page.clientWidth + 1) found.add("the page is wider than the screen");
  const untranslated = page.innerText.match(/\b(undefined|null|NaN|\[object \w+\]|Invalid Date)\b|\{\{|\}\}/);
  if (untranslated) found.add(`it says "${untranslated[0]}"`);
  return [...found];
}
