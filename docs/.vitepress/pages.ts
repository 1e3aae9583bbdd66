import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";

/** A page of the site, or a group of pages, in the navigation. */
export interface NavigationItem {
  readonly text: string;
  readonly link?: string;
  readonly collapsed?: boolean;
  readonly items?: NavigationItem[];
}

/** Returns where a Markdown file of the repository is on the site, or undefined if the site does not contain it. */
export function sitePath(file: string): string | undefined {
  const inDocs = /^docs\/(?<path>.+)$/.exec(file)?.groups?.["path"];
  if (inDocs !== undefined) return inDocs.replace(/^api\/README\.md$/, "api/index.md");
  if (file === "examples/README.md") return "examples/index.md";
  const example = /^examples\/(?<name>[^/]+)\/README\.md$/.exec(file)?.groups?.["name"];
  return example === undefined ? undefined : `examples/${example}.md`;
}

/** Returns the first heading of a page. */
export function titleOf(markdown: string): string {
  return (/^# (?<title>.+)$/m.exec(markdown)?.groups?.["title"] ?? "").replaceAll("`", "");
}

/** A section of the index, with the pages to which it links. */
interface Section {
  readonly title: string;
  readonly pages: readonly string[];
}

/** Returns the sections of `docs/index.md`. A page belongs to the first section that links to it. */
export function sectionsOf(index: string): readonly Section[] {
  const seen = new Set<string>();
  return index
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const links = [...section.matchAll(/\]\((?<path>[^)#\s]+\.md)/g)].map(({ groups }) =>
        join("docs", groups?.["path"] ?? ""),
      );
      const pages = [...new Set(links)].filter((page) => !seen.has(page));
      for (const page of pages) seen.add(page);
      return { title: section.split("\n")[0] ?? "", pages };
    });
}

/**
 * Builds the navigation from the sections of the index. Pages in a folder named as a page belong below that page. Pages that do not
 * exist yet are left out: `npm run api` generates some.
 */
export function navigation(root: string): NavigationItem[] {
  const read = (file: string): string => readFileSync(join(root, file), "utf8");
  const item = (file: string): NavigationItem => {
    const children = pagesBelow(root, file).map(item);
    const page = { text: titleOf(read(file)), link: `/${sitePath(file) ?? ""}` };
    return children.length === 0 ? page : { ...page, collapsed: true, items: children };
  };
  return sectionsOf(read("docs/index.md")).map(({ title, pages }) => ({
    text: title,
    items: pages.filter((page) => existsSync(join(root, page))).map(item),
  }));
}

/** Returns the pages below a page: `docs/x/*.md` for `docs/x.md`, and the rest of its folder for an index. */
function pagesBelow(root: string, file: string): readonly string[] {
  const name = /\/(?<name>[^/]+)\.md$/.exec(file)?.groups?.["name"] ?? "";
  const isIndex = name === "README";
  const folder = isIndex ? dirname(file) : `${dirname(file)}/${name}`;
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md") && `${folder}/${path}` !== file)
    .filter((path) => !path.includes("node_modules"))
    .map((path) => `${folder}/${path}`)
    .toSorted((one, other) => one.localeCompare(other, "en", { numeric: true }));
}
