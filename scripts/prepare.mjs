// Prepares a clone: installs from the lock file if node_modules does not match it, and builds if dist is older than the sources.
// Does nothing if both are up to date. Has no dependencies, because it runs before anything is installed.
//
//   node scripts/prepare.mjs              install and build
//   node scripts/prepare.mjs --no-build   install only
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { linkThirdParty } from "./third-party.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const at = (/** @type {string[]} */ ...parts) => join(root, ...parts);

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  requireNode();
  installIfStale();
  if (!process.argv.includes("--no-build")) buildIfStale();
}

function requireNode() {
  const { engines } = JSON.parse(readFileSync(at("package.json"), "utf8"));
  const wanted = /(\d+)\.(\d+)/.exec(engines.node);
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [wantedMajor, wantedMinor] = [Number(wanted?.[1]), Number(wanted?.[2])];
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  fail(`Latchkey needs Node ${engines.node}; this is ${process.versions.node}.`);
}

function installIfStale() {
  if (installedMatchesLock()) return;
  console.log("Installing the dependencies from package-lock.json …");
  const npm = process.env["npm_execpath"];
  // Errors only: one package of the NATS client requires a later Node than it needs, and npm would warn about it every time.
  const options = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  if (npm?.endsWith(".js")) run(process.execPath, [npm, ...options]);
  else run("npm", options);
}

/** Compares npm's record of what it installed with the lock file. Optional packages, for other platforms, may be missing. */
function installedMatchesLock() {
  const record = at("node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const locked = packagesOf(at("package-lock.json"));
  const installed = packagesOf(record);
  const same = (/** @type {LockedPackage | undefined} */ a, /** @type {LockedPackage | undefined} */ b) =>
    a !== undefined && b !== undefined && a.version === b.version && a.integrity === b.integrity;
  return (
    Object.entries(installed).every(([path, entry]) => same(entry, locked[path])) &&
    Object.entries(locked).every(([path, entry]) => path === "" || entry.optional || same(entry, installed[path]))
  );
}

/** @typedef {{ version?: string, integrity?: string, optional?: boolean }} LockedPackage */

/** @returns {Record<string, LockedPackage>} */
function packagesOf(/** @type {string} */ lockFile) {
  return JSON.parse(readFileSync(lockFile, "utf8")).packages;
}

function buildIfStale() {
  const stamp = at(".cache", "built");
  const sources = [
    "src",
    "machines",
    "package-lock.json",
    "tsconfig.json",
    "tsconfig.build.json",
    "vite.page.config.ts",
    "vite.third-party.config.ts",
    "scripts/third-party.mjs",
  ];
  const changedMs = Math.max(...sources.map((source) => newestMs(at(source))));
  if (existsSync(at("dist")) && existsSync(stamp) && statSync(stamp).mtimeMs >= changedMs) return;
  console.log("Building dist …");
  const startedAt = new Date();
  const fresh = at(".cache", `dist-${process.pid}`);
  run(process.execPath, [
    at("node_modules", "typescript-7", "bin", "tsc"),
    "-p",
    at("tsconfig.build.json"),
    "--outDir",
    fresh,
  ]);
  const vite = [at("node_modules", "vite", "bin", "vite.js"), "build", "--outDir", fresh, "--config"];
  for (const mode of ["production", "play"]) {
    run(process.execPath, [...vite, at("vite.page.config.ts"), "--mode", mode]);
  }
  run(process.execPath, [...vite, at("vite.third-party.config.ts")]);
  linkThirdParty(fresh);
  // Swaps the whole folder, so that no output of a removed source stays, and a failed build keeps the last one.
  const old = at(".cache", `dist-old-${process.pid}`);
  if (existsSync(at("dist"))) renameSync(at("dist"), old);
  renameSync(fresh, at("dist"));
  rmSync(old, { recursive: true, force: true });
  mkdirSync(at(".cache"), { recursive: true });
  writeFileSync(stamp, "");
  utimesSync(stamp, startedAt, startedAt);
}

/** Returns the time of the last change of a file or of anything in a folder. Adding or removing a file changes its folder. */
function newestMs(/** @type {string} */ path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  const entries = readdirSync(path, { recursive: true, encoding: "utf8" });
  return Math.max(
    stats.mtimeMs,
    ...entries.map((entry) => statSync(join(path, entry), { throwIfNoEntry: false })?.mtimeMs ?? 0),
  );
}

/** Runs a command. If it fails, ends this process with its exit code. */
function run(/** @type {string} */ command, /** @type {string[]} */ options) {
  const shell = command === "npm" && process.platform === "win32";
  const { status, error } = spawnSync(command, options, { cwd: root, stdio: "inherit", shell });
  if (error !== undefined) fail(`${command} could not be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** @returns {never} */
function fail(/** @type {string} */ message) {
  console.error(message);
  process.exit(1);
}
