// A mini-program's directory: which files there are, what their names mean, and which of them it uses.
import fs from "node:fs";
import path from "node:path";

const NPM = "miniprogram_npm/";

export const isFile = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

/** "@a/b/c/d" -> ["@a/b", "c/d"] */
export function splitPackage(name) {
  const parts = name.split("/");
  const length = name.startsWith("@") ? 2 : 1;
  return [parts.slice(0, length).join("/"), parts.slice(length).join("/")];
}

/**
 * An id is a path inside the mini-program without its ending, with forward slashes. What npm packages bring has ids
 * under `miniprogram_npm/PACKAGE/`, although it lies in node_modules: WeChat's devtools copy it there, we need not.
 */
export class Project {
  constructor(src, nodeModules = path.join(src, "node_modules")) {
    this.src = fs.realpathSync(src);
    this.nodeModules = fs.existsSync(nodeModules) ? fs.realpathSync(nodeModules) : path.resolve(nodeModules);
    this.warnings = [];
    /** package -> the directory of its mini-program files, or null when it is plain JavaScript */
    this.packages = new Map();
    /** every file that the build has read: what the mini-program really uses */
    this.used = new Set();
  }

  packageDir(name) {
    if (!this.packages.has(name)) {
      const file = path.join(this.nodeModules, name, "package.json");
      const shipped = isFile(file) ? JSON.parse(fs.readFileSync(file, "utf8")).miniprogram : null;
      this.packages.set(name, shipped ? path.join(this.nodeModules, name, shipped) : null);
    }
    return this.packages.get(name);
  }

  fileOf(id, ending = "") {
    if (id.startsWith(NPM)) {
      const [name, rest] = splitPackage(id.slice(NPM.length));
      const dir = this.packageDir(name);
      if (dir) return path.join(dir, rest) + ending;
    }
    return path.join(this.src, id) + ending;
  }

  /** The id, with its ending, of a file. */
  idOf(file) {
    for (const [name, dir] of this.packages) {
      if (dir && file.startsWith(dir + path.sep)) return `${NPM}${name}/${path.relative(dir, file)}`;
    }
    return path.relative(this.src, file);
  }

  isOurs(file) {
    return file.startsWith(this.src + path.sep) && !file.startsWith(this.nodeModules + path.sep);
  }

  has(id, ending) {
    return isFile(this.fileOf(id, ending));
  }

  read(id, ending) {
    const file = this.fileOf(id, ending);
    this.used.add(file);
    return fs.readFileSync(file, "utf8");
  }

  readJson(id) {
    return this.has(id, ".json") ? JSON.parse(this.read(id, ".json")) : {};
  }

  /** In the phone's order: from the root; beside the file, bare names too; then npm packages. Null when there is none. */
  resolve(from, name, endings) {
    const tries = name.startsWith("/") ? [name.slice(1)] : [path.posix.join(path.posix.dirname(from), name)];
    if (!/^[./]/.test(name)) tries.push(NPM + name);
    for (const id of tries) {
      for (const ending of endings) {
        if (this.has(id, ending)) return ending.startsWith("/") ? id + ending.slice(0, ending.lastIndexOf(".")) : id;
      }
    }
    return null;
  }

  /** {app, pages, subpackages, components}: app.json, and every component that a page can reach, the pages among them. */
  outline() {
    const app = this.readJson("app");
    if (!app.pages?.length) throw new Error(`${this.src}/app.json has no pages`);
    const subpackages = (app.subPackages ?? app.subpackages ?? []).map((part) => ({
      root: part.root.replace(/\/$/, ""),
      pages: part.pages.map((page) => path.posix.join(part.root, page)),
    }));
    const pages = [...app.pages, ...subpackages.flatMap((part) => part.pages)];
    const components = new Map();
    for (const page of pages) this.#visit(page, true, app, components);
    if (app.tabBar?.custom) this.#visit("custom-tab-bar/index", false, app, components);
    return { app, pages, subpackages, components: [...components.values()] };
  }

  #visit(id, isPage, app, components) {
    if (components.has(id)) return;
    for (const ending of [".js", ".wxml"]) if (!this.has(id, ending)) throw new Error(`${id}${ending} is missing`);
    const json = this.readJson(id);
    components.set(id, { id, json, page: isPage });
    const global = isPage ? app.usingComponents : {};
    const using = { ...global, ...json.usingComponents };
    json.usingComponents = {};
    for (const [tag, name] of Object.entries(using)) {
      if (/^(plugin|ext|dynamicLib):/.test(name)) {
        this.warnings.push(`${id}: ${tag} uses ${name}, which only a phone has`);
        continue;
      }
      const target = this.resolve(global?.[tag] === name ? "app" : id, name, [".json", "/index.json"]);
      if (target === null) throw new Error(`${id}.json: there is no component ${name}`);
      json.usingComponents[tag] = `/${target}`;
      this.#visit(target, false, app, components);
    }
    for (const generic of Object.values(json.componentGenerics ?? {})) {
      if (generic.default) this.#visit(this.resolve(id, generic.default, [".json"]), false, app, components);
    }
  }
}
