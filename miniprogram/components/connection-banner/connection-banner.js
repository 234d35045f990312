// Says that what is shown may be old, and why; nothing while all is well, and nothing of what is over in a moment.
const live = require("../../services/live");
const screen = require("../../platform/screen");
const { connection, reason } = require("../../strings");

/** A reconnect that takes less is nobody's business. Milliseconds. */
const PATIENCE_MS = 1500;

Component({
  data: { state: "live", text: "" },
  lifetimes: {
    attached() {
      this._listen();
    },
    detached() {
      this._rest();
    },
  },
  // Pages beneath the shown one do not draw.
  pageLifetimes: {
    show() {
      this._rest();
      this._listen();
    },
    hide() {
      this._rest();
    },
  },
  methods: {
    _listen() {
      this._stop = live.onConnection((shown) => this._take(shown));
    },
    _rest() {
      this._stop();
      clearTimeout(this._timer);
    },
    _take({ state, reason: why }) {
      clearTimeout(this._timer);
      const text = state === "ended" ? connection.ended(why) : connection[state] || "";
      const show = () => (state !== this.data.state || text !== this.data.text) && this.setData({ state, text });
      if (state === "connecting" && this.data.state === "live") this._timer = setTimeout(show, PATIENCE_MS);
      else show();
    },
    comeBack() {
      if (this.data.state === "ended") live.comeBack().catch((refusal) => screen.say(reason(refusal)));
    },
  },
});
