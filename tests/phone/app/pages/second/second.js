Page({
  data: { rows: Array.from({ length: 30 }, (_, at) => at), into: "", lower: "", net: "", slides: ["red"], slid: "", fresh: 0, tapped: 0 },
  onLoad() {
    this.setData({ slides: ["red", "blue"] });
  },
  onRow() {
    this.setData({ tapped: this.data.tapped + 1 });
  },
  onSlide({ detail }) {
    this.setData({ slid: `${detail.current} ${detail.source}` });
  },
  onPullDownRefresh() {
    this.setData({ fresh: this.data.fresh + 1 });
    setTimeout(() => wx.stopPullDownRefresh(), 50);
  },
  onJump() {
    this.setData({ into: "row20" });
  },
  onLower() {
    this.setData({ lower: "到底了" });
  },
  onAsk() {
    wx.request({
      url: wx.getExtConfigSync().api + "/echo",
      method: "POST",
      data: { a: 1 },
      success: ({ statusCode, data }) => this.setData({ net: `${statusCode} ${JSON.stringify(data)}` }),
      fail: ({ errMsg }) => this.setData({ net: errMsg }),
    });
  },
});
