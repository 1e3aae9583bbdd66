// Runs the tests. The last line is always `N passed, N failed, N skipped`; each check counts as one test.
//
//   npm test                checks format, build and types, and runs every test but the long ones
//   npm run test:all        adds lint, the long tests, the chaos campaigns, the coverage limit and the runtimes
//   npm test -- FILTER …    passes the arguments to vitest, and checks nothing else
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Pages and commands that only browsers and processes run are not counted. */
const MIN_BRANCHES_PERCENT = 95;
/** Projects whose tests reach nearly every branch. Coverage slows the others down, and they add nothing to it. */
const COVERED = ["nats", "postgres", "unit"];

const WITHOUT_LONG = ["--exclude", "test/**/*.long.*"];
/** Lets the properties that take most time run less often. */
const FEW_RUNS = { LATCHKEY_TEST_RUNS: "few" };

/** @typedef {[name: string, command: string, ...options: string[]]} Check */

/** @type {Check} */
const BUILD = ["build", process.execPath, "scripts/prepare.mjs"];
/** TypeScript 7 takes a fifth of the time. Lint still needs TypeScript 6. */
const TYPESCRIPT_7 = "node_modules/typescript-7/bin/tsc";
/** @type {Check[]} */
const QUICK_CHECKS = [
  ["format and syntax", "biome", "ci", "--error-on-warnings", "."],
  ["types", process.execPath, TYPESCRIPT_7, "-p", "tsconfig.json"],
  ["types of the inspector's page", process.execPath, TYPESCRIPT_7, "-p", "src/inspect/page"],
  ["types of the simulator's page", process.execPath, TYPESCRIPT_7, "-p", "src/cli/play/page"],
  ["types of the examples", process.execPath, TYPESCRIPT_7, "-p", "test/examples"],
];
/** @type {Check[]} */
const LONG_CHECKS = [
  ["lint", "eslint", "."],
  ["runtimes", process.execPath, "scripts/runtimes.mjs"],
];

const root = fileURLToPath(new URL("..", import.meta.url));
const coverageFile = join(root, "coverage", "coverage-summary.json");
const [mode, ...rest] = process.argv.slice(2);
const startedAt = performance.now();

/** @type {import("../test/support/reporter.ts").TestReport} */
const total = { passed: 0, failed: [], skipped: [] };
let vitestRuns = 0;

if (mode === undefined) {
  await build();
  const checks = runChecks(QUICK_CHECKS);
  // Tests with servers mostly wait. The others compute meanwhile, with the CPU time that is left.
  const computing = runTestsInBackground([...projects(["unit", "package", "browser"]), ...WITHOUT_LONG], FEW_RUNS);
  await runTests([...projects(["nats", "postgres"]), ...WITHOUT_LONG]);
  await computing;
  for (const result of await checks) report(result);
} else if (mode === "--all" && rest.length === 0) {
  rmSync(coverageFile, { force: true });
  await build();
  const checks = runChecks([...QUICK_CHECKS, ...LONG_CHECKS]);
  await runTests(["--coverage", ...projects(COVERED)]);
  checkCoverage();
  await runTests(projects(["package", "browser", "long", "chaos"]));
  for (const result of await checks) report(result);
} else {
  await runTests([mode, ...rest]);
}

for (const { name, reason } of total.skipped) console.log(`skipped: ${reason}: ${name}`);
for (const name of total.failed) console.log(`failed: ${name}`);
console.log(`Took ${Math.round((performance.now() - startedAt) / 1_000)} s`);
console.log(`${total.passed} passed, ${total.failed.length} failed, ${total.skipped.length} skipped`);
process.exitCode = total.failed.length === 0 ? 0 : 1;

/** @param {readonly string[]} names */
function projects(names) {
  return names.flatMap((name) => ["--project", name]);
}

/** Builds the package, which tests run, and which the benchmarks import as users do. */
async function build() {
  report(await check(BUILD));
}

/**
 * Runs checks one after the other, beside the tests, many of which wait for servers.
 * @param {readonly Check[]} checks
 */
async function runChecks(checks) {
  const results = [];
  for (const one of checks) results.push(await check(one));
  return results;
}

/** @typedef {{ name: string, passed: boolean, output: string }} CheckResult */

/**
 * Runs a command and keeps its output.
 * @param {Check} what
 * @returns {Promise<CheckResult>}
 */
async function check([name, command, ...options]) {
  return { name, ...(await runInBackground(command, options)) };
}

/**
 * Runs a command with a low priority, so that it does not delay tests that measure time, and returns its output.
 * @param {string} command
 * @param {readonly string[]} options
 * @param {Record<string, string>} [env]
 */
async function runInBackground(command, options, env) {
  const child = start(command, options, "pipe", env);
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += String(chunk)));
  return { passed: await succeeds(child), output };
}

function report(/** @type {CheckResult} */ { name, passed, output }) {
  console.log(`\n== ${name}: ${passed ? "passed" : "failed"}`);
  if (passed) {
    total.passed += 1;
  } else {
    total.failed.push(name);
    console.log(output);
  }
}

/** Runs vitest and adds its counts. */
async function runTests(/** @type {string[]} */ options) {
  console.log("\n== tests");
  const folder = emptyFolder();
  count(folder, await succeeds(start("vitest", ["run", ...options], "inherit", { LATCHKEY_TEST_FOLDER: folder })));
}

/**
 * Runs vitest with a low priority, prints its output at the end, and adds its counts.
 * @param {string[]} options
 * @param {Record<string, string>} env
 */
async function runTestsInBackground(options, env) {
  const folder = emptyFolder();
  const { passed, output } = await runInBackground("vitest", ["run", ...options], {
    ...env,
    LATCHKEY_TEST_FOLDER: folder,
  });
  console.log(`\n== tests in the background\n${output}`);
  count(folder, passed);
}

/** Returns a folder for the results of one run of vitest. */
function emptyFolder() {
  vitestRuns += 1;
  const folder = join(root, ".cache", `test-run-${vitestRuns}`);
  rmSync(folder, { recursive: true, force: true });
  return folder;
}

/**
 * Adds the counts of a run of vitest. A crash or a failed set-up, which vitest cannot count, is one failure.
 * @param {string} folder
 * @param {boolean} passedAll
 */
function count(folder, passedAll) {
  const file = join(folder, "report.json");
  /** @type {typeof total} */
  const { passed, failed, skipped } = existsSync(file)
    ? JSON.parse(readFileSync(file, "utf8"))
    : { passed: 0, failed: [], skipped: [] };
  total.passed += passed;
  total.failed.push(...failed);
  total.skipped.push(...skipped);
  if (!passedAll && failed.length === 0) total.failed.push("vitest itself (see above)");
}

function checkCoverage() {
  const name = `coverage of at least ${MIN_BRANCHES_PERCENT} % of the branches`;
  console.log(`\n== ${name}`);
  if (total.skipped.some(({ reason }) => reason.startsWith("no nats-server"))) {
    total.skipped.push({ name, reason: "the tests that need a nats-server did not run" });
  } else if (!existsSync(coverageFile)) {
    console.log("Coverage was not measured.");
    total.failed.push(name);
  } else {
    /** @type {Record<string, { branches: { total: number, covered: number, pct: number } }>} */
    const { total: all, ...files } = JSON.parse(readFileSync(coverageFile, "utf8"));
    const pct = all?.branches.pct ?? 0;
    console.log(`${pct} %`);
    if (pct >= MIN_BRANCHES_PERCENT) {
      total.passed += 1;
      return;
    }
    total.failed.push(name);
    for (const [file, { branches }] of Object.entries(files)) {
      const missed = branches.total - branches.covered;
      if (missed > 0) console.log(`${relative(root, file)}: ${missed} of ${branches.total} not covered`);
    }
  }
}

/** Starts a program of the installed packages, or one with an absolute path. */
function start(
  /** @type {string} */ command,
  /** @type {readonly string[]} */ options,
  /** @type {"inherit" | "pipe"} */ output,
  /** @type {Record<string, string>} */ variables = {},
) {
  const PATH = `${join(root, "node_modules", ".bin")}${delimiter}${process.env["PATH"] ?? ""}`;
  const shell = process.platform === "win32" && command !== process.execPath;
  const env = { ...process.env, PATH, ...variables };
  return spawn(command, options, { cwd: root, stdio: ["ignore", output, output], shell, env });
}

/** @returns {Promise<boolean>} true if the process ended with exit code 0. */
function succeeds(/** @type {import("node:child_process").ChildProcess} */ child) {
  return new Promise((resolve) => {
    child.once("error", (error) => {
      console.error(`${child.spawnfile} could not be started: ${error.message}`);
      resolve(false);
    });
    child.once("close", (code) => resolve(code === 0));
  });
}
