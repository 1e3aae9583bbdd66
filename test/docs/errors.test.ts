import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { anchorsOf } from "./markdown.ts";

const source = readFileSync("src/errors.ts", "utf8");
const documented = readFileSync("docs/errors.md", "utf8");

describe("docs/errors.md", () => {
  it("has a section for every error code and no other", () => {
    const codes = membersOf(source, "ErrorCode");
    expect(codes.length).toBeGreaterThan(5);
    expect(sectionsOf(documented)).toEqual(codes.toSorted());
  });

  it("has a row for every error code, with a link to its section", () => {
    const rows = [...documented.matchAll(/^\| \[`(?<code>[a-z-]+)`\]\(#(?<anchor>[a-z-]+)\) \|/gm)];
    expect(rows.map(({ groups }) => groups?.["code"] ?? "").toSorted()).toEqual(
      membersOf(source, "ErrorCode").toSorted(),
    );
    for (const { groups } of rows) expect(groups?.["anchor"]).toBe(groups?.["code"]);
    expect(anchorsOf(documented)).toEqual(expect.arrayContaining(rows.map(({ groups }) => groups?.["anchor"])));
  });

  it("describes every reason for a lost reservation", () => {
    const reasons = membersOf(source, "LossReason");
    expect(reasons.length).toBeGreaterThan(2);
    const described = [...documented.matchAll(/^\| `(?<reason>[a-z-]+)` \|/gm)].map(
      ({ groups }) => groups?.["reason"] ?? "",
    );
    expect(described.toSorted()).toEqual(reasons.toSorted());
  });

  it("fails the check if a code has no section", () => {
    const more = source.replace('| "permanent"', '| "permanent" | "new-one"');
    expect(membersOf(more, "ErrorCode")).toContain("new-one");
    expect(sectionsOf(documented)).not.toContain("new-one");
  });
});

/** Returns the strings of a union in the source. */
function membersOf(text: string, union: string): string[] {
  const declaration = new RegExp(`^export type ${union} =(?<members>[^;]+);`, "m").exec(text);
  return [...(declaration?.groups?.["members"] ?? "").matchAll(/"(?<member>[^"]+)"/g)].map(
    ({ groups }) => groups?.["member"] ?? "",
  );
}

/** Returns the second-level headings that name a code, sorted. */
function sectionsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^## `(?<code>[a-z-]+)`$/gm)].map(({ groups }) => groups?.["code"] ?? "").toSorted();
}
