// How far an order has come. `steps` is lib/life.js's timeline.
Component({
  properties: { steps: { type: Array, value: [] } },
});
