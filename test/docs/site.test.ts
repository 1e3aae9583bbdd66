import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { diagramOf } from "../../docs/.vitepress/diagrams.ts";
import { llmsFull, llmsIndex, published } from "../../docs/.vitepress/llms.ts";
import { type NavigationItem, navigation, sectionsOf, sitePath } from "../../docs/.vitepress/pages.ts";
import { documents, textOf } from "./documents.ts";

const mermaidBlocks = documents.flatMap((document) =>
  [...textOf(document).matchAll(/^```mermaid\n(?<code>[\s\S]*?)^```$/gm)].map(
    ({ groups }) => [document, groups?.["code"] ?? ""] as const,
  ),
);

describe("a diagram of the documentation", () => {
  it.each(mermaidBlocks)("is drawn without a renderer in the browser: %s", (_document, code) => {
    const html = diagramOf(code);
    expect(html).not.toContain("undefined");
    expect(html).not.toContain("NaN");
  });

  it("fails the build if the site cannot draw it", () => {
    expect(() => diagramOf("pie\n")).toThrow("cannot draw");
    expect(() => diagramOf("stateDiagram-v2\n")).toThrow("cannot draw");
    expect(() => diagramOf("sequenceDiagram\n  loop x\n")).toThrow("loop x");
    expect(() => diagramOf('flowchart TB\n  a["A"]\n  b["B"]\n  a --> a\n')).toThrow("one chain");
  });

  it("shows text with markup as text", () => {
    const html = diagramOf("sequenceDiagram\n  participant b as <b>\n  Note over b: {{ 1 + 1 }} & more\n");
    expect(html).toContain("&lt;b&gt;");
    expect(html).toContain("&#123;&#123; 1 + 1 }} &amp; more");
  });
});

describe("the navigation of the site", () => {
  const links = (items: readonly NavigationItem[]): string[] =>
    items.flatMap(({ link, items: below = [] }) => [...(link === undefined ? [] : [link]), ...links(below)]);

  it("contains every page that is written by hand once", () => {
    const pages = documents.flatMap((document) => sitePath(document) ?? []).filter((path) => path !== "index.md");
    // Generated pages are missing in a fresh clone. The test of the built site follows the links to them.
    const shown = links(navigation(process.cwd())).filter((link) => !link.startsWith("/api/"));
    expect(shown.toSorted()).toEqual(pages.map((path) => `/${path}`).toSorted());
  });

  it("puts a page into the first section that links to it", () => {
    const index = "# D\n\n## One\n[a](a.md) [b](b.md#x)\n\n## Two\n[b](b.md) [c](../examples/README.md)\n";
    expect(sectionsOf(index)).toEqual([
      { title: "One", pages: ["docs/a.md", "docs/b.md"] },
      { title: "Two", pages: ["examples/README.md"] },
    ]);
  });
});

describe("the text for language models", () => {
  const pages = documents.flatMap((document) => {
    const path = sitePath(document);
    return path === undefined ? [] : [{ path, markdown: published(readFileSync(document, "utf8")) }];
  });

  it("lists every page with a title and a whole sentence", () => {
    const lines = llmsIndex("Description.", pages)
      .split("\n")
      .filter((line) => line.startsWith("- "));
    expect(lines).toHaveLength(pages.length);
    expect(lines.filter((line) => !/^- \[[^\]]+\]\([^)]+\): \S.+[.]$/.test(line))).toEqual([]);
  });

  it("contains every page without the comments that only tests read", () => {
    const text = llmsFull("Description.", pages);
    for (const { path } of pages) expect(text).toContain(`<!-- ${path} -->`);
    expect(text).not.toMatch(/<!-- (?:prelude\n|\/?(?:example|printed|chart)[: ])/);
  });
});
