// One line of a conversation. `retry` when an unsent one is tapped, `look` when an image is, `broken` when its address is too old.
const { chat } = require("../../strings");

Component({
  properties: {
    /** of lib/talk.js */
    row: { type: Object, value: { id: "", kind: "text", mine: false, text: "", image: "", time: "", state: "", says: false, key: "", seq: 0 } },
    avatar: String,
    initial: String,
  },
  data: { words: chat.states, erased: chat.erased, imageLabel: chat.image, failedHint: chat.failedHint },
  methods: {
    retry() {
      this.triggerEvent("retry", { key: this.data.row.key });
    },
    look() {
      this.triggerEvent("look", { url: this.data.row.image });
    },
    broken() {
      if (this.data.row.seq) this.triggerEvent("broken", { seq: this.data.row.seq });
    },
    hold() {
      if (this.data.row.kind === "text") this.triggerEvent("hold", { text: this.data.row.text });
    },
  },
});
