// Pages looked at one after another: kept as pictures, and clean: nothing cut, nothing wider than the screen, nothing that is hard to read
// or to tap, no word that is none.
import assert from "node:assert/strict";
import { inspectScreen } from "../../sandbox/phone/checks/screen.mjs";

export const WIDTHS = [{ width: 375, height: 812 }, { width: 430, height: 932 }];

/** Looks at one page after another, and says at the end what was wrong with any of them. */
export class Gallery {
  constructor(phone, width) {
    Object.assign(this, { phone, width, complaints: [] });
  }

  async look(name, ready) {
    const { phone } = this;
    if (ready) await phone.sees(ready);
    await phone.screen.locator("[data-testid=loading]").first().waitFor({ state: "hidden" });
    await phone.page.waitForTimeout(120); // pictures and the map
    await phone.shoot(`${name}-${this.width}`);
    for (const complaint of await phone.page.evaluate(inspectScreen)) this.complaints.push(`${name}: ${complaint}`);
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
    await this.phone.answer("request", { statusCode: 500, data: { error: { code: "internal", message: "", retryable: false, data: {} } }, header: {} });
    await open();
    await this.look(`${name}-error`, "error");
    await this.phone.page.evaluate(() => window.__phone.calls.unscript("request"));
  }

  isClean() {
    assert.deepEqual(this.complaints, []);
  }
}
