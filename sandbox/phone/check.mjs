// node sandbox/phone/check.mjs [SRC] [--json] [--main-bytes N]: what a phone would refuse, and how large the packages are.
import path from "node:path";
import { parseArgs } from "node:util";
import { inspect } from "./build.mjs";
import { lint } from "./checks/lint.mjs";
import { foreign, usesOf } from "./checks/packages.mjs";
import { pageBytes, sizes } from "./checks/size.mjs";

const SUBPACKAGE_BYTES = 2 << 20;
const TOTAL_BYTES = 20 << 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, "main-bytes": { type: "string", default: String(SUBPACKAGE_BYTES) } },
});
try {
  const { project, outline, used, imports } = await inspect(path.resolve(positionals[0] ?? "miniprogram"));
  const pages = Object.fromEntries(outline.pages.map((page) => [page, pageBytes(project, outline, imports, page)]));
  const size = { ...sizes(project, outline, used), firstPage: pages[outline.app.entryPagePath ?? outline.pages[0]], pages };
  const complaints = [
    ...project.warnings.filter((warning) => !warning.startsWith("miniprogram_npm/")),
    ...lint(project, outline, used),
    ...foreign(outline.subpackages.map(({ root }) => root), usesOf(project, outline, imports)),
    ...over("the main package", size.main, Number(values["main-bytes"])),
    ...Object.entries(size.subpackages).flatMap(([root, bytes]) => over(root, bytes, SUBPACKAGE_BYTES)),
    ...over("all packages", size.total, TOTAL_BYTES),
  ];
  if (values.json) console.log(JSON.stringify({ ...size, complaints }, null, 2));
  else {
    for (const complaint of complaints) console.error(complaint);
    console.log(`main package ${size.main} bytes, all ${size.total} bytes, first page ${size.firstPage.source} bytes (${size.firstPage.uploaded} as uploaded), ${outline.pages.length} pages, ${complaints.length} complaints`);
  }
  process.exitCode = complaints.length ? 1 : 0;
} catch (error) {
  console.error(`check: ${error.message}`);
  process.exitCode = 1;
}

function over(name, bytes, most) {
  return bytes > most ? [`${name}: ${bytes} bytes, ${most} are allowed`] : [];
}
