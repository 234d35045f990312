// Pages looked at one after another: kept as pictures, and clean: nothing cut, nothing wider than the screen, nothing that is hard to read
// or to tap, no word that is none.
import assert from "node:assert/strict";
import { inspectScreen } from "../../sandbox/phone/checks/screen.mjs";

export const WIDTHS = [{ width: 375, height: 812 }, { width: 430, height: 932 }];

/** Looks at one page after another, and says at the end what was wrong with any of them. */
export class Gallery {
  /** @param width of the phone's screen; without it the screen is stretched, and each page is looked at at all widths */
  constructor(phone, width) {
    Object.assign(this, { phone, width, complaints: [] });
  }

  /** @param end the page's end as well, if that is further down */
  async look(name, ready, { end = false } = {}) {
    const { phone } = this;
    if (ready) await phone.sees(ready);
    await phone.screen.locator("[data-testid=loading]").first().waitFor({ state: "hidden" });
    for (const screen of this.width ? WIDTHS.filter(({ width }) => width === this.width) : WIDTHS) {
      if (!this.width) await phone.page.setViewportSize(screen);
      await this._picture(name, screen.width);
      if (!end) continue;
      if (await this._scroll(1e6)) await this._picture(`${name}-end`, screen.width);
      await this._scroll(0);
    }
  }

  async _picture(name, width) {
    const { phone } = this;
    await phone.page.waitForTimeout(120); // pictures and the map
    await phone.page.evaluate(() => document.querySelector(".mp-toast")?.remove()); // it covers the page, and goes by itself
    await phone.shoot(`${name}-${width}`);
    for (const complaint of await phone.page.evaluate(inspectScreen)) this.complaints.push(`${name}, ${width} wide: ${complaint}`);
  }

  lookWhole(name, ready) {
    return this.look(name, ready, { end: true });
  }

  /** Of a page that is read from its end. */
  async lookEnd(name, ready) {
    if (ready) await this.phone.sees(ready);
    for (const screen of WIDTHS) {
      await this.phone.page.setViewportSize(screen);
      await this._scroll(1e6);
      await this._picture(name, screen.width);
    }
  }

  _scroll(to) {
    return this.phone.page.evaluate((top) => {
      const scroller = document.querySelector(".mp-page:not([hidden]) .mp-scroll");
      scroller.scrollTop = top;
      return scroller.scrollTop > 40;
    }, to);
  }

  async visit(name, url, ready) {
    await this.phone.go(url);
    await this.look(name, ready);
    await this.phone.back();
  }

  async tab(name, ready, called = name) {
    await this.phone.tap(`tab-${name}`);
    await this.look(called, ready);
  }

  /** The same page while the server has a fault. */
  async inError(name, open) {
    await this.phone.pretend({ "": 500 });
    await open();
    await this.look(`${name}-error`, "error");
    await this.phone.pretend();
  }

  isClean() {
    assert.deepEqual(this.complaints, []);
  }
}
