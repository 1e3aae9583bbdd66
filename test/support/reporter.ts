import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite, Vitest } from "vitest/node";
import { firstLine } from "../../src/internal/first-line.ts";
import { takeExplored } from "./explored.ts";
import { RUN_FOLDER } from "./run-folder.ts";

/** The counts that `scripts/test.mjs` prints in its last line. */
export interface TestReport {
  passed: number;
  /** Names of the failed tests, each with the first line of its error. */
  readonly failed: string[];
  readonly skipped: { readonly name: string; readonly reason: string }[];
}

/** Prints the seed of the properties and the explored spaces, and writes the counts to a file. */
export default class CountingReporter implements Reporter {
  #filteredByName = false;
  #log: (line: string) => void = () => {};

  onInit(vitest: Vitest): void {
    this.#filteredByName = vitest.config.testNamePattern !== undefined;
    this.#log = (line) => vitest.logger.log(line);
    this.#log(`Properties use LATCHKEY_SEED=${process.env["LATCHKEY_SEED"]}`);
    takeExplored();
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const report: TestReport = { passed: 0, failed: [], skipped: [] };
    for (const module of modules) this.#count(module, report);
    for (const error of unhandled) report.failed.push(`unhandled error: ${error.message}`);
    mkdirSync(RUN_FOLDER, { recursive: true });
    writeFileSync(join(RUN_FOLDER, "report.json"), JSON.stringify(report));
    const explored = takeExplored();
    if (explored.length > 0) this.#log(`\nExplored by properties and model checks\n\n${explored.join("\n\n")}\n`);
    const files = modules.filter((module) => !module.ok()).map((module) => module.relativeModuleId);
    if (files.length > 0) {
      this.#log(
        `To replay the same properties: LATCHKEY_SEED=${process.env["LATCHKEY_SEED"]} npm test -- ${files.join(" ")}`,
      );
    }
  }

  #count(module: TestModule, report: TestReport): void {
    const failedIn = new Set<TestSuite | TestModule>();
    for (const test of module.children.allTests()) {
      const result = test.result();
      const brokenParent = parentsOf(test).find((parent) => parent.errors().length > 0);
      const missing = missingFor(test);
      const note = result.state === "skipped" ? result.note : undefined;
      if (result.state === "passed") report.passed += 1;
      // A test that the runner skips after its announcement stays "pending".
      else if (missing !== undefined) report.skipped.push({ name: nameOf(test), reason: missing });
      else if (result.state !== "skipped" || brokenParent !== undefined) {
        // A test that did not run because a hook failed counts as failed, not as skipped.
        const errors = result.errors?.length ? result.errors : brokenParent?.errors();
        report.failed.push(withReason(nameOf(test), errors));
        for (const parent of parentsOf(test)) failedIn.add(parent);
      } else if (note !== undefined || !this.#filteredByName) {
        report.skipped.push({ name: nameOf(test), reason: note ?? reasonOf(test) });
      }
    }
    for (const suite of [module, ...module.children.allSuites()]) {
      if (suite.errors().length > 0 && !failedIn.has(suite))
        report.failed.push(withReason(nameOf(suite), suite.errors()));
    }
  }
}

function parentsOf(test: TestCase): (TestSuite | TestModule)[] {
  const parents: (TestSuite | TestModule)[] = [];
  let parent = test.parent;
  while (parent.type === "suite") {
    parents.push(parent);
    parent = parent.parent;
  }
  return [...parents, parent];
}

function nameOf(task: TestCase | TestSuite | TestModule): string {
  return task.type === "module" ? task.relativeModuleId : `${task.module.relativeModuleId} > ${task.fullName}`;
}

/** Long enough for the reason of a failure, which the last lines of the output show beside the name. */
const MAX_REASON_LENGTH = 300;

function withReason(name: string, errors: readonly { readonly message: string }[] = []): string {
  const line = firstLine(errors[0]?.message ?? "");
  return line === "" ? name : `${name}: ${line.slice(0, MAX_REASON_LENGTH)}`;
}

/** Programs that a project needs, and the variable that its set-up sets if the program is missing. */
const needs = [
  { projects: ["nats", "chaos"], missing: "LATCHKEY_NATS_MISSING", reason: "no nats-server" },
  { projects: ["postgres"], missing: "LATCHKEY_POSTGRES_MISSING", reason: "no PostgreSQL server" },
  { projects: ["browser"], missing: "LATCHKEY_CHROMIUM_MISSING", reason: "no Chromium" },
];

function missingFor(test: TestCase): string | undefined {
  const project = test.module.project.name;
  return needs.find(({ projects, missing }) => projects.includes(project) && process.env[missing] !== undefined)
    ?.reason;
}

function reasonOf(test: TestCase): string {
  return test.options.mode === "todo" ? "not yet written" : "marked as skipped";
}
