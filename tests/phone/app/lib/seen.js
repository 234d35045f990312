// What happened, in order, for tests to read.
const list = [];

module.exports = { list, add: (what) => list.push(what) };
