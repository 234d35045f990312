// One socket: frames in, frames out, several per message both ways. When it is closed or gone it says so once, or not at all if we closed it.
"use strict";

const { LIMITS, decodeMessage, encodeMessages, subprotocol } = require("./protocol");

/**
 * @typedef {object} Socket  A WebSocket, with these functions set on it by the link.
 * @property {(message: string | ArrayBuffer) => void} send
 * @property {(code: number) => void} close
 * @property {() => void} onopen
 * @property {(message: string | ArrayBuffer) => void} onmessage
 * @property {(code: number) => void} onclose  after an error too; 1006 when there is no code
 */

class Link {
  /**
   * @param {object} parts
   * @param {(url: string, protocols: string[]) => Socket} parts.connect
   * @param {string} parts.url
   * @param {"msgpack" | "json"} parts.encoding
   * @param {() => void} parts.onOpen
   * @param {(frames: object[]) => void} parts.onFrames
   * @param {(code: number) => void} parts.onClose
   * @param {(error: Error) => void} parts.onError
   */
  constructor({ connect, url, encoding, onOpen, onFrames, onClose, onError }) {
    this.limits = LIMITS;
    this._encoding = encoding;
    this._onClose = onClose;
    this._onError = onError;
    this._outgoing = [];
    this._over = false;
    this._socket = null;
    try {
      this._socket = connect(url, [subprotocol(encoding)]);
    } catch (error) {
      Promise.resolve().then(() => this._fail(error));
      return;
    }
    this._socket.onopen = () => this._over || onOpen();
    this._socket.onmessage = (message) => this._over || this._take(message, onFrames);
    this._socket.onclose = (code) => this._ended(code);
  }


  /** What is posted in one turn goes out as one message, or as few. */
  post(frame) {
    this._outgoing.push(frame);
    if (this._outgoing.length === 1) Promise.resolve().then(() => this._over || this._flush());
  }

  /** Be done with it: nothing is heard of it any more. */
  close(code) {
    if (this._over) return;
    this._over = true;
    try {
      if (this._socket) this._socket.close(code);
    } catch (error) {
      this._onError(error); // it is gone anyway
    }
  }

  _flush() {
    const frames = this._outgoing;
    this._outgoing = [];
    try {
      for (const message of encodeMessages(frames, this._encoding, this.limits)) this._socket.send(message);
    } catch (error) {
      this._fail(error);
    }
  }

  _take(message, onFrames) {
    let frames;
    try {
      frames = decodeMessage(message);
    } catch (error) {
      return this._fail(error);
    }
    onFrames(frames);
  }

  _fail(error) {
    this._onError(error);
    if (this._over) return;
    this.close(1000);
    this._onClose(1006);
  }

  _ended(code) {
    if (this._over) return;
    this._over = true;
    this._onClose(code);
  }
}

module.exports = { Link };
