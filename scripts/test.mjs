// What `npm test` runs. Without arguments: format, lint, types, build, every test with coverage. With arguments: just vitest,
// with these arguments (`npm test -- test/model/identity.test.ts -t vectors`). The last line is always `N passed, N failed, N skipped`.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const MIN_BRANCHES_PERCENT = 95;

const root = fileURLToPath(new URL("..", import.meta.url));
const reportFile = join(root, ".cache", "test-report.json");
const coverageFile = join(root, "coverage", "coverage-summary.json");
const filters = process.argv.slice(2);

/** @type {import("../test/support/reporter.ts").TestReport} */
const total = { passed: 0, failed: [], skipped: [] };

if (filters.length === 0) {
  check("format and syntax", "biome", ["ci", "--error-on-warnings", "."]);
  // The benchmarks import the package as its users do, so that there must be one before they are linted.
  check("build", process.execPath, ["scripts/prepare.mjs"]);
  check("lint", "eslint", ["."]);
  check("types", "tsc", ["-p", "tsconfig.json"]);
  check("types of the inspector's page", "tsc", ["-p", "src/inspect/page"]);
  runTests(["--coverage"]);
  checkCoverage();
} else {
  runTests(filters);
}

for (const { name, reason } of total.skipped) console.log(`skipped: ${reason}: ${name}`);
for (const name of total.failed) console.log(`failed: ${name}`);
console.log(`${total.passed} passed, ${total.failed.length} failed, ${total.skipped.length} skipped`);
process.exitCode = total.failed.length === 0 ? 0 : 1;

/** Runs one command and counts it as one test. */
function check(/** @type {string} */ name, /** @type {string} */ command, /** @type {string[]} */ options) {
  console.log(`\n== ${name}`);
  if (succeeds(command, options)) total.passed += 1;
  else total.failed.push(name);
}

/** Runs vitest and adds its count; what it cannot count itself (it crashed, a set-up failed) counts as one failure. */
function runTests(/** @type {string[]} */ options) {
  console.log("\n== tests");
  rmSync(reportFile, { force: true });
  rmSync(coverageFile, { force: true });
  const green = succeeds("vitest", ["run", ...options]);
  /** @type {typeof total} */
  const { passed, failed, skipped } = existsSync(reportFile)
    ? JSON.parse(readFileSync(reportFile, "utf8"))
    : { passed: 0, failed: [], skipped: [] };
  total.passed += passed;
  total.failed.push(...failed);
  total.skipped.push(...skipped);
  if (!green && failed.length === 0) total.failed.push("vitest itself (see above)");
}

function checkCoverage() {
  const name = `coverage of at least ${MIN_BRANCHES_PERCENT} % of the branches`;
  console.log(`\n== ${name}`);
  if (total.skipped.some(({ reason }) => reason.startsWith("no nats-server"))) {
    total.skipped.push({ name, reason: "the tests against a nats-server were not run" });
  } else if (!existsSync(coverageFile)) {
    console.log("It was not measured.");
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

/** @returns {boolean} whether the command, a program of the installed packages or an absolute path, ended with 0. */
function succeeds(/** @type {string} */ command, /** @type {string[]} */ options) {
  const PATH = `${join(root, "node_modules", ".bin")}${delimiter}${process.env["PATH"] ?? ""}`;
  const shell = process.platform === "win32" && command !== process.execPath;
  const { status, error } = spawnSync(command, options, {
    cwd: root,
    stdio: "inherit",
    shell,
    env: { ...process.env, PATH },
  });
  if (error !== undefined) console.error(`${command} could not be started: ${error.message}`);
  return status === 0;
}
