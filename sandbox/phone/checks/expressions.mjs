// What a template's {{ }} may hold on a phone: paths, operators, literals; calls only of WXS modules.
import * as acorn from "acorn";
import { simple } from "acorn-walk";

const REFUSED = {
  CallExpression: "a call of something that is no WXS module",
  NewExpression: "new",
  ArrowFunctionExpression: "a function",
  FunctionExpression: "a function",
  TemplateLiteral: "a template string",
  TaggedTemplateExpression: "a template string",
  ChainExpression: "?.",
  AssignmentExpression: "an assignment",
  UpdateExpression: "an assignment",
  AwaitExpression: "await",
  ThisExpression: "this",
  ClassExpression: "a class",
  ImportExpression: "import",
};

function parse(text) {
  try {
    return acorn.parseExpressionAt(`(${text})`, 0, { ecmaVersion: 2022 });
  } catch {
    // data="{{a, ...b}}" is an object without its braces
    return acorn.parseExpressionAt(`({${text}})`, 0, { ecmaVersion: 2022 });
  }
}

/** Every complaint about one expression. @param modules names of WXS modules in this template */
export function refusals(text, modules) {
  let tree;
  try {
    tree = parse(text);
  } catch (error) {
    return [`{{${text}}} is no expression: ${error.message}`];
  }
  const found = [];
  const refuse = (node) => {
    if (node.type === "CallExpression") {
      const callee = node.callee;
      if (callee.type === "MemberExpression" && callee.object.type === "Identifier" && modules.has(callee.object.name)) return;
    }
    found.push(`{{${text}}} has ${REFUSED[node.type]}`);
  };
  simple(tree, {
    ...Object.fromEntries(Object.keys(REFUSED).map((type) => [type, refuse])),
    LogicalExpression(node) {
      if (node.operator === "??") found.push(`{{${text}}} has ??`);
    },
  });
  return found;
}

/** A template's tags, as far as its checks need them: [{name, attributes, line, texts}] in order, without its comments. */
export function* tags(wxml) {
  const bare = wxml.replace(/<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, " "));
  const tag = /<(\/?)([a-z][\w-]*)((?:\s+[^\s=>/]+(?:\s*=\s*(?:"[^"]*"|'[^']*'))?)*)\s*(\/?)>/g;
  for (const match of bare.matchAll(tag)) {
    const [, closing, name, inner, selfClosing] = match;
    const attributes = {};
    for (const [, key, double, quoted] of inner.matchAll(/([^\s=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?/g)) attributes[key] = double ?? quoted ?? "";
    yield { name, attributes, isClosing: Boolean(closing), isAlone: Boolean(selfClosing), line: bare.slice(0, match.index).split("\n").length };
  }
}

/** [{text, line}] of every {{ }}, outside of comments and WXS. */
export function* expressions(wxml) {
  const bare = wxml
    .replace(/<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/<wxs[^>]*>[\s\S]*?<\/wxs>/g, (script) => script.replace(/[^\n]/g, " "));
  for (const match of bare.matchAll(/\{\{([\s\S]*?)\}\}(?!\})/g)) {
    yield { text: match[1].trim(), line: bare.slice(0, match.index).split("\n").length };
  }
}
