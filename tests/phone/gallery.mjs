// Pages looked at one after another, at two widths: kept as pictures, and clean: nothing cut, nothing wider than the screen, nothing that is hard
// to read or to tap, no word that is none.
import assert from "node:assert/strict";
import { inspectScreen } from "../../sandbox/phone/checks/screen.mjs";

const SCREENS = [{ width: 375, height: 812 }, { width: 430, height: 932 }];

/** Looks at one page after another, and says at the end what was wrong with any of them. */
export class Gallery {
  constructor(phone) {
    Object.assign(this, { phone, complaints: [] });
  }

  /** As much of the page as a screen shows; in the `whole` picture what one would have to scroll to, too. */
  async look(name, ready, { whole = false } = {}) {
    const { phone } = this;
    if (ready) await phone.sees(ready);
    await phone.screen.locator("[data-testid=loading]").first().waitFor({ state: "hidden" });
    for (const screen of SCREENS) {
      await phone.page.setViewportSize(screen);
      if (whole) await phone.page.setViewportSize({ ...screen, height: screen.height + (await this._hidden()) });
      await this._picture(name, screen.width);
    }
    if (whole) await phone.page.setViewportSize(SCREENS.at(-1));
  }

  lookWhole(name, ready) {
    return this.look(name, ready, { whole: true });
  }

  /** Of a page that is read from its end. */
  async lookEnd(name, ready) {
    if (ready) await this.phone.sees(ready);
    for (const screen of SCREENS) {
      await this.phone.page.setViewportSize(screen);
      await this.phone.page.evaluate(() => document.querySelector(".mp-page:not([hidden]) .mp-scroll").scrollTo(0, 1e6));
      await this._picture(name, screen.width);
    }
  }

  async _picture(name, width) {
    const { phone } = this;
    await phone.page.waitForTimeout(120); // pictures and the map
    await phone.page.evaluate(() => document.querySelector(".mp-toast")?.remove()); // it covers the page, and goes by itself
    await phone.shoot(`${name}-${width}`);
    for (const complaint of await phone.page.evaluate(inspectScreen)) this.complaints.push(`${name}, ${width} wide: ${complaint}`);
  }

  /** How much higher than the screen the page is. */
  _hidden() {
    return this.phone.page.evaluate(() => {
      const { scrollHeight, clientHeight } = document.querySelector(".mp-page:not([hidden]) .mp-scroll");
      return scrollHeight - clientHeight;
    });
  }

  async visit(name, url, ready) {
    await this.phone.go(url);
    await this.lookWhole(name, ready);
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
