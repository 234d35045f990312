// What is left until a moment of the server's clock. Says `end` once, when it is over.
const live = require("../../services/live");
const { left } = require("../../lib/time");

const TICK_MS = 1000;

Component({
  properties: {
    /** UTC milliseconds */
    untilMs: { type: Number, value: 0 },
    prefix: String,
    suffix: String,
  },
  data: { text: "" },
  observers: {
    untilMs() {
      this._ended = false;
      this._tick();
    },
  },
  lifetimes: {
    detached() {
      clearTimeout(this._timer);
    },
  },
  pageLifetimes: {
    show() {
      this._tick();
    },
    hide() {
      clearTimeout(this._timer);
    },
  },
  methods: {
    _tick() {
      clearTimeout(this._timer);
      const { untilMs } = this.data;
      if (!untilMs) return;
      const leftMs = untilMs - live.now();
      const text = left(leftMs);
      if (text !== this.data.text) this.setData({ text });
      // On the second, so that two countdowns to one moment change together.
      if (leftMs > 0) this._timer = setTimeout(() => this._tick(), leftMs % TICK_MS || TICK_MS);
      else if (!this._ended) {
        this._ended = true;
        this.triggerEvent("end");
      }
    },
  },
});
