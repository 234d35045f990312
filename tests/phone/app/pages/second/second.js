Page({
  data: { rows: Array.from({ length: 30 }, (_, at) => at), into: "", lower: "", net: "" },
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
