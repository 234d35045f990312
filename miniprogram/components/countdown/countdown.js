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
      this._rest();
    },
  },
  pageLifetimes: {
    show() {
      this._resting = false;
      this._tick();
    },
    hide() {
      this._rest();
    },
  },
  methods: {
    _rest() {
      this._resting = true;
      clearTimeout(this._timer);
    },
    _tick() {
      clearTimeout(this._timer);
      if (this._resting) return;
      const { untilMs } = this.data;
      const leftMs = untilMs - live.now();
      const text = untilMs ? left(leftMs) : "";
      if (text !== this.data.text) this.setData({ text });
      if (!untilMs) return;
      // On the second, so that two countdowns to one moment change together.
      if (leftMs > 0) this._timer = setTimeout(() => this._tick(), leftMs % TICK_MS || TICK_MS);
      else if (!this._ended) {
        this._ended = true;
        this.triggerEvent("end");
      }
    },
  },
});
