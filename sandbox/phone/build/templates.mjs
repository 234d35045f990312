// WXML and WXS -> the source of an expression that gives {id: compiled template}.
import { createRequire } from "node:module";
import path from "node:path";
import { compileWxs, wxsRequires } from "./wxs.mjs";

const { TmplGroup } = createRequire(import.meta.url)("glass-easel-template-compiler");

/** @param builtIns [{name, wxml}] @param small without what helps debugging */
export function compileTemplates(project, components, builtIns, { small = false } = {}) {
  const group = small ? new TmplGroup() : TmplGroup.newDev();
  // A template and a script may share an id: x/index.wxml, x/index.wxs.
  const templates = new Set();
  const scripts = new Set();

  const addScript = (id) => {
    if (scripts.has(id)) return;
    scripts.add(id);
    const code = project.read(id, ".wxs");
    group.addScript(id, compileWxs(code));
    for (const name of wxsRequires(code)) addScript(path.posix.join(path.posix.dirname(id), name));
  };
  const addTemplate = (id) => {
    if (templates.has(id)) return;
    templates.add(id);
    for (const warning of group.addTmpl(id, project.read(id, ".wxml"))) {
      const where = `${warning.path}.wxml:${warning.startLine + 1}:${warning.startColumn}`;
      project.warnings.push(`${where} ${warning.message}`);
    }
    for (const name of group.getInlineScriptModuleNames(id)) {
      group.setInlineScript(id, name, compileWxs(group.getInlineScript(id, name)));
    }
    for (const used of group.getDirectDependencies(id)) addTemplate(used.replace(/\.wxml$/, ""));
    for (const used of group.getScriptDependencies(id)) addScript(used.replace(/\.wxs$/, ""));
  };

  // Q: the hooks that compiled templates take from the runtime, for change:prop and for events that WXS handles.
  group.setExtraRuntimeScript("Q.A=__wxs.onChange;Q.C=__wxs.onEvent;");
  for (const { id } of components) addTemplate(id);
  for (const { name, wxml } of builtIns) group.addTmpl(`builtin/${name}`, wxml ?? "<slot/>");
  const source = group.getTmplGenObjectGroups();
  group.free();
  return source;
}
