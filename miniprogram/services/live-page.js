// A page that is a function of topics and of what the user has entered:
//
//     livePage({
//       local: { seats: 1 },
//       topics(local, query) { return { listing: `listing:${query.id}` }; },
//       present(views, local, query) { return { title: views.listing.value ? views.listing.value.title : "" }; },
//       onMore() { this.update({ seats: this.local.seats + 1 }); },
//     });
"use strict";

const { Binding } = require("../lib/bind");
const { store } = require("./live");

/**
 * Registers a page. All of `definition` that is not named here is as WeChat's Page has it.
 * @param {object} definition
 * @param {object} [definition.local]  what the user has entered and what was asked of REST, at first
 * @param {(local: object, query: object) => {[name: string]: string | null}} [definition.topics]  what is watched
 * @param {(views: object, local: object, query: object) => object} definition.present  what is shown; every key is there each time. Asked
 *   with no views and an empty query too, for what is shown before anything is known
 * @param {() => void} [definition.onDraw]  after what is shown has changed: for what follows from a push
 */
function livePage({ local = {}, topics = () => ({}), present, onDraw, onLoad, onShow, onHide, onUnload, ...rest }) {
  Page({
    ...rest,
    data: { ...rest.data, ...present({}, copied(local), {}) },

    onLoad(query = {}) {
      this.query = decoded(query);
      this.local = copied(local);
      this.gone = false;
      this._binding = new Binding({
        store,
        screen: this,
        present: (views) => present(views, this.local, this.query),
        drawn: () => onDraw && onDraw.call(this),
      });
      if (onLoad) onLoad.call(this, this.query);
      this._binding.see(topics(this.local, this.query));
    },

    onShow() {
      this._binding.show();
      if (onShow) onShow.call(this);
    },

    onHide() {
      if (onHide) onHide.call(this);
      this._binding.hide();
    },

    onUnload() {
      if (onUnload) onUnload.call(this);
      this.gone = true;
      this._binding.end();
    },

    /** The user has entered something, or an answer has come: look at what is to be watched, and draw. */
    update(change) {
      if (this.gone) return;
      Object.assign(this.local, change);
      this._binding.see(topics(this.local, this.query));
    },

    /** The views of the topics, by their names. */
    views() {
      return this._binding.views;
    },
  });
}

function copied(local) {
  return JSON.parse(JSON.stringify(local));
}

function decoded(query) {
  const plain = {};
  for (const name of Object.keys(query)) plain[name] = decodeURIComponent(query[name]);
  return plain;
}

module.exports = { livePage };
