import { readdirSync, readFileSync } from "node:fs";

/** Pages that are written by hand; `docs/api` is generated. */
export const documents: readonly string[] = [".", "docs"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => (folder === "." ? name : `${folder}/${name}`)),
);

export const textOf = (document: string): string => readFileSync(document, "utf8");
