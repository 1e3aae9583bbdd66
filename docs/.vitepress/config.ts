import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import manifest from "../../package.json" with { type: "json" };
import { diagrams } from "./diagrams.ts";
import { repositoryLinks } from "./links.ts";
import { llmsFull, llmsIndex, published } from "./llms.ts";
import { navigation, sitePath } from "./pages.ts";
import { slugOf } from "./slug.ts";
import { exampleSources } from "./sources.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const repository = manifest.homepage.replace(/#.*$/, "");
const DESCRIPTION = "Dispatches each event once, however often it is delivered.";

/** A key, drawn here so that no file is fetched. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="#0b6b58" stroke-width="2"><circle cx="5" cy="8" r="3"/><path d="M8 8h7v3M12 8v3"/></svg>',
)}`;

/** Files of `docs` that are no pages, and that a page links to. */
const attachments = new Set<string>();
const sidebar = navigation(root);

/** The documentation site. Its pages are the Markdown files of `docs` and `examples`; nothing is loaded from other hosts. */
export default defineConfig({
  title: "Latchkey",
  description: DESCRIPTION,
  lang: "en",
  srcDir: "..",
  srcExclude: ["*.md", "{src,test,scripts,machines,dist,coverage,.*}/**", "docs/.vitepress/**", ".github/**"],
  outDir: "../.cache/site",
  cacheDir: "../.cache/vitepress",
  rewrites: (file) => sitePath(file) ?? file,
  metaChunk: true,
  head: [["link", { rel: "icon", href: ICON }]],
  markdown: {
    anchor: { slugify: slugOf },
    languageAlias: { "": "text" },
    config(markdown) {
      repositoryLinks(markdown, {
        root,
        repository: `${repository}/blob/main`,
        onAttachment: (file) => attachments.add(file),
      });
      diagrams(markdown);
      exampleSources(markdown, root);
    },
  },
  themeConfig: {
    nav: [
      { text: "Quick start", link: "/quick-start" },
      { text: "Guarantees", link: "/guarantees" },
      { text: "Simulator", link: "/simulator" },
      { text: "API", link: "/api/" },
    ],
    sidebar,
    outline: { level: [2, 3] },
    search: { provider: "local" },
    socialLinks: [{ icon: "github", link: repository }],
    footer: { message: "Apache-2.0 licence" },
  },
  transformPageData(page) {
    if (page.relativePath !== "index.md") return;
    page.frontmatter = { ...page.frontmatter, ...home };
  },
  async buildEnd({ pages, outDir }) {
    await copyFile(join(root, "dist/play.html"), join(outDir, "play.html"));
    for (const file of attachments) await copyTo(join(outDir, file.slice("docs/".length)), join(root, file));
    const texts = await Promise.all(
      pages.map(async (file) => ({
        path: sitePath(file) ?? file,
        markdown: published(await readFile(join(root, file), "utf8")),
      })),
    );
    const sorted = texts.toSorted((one, other) => one.path.localeCompare(other.path));
    for (const { path, markdown } of sorted) await writeFile(join(outDir, path), markdown);
    await writeFile(join(outDir, "llms.txt"), llmsIndex(DESCRIPTION, sorted));
    await writeFile(join(outDir, "llms-full.txt"), llmsFull(DESCRIPTION, sorted));
  },
});

const home = {
  layout: "home",
  hero: {
    name: "Latchkey",
    text: "Dispatch each event once",
    tagline:
      "However often it is delivered: reserve its key, dispatch, commit. A library, a command line and an inspector.",
    actions: [
      { theme: "brand", text: "Quick start", link: "/quick-start" },
      { theme: "alt", text: "Live simulator", link: "/simulator" },
      { theme: "alt", text: "What is guaranteed", link: "/guarantees" },
    ],
  },
};

async function copyTo(target: string, source: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, target);
}
