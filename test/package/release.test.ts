import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { notesOf, obstacles } from "../../scripts/release.mjs";

const changelog = `# Changelog

## [Unreleased]

## [1.2.0] - 2026-11-30

### Added

- A feature.

## [1.1.0] - 2026-10-01

- An older feature.
`;
const ready = { version: "1.2.0", changelog, tags: ["v1.1.0"], changes: [] };

describe("a release", () => {
  it("has no obstacles if the tree is clean and the changelog describes a new version", () => {
    expect(obstacles(ready)).toEqual([]);
  });

  it.each([
    ["the working tree has changes", { changes: ["src/index.ts"] }, "src/index.ts"],
    ["the version is not semantic", { version: "next" }, "next"],
    ["the version was released before", { tags: ["v1.2.0"] }, "v1.2.0"],
    ["the changelog has no section for the version", { version: "1.3.0" }, "1.3.0"],
    [
      "the section of the version is empty",
      { changelog: changelog.replace(/### Added\n\n- A feature.\n/, "") },
      "1.2.0",
    ],
    [
      "entries are left under Unreleased",
      { changelog: changelog.replace("## [Unreleased]", "## [Unreleased]\n\n- A stray entry.") },
      "Unreleased",
    ],
  ])("is refused if %s", (_, change, named) => {
    expect(obstacles({ ...ready, ...change }).join("\n")).toContain(named);
  });

  it("takes its notes from the section of its version only", () => {
    expect(notesOf(changelog, "1.2.0")).toBe("### Added\n\n- A feature.");
    expect(notesOf(changelog, "1.1.0")).toBe("- An older feature.");
    expect(notesOf(changelog, "1.0.0")).toBe("");
  });
});

describe("CHANGELOG.md", () => {
  const text = readFileSync("CHANGELOG.md", "utf8");

  it("has a section for unreleased changes, which a release moves to its version", () => {
    expect(text).toMatch(/^## \[Unreleased\]$/m);
  });

  it("uses the headings of Keep a Changelog only", () => {
    const headings = [...text.matchAll(/^### (?<heading>.+)$/gm)].map(({ groups }) => groups?.["heading"] ?? "");
    const known = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
    expect(headings.filter((heading) => !known.includes(heading))).toEqual([]);
  });
});
