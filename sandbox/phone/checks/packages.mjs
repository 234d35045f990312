// Which package a file is in: a phone has the main one always, and one subpackage does not wait for another.
import path from "node:path";
import { isFile } from "../build/project.mjs";

/** What a file takes from a subpackage that is not its own. @param uses [[file, file that it needs]], from the root @returns [complaint] */
export function foreign(roots, uses) {
  const packageOf = (file) => roots.find((root) => file.startsWith(`${root}/`)) ?? "";
  return uses
    .filter(([from, to]) => packageOf(to) && packageOf(to) !== packageOf(from))
    .map(([from, to]) => `${from}: needs ${to}, which is in the subpackage ${packageOf(to)}`);
}

/** Of the mini-program: what its scripts require, and which components its pages and components show. */
export function usesOf(project, { components }, imports) {
  const scripts = Object.entries(imports)
    .filter(([file]) => project.isOurs(file) && isFile(file)) // the entry is the build's own
    .flatMap(([file, required]) => required.map((to) => [path.relative(project.src, file), path.relative(project.src, to)]));
  const shown = components.flatMap(({ id, json }) => Object.values(json.usingComponents ?? {}).map((to) => [id, to.slice(1)]));
  return [...scripts, ...shown];
}
