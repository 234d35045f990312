// The behaviors that WeChat has built in, by name.
export const BEHAVIORS = {
  "wx://form-field": { properties: { name: String, value: null } },
  "wx://form-field-button": {},
  "wx://form-field-group": {},
  "wx://component-export": {}, // the adapter knows `export`
  "wx://proxy-scroll-view": {},
};
