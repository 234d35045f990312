const seen = require("../../lib/seen");

Page({
  data: {
    title: "标题", rows: [{ id: "a", name: "甲" }, { id: "b", name: "乙" }], counted: true, name: "", paid: "未付", photo: "", marker: "",
    markers: [{ id: 7, latitude: 31.231, longitude: 121.471, title: "七" }],
  },
  onLoad: () => seen.add("home load"),
  onShow: () => seen.add("home show"),
  onReady: () => seen.add("home ready"),
  onHide: () => seen.add("home hide"),
  onCount({ detail }) {
    this.setData({ title: `数到 ${detail.count}`, "rows[1].name": "丙" });
  },
  onName({ detail }) {
    this.setData({ name: detail.value });
  },
  onGo: () => wx.navigateTo({ url: "../detail/detail?id=42&x=%20" }),
  onPay() {
    const sign = { timeStamp: "1", nonceStr: "n", package: "prepay_id=p", signType: "RSA", paySign: "s" };
    wx.requestPayment({
      ...sign,
      success: () => this.setData({ paid: "已付" }),
      fail: ({ errMsg }) => this.setData({ paid: errMsg }),
    });
  },
  onBad() {
    this.setData({ rows: undefined });
  },
  onPhoto() {
    wx.chooseMedia({ count: 1, success: ({ tempFiles }) => this.setData({ photo: tempFiles[0].tempFilePath }) });
  },
  onPicture: ({ detail }) => seen.add(`picture ${detail.width}`),
  onMarker({ detail }) {
    this.setData({ marker: `点了 ${detail.markerId}` });
  },
});
