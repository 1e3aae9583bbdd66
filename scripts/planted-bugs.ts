import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { publishBugs } from "../test/nats/publish-bugs.ts";
import { effectBugs } from "../test/postgres/effect-bugs.ts";
import { simulatedMistakes } from "../test/postgres/simulated-service.ts";
import { type CorrectHandler, correctHandlers } from "../test/testing/handlers/correct-handlers.ts";
import type { PlantedBug } from "../test/testing/handlers/planted-bug.ts";
import { plantedBugs } from "../test/testing/handlers/planted-bugs.ts";
import { DEFAULT_RUNS, searchFor } from "../test/testing/handlers/runs-needed.ts";

const PAGE = "docs/planted-bugs.md";
const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);
/** Fewer seeds for correct handlers, whose searches do not end early. */
const CORRECT_SEEDS = SEEDS.slice(0, 3);

const head = `# Planted bugs

The tests of \`checkHandler\` contain ${plantedBugs.length} handlers with one bug each. Every bug is one that people made, in a comparable system or in their
use of Latchkey. The table shows how many runs the search needs with default options, for 20 seeds. A thousand runs take one to three
seconds.

\`npm run planted-bugs\` measures again and writes this page. [Test your handler](testing-your-handler.md) explains the search.

| a handler that | seen in | breaks | runs: median | runs: worst |
| --- | --- | --- | ---: | ---: |
`;

/** Measures one bug and returns its row. */
async function rowOf(bug: PlantedBug): Promise<string> {
  const runs: number[] = [];
  for (const seed of SEEDS) {
    const found = await searchFor(bug, seed);
    runs.push(found.breaks.length === 0 ? Number.POSITIVE_INFINITY : found.runs);
  }
  runs.sort((a, b) => a - b);
  const shown = (count: number | undefined): string => (count === Number.POSITIVE_INFINITY ? "not found" : `${count}`);
  const median = runs[Math.floor(SEEDS.length / 2)];
  return `| ${bug.name} | ${bug.source} | ${bug.breaks} | ${shown(median)} | ${shown(runs.at(-1))} |\n`;
}

const correctHead = `
## Correct handlers

The same search tries these handlers, which are correct in different styles. It must accuse none of them.

| a handler that | runs tried | accused |
| --- | ---: | --- |
`;

/** Tries one correct handler and returns its row. */
async function correctRowOf(correct: CorrectHandler): Promise<string> {
  let runs = 0;
  const accused: string[] = [];
  for (const seed of CORRECT_SEEDS) {
    const found = await searchFor(correct, seed);
    runs += found.runs;
    if (found.breaks.length > 0) accused.push(`seed ${seed}: ${found.breaks.join(", ")}`);
  }
  return `| ${correct.name} | ${runs.toLocaleString("en")} | ${accused.length === 0 ? "never" : accused.join("; ")} |\n`;
}

/** Returns the row of a correct handler that no run accused. */
export function neverAccusedRow({ name }: CorrectHandler): string {
  return `| ${name} | ${(CORRECT_SEEDS.length * DEFAULT_RUNS).toLocaleString("en")} | never |\n`;
}

/** Returns the section about effects. Each of its bugs is found at once, so nothing is measured. */
export function effectsSection(): string {
  const rows = [
    ...Object.keys(simulatedMistakes).map((name) => ["`effectOnce`", name, "the books of the simulated database"]),
    ...effectBugs.map(({ name, foundBy }) => ["`effectOnce`", name, foundBy]),
    ...publishBugs.map(({ name, foundBy }) => ["`publishOnce`", name, foundBy]),
  ];
  return `
## Bugs in effects

The first rows replace \`effectOnce\` in the simulation. The others change one place of the package, which then runs on a real PostgreSQL or
nats-server. Each of these checks passes without the bug.

| part | bug | found by |
| --- | --- | --- |
${rows.map((row) => `| ${row.join(" | ")} |\n`).join("")}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  let page = head;
  for (const bug of plantedBugs) page += await rowOf(bug);
  page += correctHead;
  for (const correct of correctHandlers) page += await correctRowOf(correct);
  writeFileSync(PAGE, page + effectsSection());
}
