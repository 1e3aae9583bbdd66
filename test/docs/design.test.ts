import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { textOf } from "./documents.ts";

/** Folders below these have no line of their own: one line describes them all. */
const DESCRIBED_TOGETHER = ["src/cli", "src/inspect/page", "test", "docs", "scripts"];

function folders(parent: string): string[] {
  return readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const folder = `${parent}/${name}`;
      return DESCRIBED_TOGETHER.includes(folder) ? [folder] : [folder, ...folders(folder)];
    });
}

/** Returns the folders that the first column of the table names. */
function described(design: string): string[] {
  return [...design.matchAll(/^\| `(?<folder>[\w/-]+)\/` \|/gm)].map(({ groups }) => groups?.["folder"] ?? "");
}

describe("the table of folders in docs/design.md", () => {
  const design = textOf("docs/design.md");

  it("has one line for every folder of the sources, and none for another", () => {
    const present = ["machines", "docs", "examples", "scripts", "test", ...folders("src")];
    expect(described(design).toSorted()).toEqual(present.toSorted());
  });

  it("is read from the first column only", () => {
    expect(described("| `src/one/` | like `src/two/` |\n| `src/*.ts` | the core |")).toEqual(["src/one"]);
  });
});
