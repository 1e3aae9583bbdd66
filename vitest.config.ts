import { randomInt } from "node:crypto";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// One seed for all properties of a run; the workers inherit it.
process.env["LATCHKEY_SEED"] ||= String(randomInt(2 ** 31));

const LONG = "test/**/*.long.test.ts";
const CHAOS = "test/**/*.chaos.test.ts";
const BROWSER = "test/**/*.browser.test.ts";
const NATS = "test/**/*.nats.test.ts";
const POSTGRES = "test/**/*.postgres.test.ts";
const PACKAGE = ["test/package/**/*.test.ts", "test/docs/**/*.test.ts"];

/** The slowest files of each project, which begin first so that no worker is left alone with one at the end. */
const SLOWEST = [
  "nats/consumer/consume-failures.nats",
  "cli/clear/clear.nats",
  "nats/kv/store-contract.nats",
  "nats/kv/store-contract.long.nats",
  "nats/guarantee-bugs.long.nats",
  "nats/guarantees.nats",
  "nats/consumer/consume.nats",
  "cli/doctor/doctor.nats",
  "nats/kv/store-cluster.long.nats",
  "nats/publish-bugs.long.nats",
  "examples/readmes.long.nats",
  "testing/handlers/handlers.long",
  "testing/trial/trial.long",
  "docs/site.long",
  "package/package.long",
  "properties/planted-bugs.long",
  "model/dedup-key-model.long",
  "model/largest-scope.long",
  "testing/search/commit-without-fence.long",
  "testing/examples/postgres-store",
  "cli/demo/demo",
  "inspect/page/views.long.browser",
  "inspect/page/accessibility.long.browser",
];

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = SLOWEST.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`));
      return index === -1 ? SLOWEST.length : index;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

/** The examples import the package by its name; here that is the source, so no build is needed. */
const alias = [
  { find: /^latchkey$/, replacement: source("index.ts") },
  { find: /^latchkey\/(\w+)$/, replacement: source("$1/index.ts") },
];

function source(path: string): string {
  return fileURLToPath(new URL(`src/${path}`, import.meta.url));
}

export default defineConfig({
  resolve: { alias },
  test: {
    sequence: { sequencer: SlowestFirst },
    reporters: ["default", "./test/support/reporter.ts"],
    maxWorkers: 2,
    // Files share a worker's modules, which halves the CPU time of short files.
    isolate: false,
    retry: 0,
    projects: [
      {
        extends: true,
        test: {
          name: "nats",
          include: [NATS],
          globalSetup: ["test/support/nats-global-setup.ts"],
          setupFiles: ["test/support/setup.ts", "test/support/nats-setup.ts"],
          runner: "./test/support/nats-runner.ts",
          // Longer than every wait inside a test, because a failed wait says what was missing.
          testTimeout: 300_000,
          hookTimeout: 180_000,
          // Most of these tests wait for a TTL, so many can run at the same time.
          maxConcurrency: 20,
          maxWorkers: 4,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "postgres",
          include: [POSTGRES],
          globalSetup: ["test/support/postgres-global-setup.ts"],
          setupFiles: ["test/support/setup.ts", "test/support/postgres-setup.ts"],
          runner: "./test/support/postgres-runner.ts",
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // Most of these tests wait for a TTL or a server.
          maxConcurrency: 20,
          maxWorkers: 4,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [LONG, CHAOS, BROWSER, NATS, POSTGRES, ...PACKAGE],
          setupFiles: ["test/support/setup.ts"],
          // Longer than the limit of a property, because fast-check says how to replay an interrupted property.
          testTimeout: 90_000,
          // Some hooks start a server or build the package, with a low priority in `npm test`.
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "package",
          include: PACKAGE,
          exclude: [LONG, NATS],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          maxWorkers: 3,
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
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "long",
          include: [LONG],
          setupFiles: ["test/support/setup.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 3 },
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
          // A campaign ends by its own limits, and then says what was missing.
          testTimeout: 900_000,
          // A cluster and its workers need the whole machine.
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
    ],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts", "machines/**/*.ts"],
      // The page's JSX and src/inspect/page/browser run in a browser, where coverage is not measured. The decisions of the page are
      // in src/inspect/page/state and count. src/cli/main.ts only passes arguments and streams on; the tests run it as a process.
      exclude: ["src/cli/main.ts", "src/inspect/page/browser/**"],
      reporter: ["text-summary", "json-summary", "html"],
      reportOnFailure: true,
    },
  },
});
