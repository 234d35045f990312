// WeChat's SocketTask as lib/link.js wants it.
"use strict";

/**
 * @param {string} url
 * @param {string[]} protocols
 * @returns {import("../lib/link").Socket}
 */
function connect(url, protocols) {
  const task = wx.connectSocket({ url, protocols, tcpNoDelay: true, fail: ({ errMsg }) => lost(new Error(errMsg)) });
  let over = false;
  const socket = {
    send: (data) => task.send({ data }),
    close: (code) => {
      over = true;
      task.close({ code });
    },
    onopen() {},
    onmessage() {},
    onclose() {},
  };
  function lost({ code }) {
    if (over) return;
    over = true;
    socket.onclose(typeof code === "number" ? code : 1006);
  }
  task.onOpen(() => socket.onopen());
  task.onMessage(({ data }) => socket.onmessage(data));
  task.onClose(lost);
  task.onError(() => lost({})); // a task that cannot connect raises this alone on some phones
  return socket;
}

module.exports = { connect };
