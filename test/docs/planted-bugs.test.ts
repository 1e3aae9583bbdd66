import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { effectsSection } from "../../scripts/planted-bugs.ts";

it("lists every bug that the tests plant in effects in docs/planted-bugs.md", () => {
  expect(readFileSync("docs/planted-bugs.md", "utf8")).toContain(effectsSection());
});
