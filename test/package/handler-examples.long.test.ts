import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify, stripVTControlCharacters } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { stepsOf } from "../examples/readme.ts";
import { ensureBuilt } from "../support/built.ts";

// Outside of test/examples because these examples import the built package, as they do in a user's project.

/** Commands that prepare a clone. The tests have done so. */
const PREPARATION = "npm ci\nnpm run build\n";

/** Runs a command, and returns everything that it prints. */
async function outputOf(command: string): Promise<string> {
  const env = { ...process.env, NO_COLOR: "1" };
  // Vitest would take itself for a part of this run, and node:test for a subtest.
  for (const name of ["VITEST", "VITEST_MODE", "VITEST_POOL_ID", "VITEST_WORKER_ID", "NODE_ENV", "FORCE_COLOR"]) {
    Reflect.deleteProperty(env, name);
  }
  const { stdout, stderr } = await promisify(execFile)("sh", ["-c", command], { env });
  return stripVTControlCharacters(stdout + stderr);
}

describe("the README of an example that tests a handler", () => {
  beforeAll(ensureBuilt);

  it.each(["test-your-handler", "test-express", "test-nest"])("works word for word: %s", async (name) => {
    const steps = stepsOf(
      readFileSync(`examples/${name}/README.md`, "utf8").replace(`\`\`\`sh\n${PREPARATION}\`\`\`\n`, ""),
    );
    expect(steps.length).toBeGreaterThan(0);
    for (const step of steps) {
      if (!("run" in step)) throw new Error(`Expected only commands that end, got ${JSON.stringify(step)}`);
      const output = await outputOf(step.run);
      for (const line of step.output.trim().split("\n")) expect(output).toContain(line);
    }
  });
});
