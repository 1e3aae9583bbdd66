import { relative, resolve } from "node:path";
import { join } from "node:path/posix";
import type { MarkdownRenderer } from "vitepress";
import { sitePath } from "./pages.ts";

export interface LinkOptions {
  /** Root of the repository. */
  readonly root: string;
  /** Address of the repository's files on the web. */
  readonly repository: string;
  /** Called with each file of `docs` that is no page and to which a page links. */
  readonly onAttachment: (file: string) => void;
}

/**
 * Turns the relative links of a page into links of the site. Pages link to each other as files, so that the links also work on GitHub
 * and in the package. A file that is not on the site is linked in the repository.
 */
export function repositoryLinks(markdown: MarkdownRenderer, options: LinkOptions): void {
  markdown.core.ruler.push("repository-links", ({ tokens, env }) => {
    const from = fileOf(env, options.root);
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === "link_open" ? token.attrGet("href") : null;
      if (href !== null && !/^(?:[a-z]+:|[#/])/.test(href)) token.attrSet("href", linkOf(from, href, options));
    }
  });
}

function linkOf(from: string, href: string, { repository, onAttachment }: LinkOptions): string {
  const [path = "", anchor] = href.split("#");
  const file = join(from, "..", path).replace(/\/$/, "");
  const suffix = anchor === undefined ? "" : `#${anchor}`;
  const page = file.endsWith(".md") ? sitePath(file) : undefined;
  if (page !== undefined) return `/${page}${suffix}`;
  if (!file.startsWith("docs/")) return `${repository}/${file}${suffix}`;
  onAttachment(file);
  return `/${file.slice("docs/".length)}`;
}

/** Returns the path of the file that is rendered, relative to the repository. */
export function fileOf(env: unknown, root: string): string {
  const path = isRecord(env) ? (env["realPath"] ?? env["path"]) : undefined;
  if (typeof path !== "string") throw new Error("VitePress rendered Markdown without a path");
  return relative(root, resolve(root, path));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
