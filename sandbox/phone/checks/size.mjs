// How large the packages are that a phone would download: files in use, as they are, with every asset that lies in the package.
import fs from "node:fs";
import path from "node:path";
import * as esbuild from "esbuild";

const ASSET = /\.(png|jpe?g|gif|svg|webp|ttf|woff2?|mp3|mp4|wxs)$/;

function* assets(directory) {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    if (entry.name === "node_modules" || entry.name === "miniprogram_npm") continue;
    const full = path.join(directory, entry.name);
    if (entry.isDirectory()) yield* assets(full);
    else if (ASSET.test(entry.name)) yield full;
  }
}

/** {main, subpackages: {root: bytes}, total, largest: [[file, bytes]]}, in bytes. @param used what the build has read */
export function sizes(project, { subpackages }, used) {
  const files = new Set([...used, ...assets(project.src)]);
  const roots = subpackages.map(({ root }) => [root, path.join(project.src, root) + path.sep]);
  const result = { main: 0, subpackages: Object.fromEntries(roots.map(([root]) => [root, 0])), total: 0, largest: [] };
  for (const file of files) {
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (!stat?.isFile()) continue;
    const [root] = roots.find(([, directory]) => file.startsWith(directory)) ?? [];
    if (root === undefined) result.main += stat.size;
    else result.subpackages[root] += stat.size;
    result.total += stat.size;
    result.largest.push([path.relative(project.src, file), stat.size]);
  }
  result.largest = result.largest.sort((a, b) => b[1] - a[1]).slice(0, 12);
  return result;
}

/**
 * What a page needs before it is shown, the app's own start included, in bytes: with lazyCodeLoading a phone reads no more.
 * {source: of files as they are, uploaded: with scripts and styles minified, as WeChat's devtools upload them}
 */
export function pageBytes(project, { app, components }, imports, page) {
  const files = new Set();
  const scripts = (file) => {
    if (files.has(file) || !fs.existsSync(file)) return;
    files.add(file);
    for (const one of imports[file] ?? []) scripts(one);
  };
  const seen = new Set();
  const add = (id) => {
    if (seen.has(id)) return;
    seen.add(id);
    for (const ending of [".json", ".wxml", ".wxss"]) files.add(project.fileOf(id, ending));
    scripts(project.fileOf(id, ".js"));
    const component = components.find((one) => one.id === id);
    for (const target of Object.values(component?.json.usingComponents ?? {})) add(target.slice(1));
  };
  add("app");
  add(page);
  for (const { iconPath, selectedIconPath } of app.tabBar?.list ?? []) {
    for (const icon of [iconPath, selectedIconPath]) if (icon) files.add(path.join(project.src, icon));
  }
  const found = [...files].filter((file) => fs.existsSync(file));
  const sum = (measure) => found.reduce((total, file) => total + measure(file), 0);
  return { source: sum((file) => fs.statSync(file).size), uploaded: sum(minifiedBytes) };
}

const LOADERS = { ".js": "js", ".wxss": "css" };

function minifiedBytes(file) {
  const loader = LOADERS[path.extname(file)];
  if (!loader) return fs.statSync(file).size;
  const { code } = esbuild.transformSync(fs.readFileSync(file, "utf8"), { loader, minify: true, charset: "utf8", logLevel: "silent" });
  return Buffer.byteLength(code);
}
