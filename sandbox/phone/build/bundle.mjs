// The mini-program's JavaScript as one script, whose modules run when first required and see what a phone's would see.
import path from "node:path";
import * as esbuild from "esbuild";
import { isFile, splitPackage } from "./project.mjs";

/** What browsers have and the logic layer of a phone lacks: code that needs it must fail here, too. */
export const BANNED = [
  "window", "document", "self", "navigator", "location", "history", "screen", "fetch", "XMLHttpRequest", "WebSocket", "localStorage",
  "sessionStorage", "indexedDB", "TextEncoder", "TextDecoder", "URL", "URLSearchParams", "Blob", "File", "FileReader", "FormData",
  "Headers", "Request", "Response", "AbortController", "crypto", "atob", "btoa", "alert", "confirm", "prompt", "structuredClone",
  "queueMicrotask", "requestAnimationFrame", "cancelAnimationFrame", "requestIdleCallback", "performance", "WebAssembly", "process", "Buffer",
  "global", "eval", "Image", "Audio", "Worker", "MutationObserver", "IntersectionObserver", "ResizeObserver", "getComputedStyle",
];
/** Timers stand still while the app is in the background. */
const TIMERS = ["setTimeout", "clearTimeout", "setInterval", "clearInterval"];
const ENDINGS = [".js", "/index.js"];

const DEFINE = {
  ...Object.fromEntries(BANNED.map((name) => [name, "undefined"])),
  ...Object.fromEntries(TIMERS.map((name) => [name, `__phoneTimers.${name}`])),
  "process.env.NODE_ENV": '"production"',
};

/** @param lines the entry module's statements @returns {code, map, imports: {file: [files that it requires]}} */
export async function bundle(project, lines, { minify }) {
  const done = await esbuild.build({
    entryPoints: ["app"], outfile: "/app.js", bundle: true, write: false, format: "iife", target: "es2020", minify,
    sourcemap: "external", logLevel: "silent", legalComments: "none", charset: "utf8", define: DEFINE, metafile: true, mainFields: ["main"],
    plugins: [resolver(project, lines)], nodePaths: [project.nodeModules], absWorkingDir: project.src,
  }).catch((error) => { throw new Error(error.errors?.map(described).join("\n") || error.message); }); // prettier-ignore
  for (const input of Object.keys(done.metafile.inputs)) project.used.add(path.resolve(project.src, input));
  const [code, map] = [/\.js$/, /\.map$/].map((ending) => done.outputFiles.find((file) => ending.test(file.path)).text);
  const imports = Object.fromEntries(
    Object.entries(done.metafile.inputs).map(([file, { imports: list }]) => [
      path.resolve(project.src, file),
      list.map((one) => path.resolve(project.src, one.path)),
    ]),
  );
  return { code, map, imports };
}

const described = ({ text, location }) => (location ? `${location.file}:${location.line}: ${text}` : text);

function resolver(project, lines) {
  return {
    name: "mini-program",
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ kind, path: name, importer, namespace }) => {
        if (kind === "entry-point") return { path: "entry", namespace: "entry" };
        const isPlain = importer.startsWith(project.nodeModules) && !project.idOf(importer).startsWith("miniprogram_npm/");
        if (isPlain) return null;
        const file = fileOf(project, namespace === "entry" ? "app" : project.idOf(importer), name);
        return file ? { path: file } : null;
      });
      build.onLoad({ filter: /.*/, namespace: "entry" }, () => ({
        contents: lines.join("\n"), loader: "js", resolveDir: project.nodeModules,
      })); // prettier-ignore
    },
  };
}

function fileOf(project, from, name) {
  if (!/^[./]/.test(name)) {
    project.packageDir(splitPackage(name)[0]);
    if (from.startsWith("miniprogram_npm/")) {
      // a package that brings its own miniprogram_npm
      const [owner] = splitPackage(from.slice("miniprogram_npm/".length));
      const inner = project.fileOf(`miniprogram_npm/${owner}/miniprogram_npm/${name}`);
      const found = ENDINGS.map((ending) => inner + ending).find(isFile);
      if (found) return found;
    }
  }
  const id = project.resolve(from, name.replace(/\.js$/, ""), ENDINGS);
  return id && ENDINGS.map((ending) => project.fileOf(id, ending)).find(isFile);
}
