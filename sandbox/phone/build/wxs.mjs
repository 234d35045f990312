// WXS is JavaScript but for two things that real libraries rely on: `x.constructor` is a string, and an unknown escape in a
// string keeps its backslash, as in getRegExp('\d+').
import * as acorn from "acorn";
import { full } from "acorn-walk";

const UNKNOWN_ESCAPE = /\\[^nrtbfv0'"\\\r\nux]/;
const KNOWN = "nrtbfv0'\"\\ux";

/** WXS source -> JavaScript for the template compiler. Modules are required without their ending. */
export function compileWxs(code) {
  const tree = acorn.parse(code, { ecmaVersion: 2020, sourceType: "script", allowReturnOutsideFunction: true });
  const edits = [];
  full(tree, (node) => {
    if (node.type === "MemberExpression" && !node.computed && node.property.name === "constructor") {
      edits.push([node.start, node.start, "__wxs.typeName("], [node.object.end, node.end, ")"]);
    } else if (node.type === "CallExpression" && node.callee.name === "require" && node.arguments[0]?.type === "Literal") {
      const name = node.arguments[0];
      edits.push([name.start, name.end, JSON.stringify(name.value.replace(/\.wxs$/, ""))]);
    } else if (node.type === "Literal" && typeof node.value === "string" && UNKNOWN_ESCAPE.test(node.raw)) {
      const kept = node.raw.replace(/\\(\\|.)/g, (match, letter) => (KNOWN.includes(letter) ? match : `\\\\${letter}`));
      edits.push([node.start, node.end, kept]);
    }
  });
  edits.sort((a, b) => b[0] - a[0] || b[1] - a[1]);
  return edits.reduce((text, [start, end, put]) => text.slice(0, start) + put + text.slice(end), code);
}

/** What a WXS file requires, without ending, as written. */
export const wxsRequires = (code) =>
  [...code.matchAll(/require\(\s*['"]([^'"]+)['"]\s*\)/g)].map((match) => match[1].replace(/\.wxs$/, ""));
