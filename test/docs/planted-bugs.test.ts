import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { effectsSection, neverAccusedRow } from "../../scripts/planted-bugs.ts";
import { correctHandlers } from "../testing/handlers/correct-handlers.ts";
import { plantedBugs } from "../testing/handlers/planted-bugs.ts";

const page = readFileSync("docs/planted-bugs.md", "utf8");

it("lists every bug that the tests plant in effects in docs/planted-bugs.md", () => {
  expect(page).toContain(effectsSection());
});

it("lists every planted bug and every correct handler of checkHandler in docs/planted-bugs.md, none of them accused", () => {
  for (const { name, source } of plantedBugs) expect(page).toContain(`| ${name} | ${source} |`);
  for (const correct of correctHandlers) expect(page).toContain(neverAccusedRow(correct));
});
