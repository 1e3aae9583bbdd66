import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import type { MarkdownRenderer } from "vitepress";
import { fileOf } from "./links.ts";

const SHOWN: ReadonlySet<string> = new Set([".ts", ".mjs", ".cjs"]);

/** Adds the files of an example below its README, so that a reader of the site needs no clone. */
export function exampleSources(markdown: MarkdownRenderer, root: string): void {
  markdown.core.ruler.before("normalize", "example-sources", (state) => {
    const folder = /^examples\/[^/]+(?=\/README\.md$)/.exec(fileOf(state.env, root))?.[0];
    if (folder !== undefined) state.src += sources(join(root, folder));
  });
}

function sources(folder: string): string {
  const files = readdirSync(folder).filter((file) => SHOWN.has(extname(file)));
  const blocks = files.map((file) => {
    const language = extname(file) === ".ts" ? "ts" : "js";
    return `\n### ${file}\n\n\`\`\`${language}\n${readFileSync(join(folder, file), "utf8")}\`\`\`\n`;
  });
  return blocks.length === 0 ? "" : `\n## The sources\n${blocks.join("")}`;
}
