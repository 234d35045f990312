// node sandbox/phone/build.mjs [SRC] [OUT] [--minify]: a native mini-program, as it is, made into a web page.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { bundle } from "./build/bundle.mjs";
import { Project } from "./build/project.mjs";
import { compileTemplates } from "./build/templates.mjs";
import { compileWxss } from "./build/wxss.mjs";
import { builtIns } from "./runtime/builtins/index.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ASSET = /\.(png|jpe?g|gif|svg|webp|ttf|woff2?|mp3|mp4)$/;

/**
 * @param src the mini-program @param out a directory that is made anew @param nodeModules where its npm packages are
 * @param expose files (with their ending) that tests may get by `__phone.module(file)`
 * @returns {warnings, components: ids, used: files}
 */
export async function build({ src, out, nodeModules, minify = false, expose = [] }) {
  const { project, outline, used, code, map } = await inspect(src, { nodeModules, minify, expose });
  fs.rmSync(out, { recursive: true, force: true });
  fs.mkdirSync(out, { recursive: true });
  fs.writeFileSync(path.join(out, "app.js"), `${code}\n//# sourceMappingURL=app.js.map\n`);
  fs.writeFileSync(path.join(out, "app.js.map"), map);
  await buildRuntime(out, { minify });
  copyAssets(project.src, out);
  return { warnings: project.warnings, components: outline.components.map(({ id }) => id), used };
}

/** Compiles, and writes nothing: {project, outline, used, imports, code, map}. */
export async function inspect(src, { nodeModules, minify = false, expose = [] } = {}) {
  const project = new Project(src, nodeModules);
  const outline = project.outline();
  const { app, pages, components } = outline;
  const compiled = compileTemplates(project, components, builtIns, { small: minify });
  const templates = minify ? esbuild.transformSync(`(${compiled})`, { minify, charset: "utf8" }).code : compiled;
  styles(project, components);
  const smaller = (css) => (minify ? esbuild.transformSync(css, { loader: "css", minify }).code : css);
  const appCss = smaller(wxss(project, "app"));
  const shown = components.map(({ id, json, page, scope, css }) => ({ id, json, page, scope, css: smaller(css) }));
  const lines = [
    `const phone = globalThis.__phone;`,
    `phone.configure(${JSON.stringify({ app, pages, appCss, components: shown })});`,
    `phone.templates(${JSON.stringify(templates)});`,
    ...(project.has("app", ".js") ? [`phone.define("app", () => require("/app.js"));`] : []),
    ...components.map(({ id }) => `phone.define(${JSON.stringify(id)}, () => require(${JSON.stringify(`/${id}.js`)}));`),
    ...expose.map((file) => `phone.expose(${JSON.stringify(file)}, () => require(${JSON.stringify(`/${file}`)}));`),
  ];
  const { code, map, imports } = await bundle(project, lines, { minify });
  const used = [...project.used].filter((file) => fs.existsSync(file));
  return { project, outline, used, imports, code, map };
}

function copyAssets(from, to) {
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory() && entry.name !== "node_modules") copyAssets(source, target);
    else if (ASSET.test(entry.name)) {
      fs.mkdirSync(to, { recursive: true });
      fs.copyFileSync(source, target);
    }
  }
}

async function buildRuntime(out, { minify }) {
  await esbuild.build({
    entryPoints: { runtime: path.join(HERE, "runtime/main.mjs") }, outdir: out, bundle: true, format: "iife", target: "es2020",
    minify, sourcemap: "linked", logLevel: "error", legalComments: "none", define: { "process.env.NODE_ENV": '"production"' },
  }); // prettier-ignore
  fs.copyFileSync(path.join(HERE, "runtime/base.css"), path.join(out, "runtime.css"));
  fs.copyFileSync(path.join(HERE, "runtime/phone.html"), path.join(out, "phone.html"));
}

function wxss(project, id, scope) {
  if (!project.has(id, ".wxss")) return "";
  return compileWxss(project.read(id, ".wxss"), {
    id,
    scope,
    resolve: (from, name) => project.resolve(from, name.replace(/\.wxss$/, ""), [".wxss"]),
    read: (from) => project.read(from, ".wxss"),
  });
}

/** A page's classes are shared with nobody but its document; a component's have its scope before them. */
function styles(project, components) {
  let scopes = 0;
  for (const component of components) {
    const isolation = component.json.styleIsolation ?? (component.page && !component.json.component ? "shared" : "isolated");
    const isShared = isolation === "shared" || isolation === "page-shared";
    component.scope = isShared ? undefined : `s${(scopes++).toString(36)}`;
    component.css = wxss(project, component.id, component.scope);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [src = "miniprogram", out = ".run/phone"] = process.argv.slice(2).filter((word) => !word.startsWith("--"));
  const began = Date.now();
  try {
    const done = await build({ src: path.resolve(src), out: path.resolve(out), minify: process.argv.includes("--minify") });
    for (const warning of done.warnings) console.warn(`warning: ${warning}`);
    console.log(`${done.components.length} components in ${Date.now() - began} ms: ${out}`);
  } catch (error) {
    console.error(`build: ${error.message}`);
    process.exitCode = 1;
  }
}
