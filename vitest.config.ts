import { randomInt } from "node:crypto";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// One seed for all properties of a run; the workers inherit it.
process.env["LATCHKEY_SEED"] ||= String(randomInt(2 ** 31));

const CHAOS = "test/**/*.chaos.test.ts";
const BROWSER = "test/**/*.browser.test.ts";
const NATS = "test/**/*.nats.test.ts";
const slow = [NATS, CHAOS, BROWSER, "test/package/**/*.test.ts", "test/docs/**/*.test.ts"];

/** These take longest. One that began last would keep one worker busy while the other has nothing left. */
const LONG = [
  "model/dedup-key-model",
  "properties/planted-bugs",
  "statechart/compiled-logic",
  "nats/consumer/consume-failures.nats",
  "nats/kv/store-contract.nats",
  "cli/clear/clear.nats",
  "nats/guarantees.nats",
  "inspect/page/views.browser",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((name) => moduleId.endsWith(`test/${name}.test.ts`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    reporters: ["default", "./test/support/reporter.ts"],
    maxWorkers: 2,
    retry: 0,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: slow,
          setupFiles: ["test/support/setup.ts"],
          // Longer than the limit of a property, so that a slow one is stopped by fast-check, which says how to replay it.
          testTimeout: 90_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "nats",
          include: [NATS],
          globalSetup: ["test/support/nats-global-setup.ts"],
          setupFiles: ["test/support/setup.ts", "test/support/nats-setup.ts"],
          runner: "./test/support/nats-runner.ts",
          // Longer than what a test waits for in vain, which says more.
          testTimeout: 300_000,
          hookTimeout: 180_000,
          // Most of these wait for a time to live: the waiting can be done together.
          maxConcurrency: 20,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "package",
          include: ["test/package/**/*.test.ts", "test/docs/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: [BROWSER],
          globalSetup: ["test/support/browser-global-setup.ts"],
          setupFiles: ["test/support/browser-setup.ts"],
          runner: "./test/support/browser-runner.ts",
          testTimeout: 90_000,
          hookTimeout: 90_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "chaos",
          include: [CHAOS],
          globalSetup: ["test/support/nats-global-setup.ts"],
          setupFiles: ["test/support/setup.ts", "test/support/nats-setup.ts"],
          runner: "./test/support/nats-runner.ts",
          // It ends by its own limits, which say more.
          testTimeout: 900_000,
          // A cluster with its workers has the machine to itself.
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts", "machines/**/*.ts"],
      // What draws the page (its JSX) and what ties it to a browser runs in a browser, where nothing is counted; what it decides
      // is in `src/inspect/page/state`, and counts.
      // The executable only hands the process's arguments and streams to `cli.ts`; the tests run it as a process.
      exclude: ["src/cli/main.ts", "src/inspect/page/browser/**"],
      reporter: ["text-summary", "json-summary", "html"],
      reportOnFailure: true,
    },
  },
});
