// What a phone would refuse or not show, found in the files.
import * as acorn from "acorn";
import { ancestor } from "acorn-walk";
import path from "node:path";
import postcss from "postcss";
import { BANNED } from "../build/bundle.mjs";
import { expressions, refusals, tags } from "./expressions.mjs";

const FORBIDDEN = new Set(BANNED.filter((name) => name !== "global"));
/** Deeper or wider than this in the source is deeper or wider than an audit allows on the screen. */
const DEEPEST = 25;

export function lintWxml(wxml, file) {
  const found = [];
  const say = (line, text) => found.push(`${file}:${line}: ${text}`);
  const modules = new Set([...tags(wxml)].filter(({ name }) => name === "wxs").map(({ attributes }) => attributes.module));
  for (const { text, line } of expressions(wxml)) for (const complaint of refusals(text, modules)) say(line, complaint);
  const open = [];
  for (const { name, attributes, isClosing, isAlone, line } of tags(wxml)) {
    if (isClosing) {
      open.length = Math.max(0, open.lastIndexOf(name));
      continue;
    }
    if ("wx:for" in attributes && !("wx:key" in attributes)) say(line, `<${name} wx:for> has no wx:key`);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "wx:key" && value.includes("{{")) say(line, `wx:key is a name, not ${value}`);
      if (/^(on[a-z]+|v-|@)/.test(key)) say(line, `${key} is no attribute of a mini-program`);
      if (["src", "style"].includes(key) && /(https?:)?\/\/[\w.-]+\.\w/.test(value)) say(line, `${value} comes from the network: bring the file`);
    }
    if (!isAlone) open.push(name);
    if (open.length === DEEPEST + 1) say(line, `more than ${DEEPEST} elements within one another`);
  }
  return found;
}

export function lintWxss(wxss, file, { isComponent }) {
  const found = [];
  const root = postcss.parse(wxss, { from: file });
  const say = (node, text) => found.push(`${file}:${node.source.start.line}: ${text}`);
  root.walkDecls((declaration) => {
    for (const [, target] of declaration.value.matchAll(/url\(\s*['"]?([^'")]+)/g)) {
      if (!target.startsWith("data:")) say(declaration, `url(${target}): a phone shows no local file in wxss, and none from the network is wanted`);
    }
  });
  root.walkRules((rule) => {
    if (/keyframes$/.test(rule.parent?.name ?? "")) return;
    if (/(^|[\s>+~,])\*/.test(rule.selector)) say(rule, "the selector * is not allowed");
    if (isComponent && /(^|[\s>+~,])(#|\[|[a-z][a-z-]*([.:\s,>+~[]|$))/.test(rule.selector)) {
      say(rule, `${rule.selector}: components select by class only`);
    }
  });
  return found;
}

export function lintJs(code, file) {
  const found = [];
  let tree;
  try {
    const sourceType = /^\s*(import|export)\b/m.test(code) ? "module" : "script";
    tree = acorn.parse(code, { ecmaVersion: 2022, sourceType, locations: true });
  } catch (error) {
    return [`${file}: ${error.message}`];
  }
  const say = (node, text) => found.push(`${file}:${node.loc.start.line}: ${text}`);
  const declared = new Set();
  const declare = (pattern) => {
    if (!pattern) return;
    if (pattern.type === "Identifier") declared.add(pattern.name);
    else if (pattern.type === "ObjectPattern") pattern.properties.forEach((property) => declare(property.value ?? property.argument));
    else if (pattern.type === "ArrayPattern") pattern.elements.forEach(declare);
    else if (pattern.type === "AssignmentPattern") declare(pattern.left);
    else if (pattern.type === "RestElement") declare(pattern.argument);
  };
  const functionLike = (node) => {
    declare(node.id);
    node.params.forEach(declare);
  };
  ancestor(tree, {
    VariableDeclarator: (node) => declare(node.id),
    FunctionDeclaration: functionLike,
    FunctionExpression: functionLike,
    ArrowFunctionExpression: functionLike,
    ClassDeclaration: (node) => declare(node.id),
    CatchClause: (node) => declare(node.param),
  });
  ancestor(tree, {
    Identifier(node, _state, above) {
      // acorn-walk visits no property names
      if (FORBIDDEN.has(node.name) && !declared.has(node.name) && above.at(-2)?.operator !== "typeof") say(node, `a phone has no ${node.name}`);
    },
    NewExpression(node) {
      if (node.callee.name === "Function") say(node, "a phone has no new Function");
    },
    CallExpression(node) {
      if (node.callee.property?.name !== "setData") return;
      for (const property of node.arguments[0]?.properties ?? []) {
        if (property.value?.type === "Identifier" && property.value.name === "undefined") say(property, "setData with undefined");
        if (/Function/.test(property.value?.type ?? "")) say(property, "setData with a function");
      }
    },
  });
  return found;
}

/** Everything of the mini-program's own. */
export function lint(project, { components }, used) {
  const found = [];
  const own = [...used].filter((file) => project.isOurs(file));
  const read = (file) => project.read(path.relative(project.src, file), "");
  const isComponent = (file) => components.some(({ id, page }) => !page && project.fileOf(id, ".wxss") === file);
  for (const file of own.sort()) {
    const name = path.relative(process.cwd(), file);
    if (file.endsWith(".wxml")) found.push(...lintWxml(read(file), name));
    else if (file.endsWith(".wxss")) found.push(...lintWxss(read(file), name, { isComponent: isComponent(file) }));
    else if (file.endsWith(".js")) found.push(...lintJs(read(file), name));
  }
  for (const { id } of components) {
    if (id.startsWith("miniprogram_npm/")) continue;
    const wxml = project.read(id, ".wxml");
    const shown = new Set([...tags(wxml)].map(({ name }) => name));
    const included = /<(include|import)\b/.test(wxml);
    for (const tag of Object.keys(project.readJson(id).usingComponents ?? {})) {
      if (!shown.has(tag) && !included) found.push(`${path.relative(process.cwd(), project.fileOf(id, ".json"))}: ${tag} is not used`);
    }
  }
  return found;
}
