// WXSS -> CSS: imports, rpx, the scope of a component's classes, and what differs between a phone's web view and our page.
import postcss from "postcss";
import selectorParser from "postcss-selector-parser";

/** 750 rpx are the screen's width. */
export const rpx = (text) => text.replace(/(-?\d*\.?\d+)rpx\b/g, (_, number) => `${+(number / 7.5).toFixed(5)}vw`);

/** On a phone every page has a web view of its own, as high as what the bars leave; here all share one document. */
const ownView = (text) =>
  text
    .replace(/(?:env|constant)\(\s*safe-area-inset-(\w+)\s*(?:,[^)]*)?\)/g, "var(--mp-safe-$1, 0px)")
    .replace(/(-?\d*\.?\d+)vh\b/g, (_, number) => `calc(var(--mp-vh, 1vh) * ${number})`);

const value = (text) => ownView(rpx(text));

const BUILT_IN = new Set(
  "scroll-view swiper-item cover-view cover-image picker-view picker-view-column radio-group checkbox-group rich-text movable-view movable-area web-view root-portal page-container".split(" "),
);

/** @param scope prefix of this component's classes; undefined leaves them shared */
export function compileWxss(css, { id, scope, resolve, read }) {
  const root = inlined(css, id, [id], { resolve, read });
  const selectors = selectorParser((all) => {
    if (scope) all.walkClasses((node) => void (node.value = `${scope}--${node.value}`));
    all.walkTags((node) => {
      if (/^[a-z]+$/.test(node.value) || BUILT_IN.has(node.value)) node.value = `wx-${node.value}`;
    });
    all.walkIds((node) => node.replaceWith(attribute("wx-id", node.value)));
    all.walkPseudos((node) => {
      if (node.value === ":host") node.replaceWith(attribute("wx-host", scope ?? ""));
    });
  });
  root.walkRules((rule) => {
    if (!/keyframes$/.test(rule.parent?.name ?? "")) rule.selector = selectors.processSync(rule.selector);
  });
  root.walkDecls((declaration) => void (declaration.value = value(declaration.value)));
  root.walkAtRules((rule) => void (rule.params = rpx(rule.params)));
  return root.toString();
}

const attribute = (name, wanted) =>
  selectorParser.attribute({ attribute: name, operator: "=", value: wanted, quoteMark: '"', raws: {} });

function inlined(css, from, above, { resolve, read }) {
  const root = postcss.parse(css, { from: `${from}.wxss` });
  root.walkAtRules("import", (rule) => {
    const name = rule.params.replace(/^url\(|\)$/g, "").replace(/^['"]|['"]$/g, "").trim();
    if (/^https?:/.test(name)) throw rule.error("a phone imports no style from the network");
    const target = resolve(from, name);
    if (target === null) throw rule.error(`there is no ${name}`);
    if (above.includes(target)) rule.remove();
    else rule.replaceWith(inlined(read(target), target, [...above, target], { resolve, read }).nodes);
  });
  return root;
}
