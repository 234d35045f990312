// Where the servers are, per kind of build. A host that runs this mini-program as one of several may say otherwise in
// ext.json (`wx.getExtConfigSync`), under `sharehub`.
"use strict";

module.exports = {
  develop: { api: "http://127.0.0.1:8080", hubs: ["ws://127.0.0.1:8081/ws", "ws://127.0.0.1:8082/ws"] },
  trial: { api: "https://api.sharehub.example", hubs: ["wss://hub.sharehub.example/ws"] },
  release: { api: "https://api.sharehub.example", hubs: ["wss://hub.sharehub.example/ws"] },
};
