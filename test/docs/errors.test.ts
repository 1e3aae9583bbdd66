import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { anchorsOf } from "./markdown.ts";

const source = readFileSync("src/errors.ts", "utf8");
const documented = readFileSync("docs/errors.md", "utf8");

describe("the document of errors", () => {
  it("has a section for every code, and for no other", () => {
    const codes = membersOf(source, "ErrorCode");
    expect(codes.length).toBeGreaterThan(5);
    expect(sectionsOf(documented)).toEqual(codes.toSorted());
  });

  it("has a row in its overview for every code, with a link to its section", () => {
    const rows = [...documented.matchAll(/^\| \[`(?<code>[a-z-]+)`\]\(#(?<anchor>[a-z-]+)\) \|/gm)];
    expect(rows.map(({ groups }) => groups?.["code"] ?? "").toSorted()).toEqual(
      membersOf(source, "ErrorCode").toSorted(),
    );
    for (const { groups } of rows) expect(groups?.["anchor"]).toBe(groups?.["code"]);
    expect(anchorsOf(documented)).toEqual(expect.arrayContaining(rows.map(({ groups }) => groups?.["anchor"])));
  });

  it("tells every reason of a loss", () => {
    const reasons = membersOf(source, "LossReason");
    expect(reasons.length).toBeGreaterThan(2);
    const told = [...documented.matchAll(/^\| `(?<reason>[a-z-]+)` \|/gm)].map(
      ({ groups }) => groups?.["reason"] ?? "",
    );
    expect(told.toSorted()).toEqual(reasons.toSorted());
  });

  it("is really checked: a code more is found", () => {
    const more = source.replace('| "permanent"', '| "permanent" | "new-one"');
    expect(membersOf(more, "ErrorCode")).toContain("new-one");
    expect(sectionsOf(documented)).not.toContain("new-one");
  });
});

/** The strings of a union in the source. */
function membersOf(text: string, union: string): string[] {
  const declaration = new RegExp(`^export type ${union} =(?<members>[^;]+);`, "m").exec(text);
  return [...(declaration?.groups?.["members"] ?? "").matchAll(/"(?<member>[^"]+)"/g)].map(
    ({ groups }) => groups?.["member"] ?? "",
  );
}

/** The headings of the second rank that name a code, sorted. */
function sectionsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^## `(?<code>[a-z-]+)`$/gm)].map(({ groups }) => groups?.["code"] ?? "").toSorted();
}
