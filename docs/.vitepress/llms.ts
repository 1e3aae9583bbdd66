import { dirname } from "node:path/posix";
import { titleOf } from "./pages.ts";

/** A page as it is published beside its HTML. */
export interface PublishedPage {
  /** Path on the site, `quick-start.md`. */
  readonly path: string;
  readonly markdown: string;
}

/** Returns a page without the comments that only the tests read. */
export function published(markdown: string): string {
  return markdown.replace(/^<!--[\s\S]*?-->\n+/gm, "");
}

/** Lists the pages for language models: title, address and first sentence. See llmstxt.org. */
export function llmsIndex(description: string, pages: readonly PublishedPage[]): string {
  const folders = [...new Set(pages.map(({ path }) => dirname(path)))].toSorted();
  const listed = folders.map((folder) => {
    const lines = pages
      .filter(({ path }) => dirname(path) === folder)
      .map(({ path, markdown }) => `- [${titleOf(markdown)}](${path}): ${firstSentence(markdown)}`);
    return `## ${headings[folder] ?? folder}\n\n${lines.join("\n")}\n`;
  });
  return `# Latchkey\n\n> ${description}\n\n${listed.join("\n")}`;
}

/** Returns all pages as one text. */
export function llmsFull(description: string, pages: readonly PublishedPage[]): string {
  const texts = pages.map(({ path, markdown }) => `<!-- ${path} -->\n\n${markdown.trim()}\n`);
  return `# Latchkey\n\n> ${description}\n\n${texts.join("\n")}`;
}

const headings: Readonly<Record<string, string>> = {
  ".": "Documentation",
  api: "API reference",
  "api/latchkey": "API reference, other entries",
  examples: "Examples",
  guarantees: "Guarantees",
};

function firstSentence(markdown: string): string {
  const withoutCode = markdown.replace(/^```[\s\S]*?^```$/gm, "");
  const paragraph = withoutCode.split(/\n{2,}/).find((text) => /^[^#|<]/.test(text)) ?? "";
  const plain = paragraph.replaceAll("\n", " ").replaceAll(/\[(?<label>[^\]]+)\]\([^)]+\)/g, "$<label>");
  return /^.*?[.:](?=\s|$)/.exec(plain)?.[0].replace(/:$/, ".") ?? plain;
}
