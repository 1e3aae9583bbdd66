import { readdirSync, readFileSync } from "node:fs";

const examples: readonly string[] = [
  "examples",
  ...readdirSync("examples", { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `examples/${name}`),
];

const belowDocs: readonly string[] = readdirSync("docs", { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && ![".vitepress", "api"].includes(entry.name))
  .map(({ name }) => `docs/${name}`);

/** Pages that are written by hand; `docs/api` is generated. */
export const documents: readonly string[] = [".", "docs", ...belowDocs, ...examples].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => (folder === "." ? name : `${folder}/${name}`)),
);

export const textOf = (document: string): string => readFileSync(document, "utf8");
