// Finds the redis-server that the benchmark compares with: the PATH, the cache, or Debian's package, unpacked without installing.
// Run as a program, it prints the path.
import { execFile } from "node:child_process";
import { readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { unpackDebian } from "./debian.mjs";
import { CACHE, firstErrorLine, onPath, print } from "./programs.mjs";

const FOLDER = join(CACHE, "redis");

/** @typedef {{ path: string, version: string, source: string }} FoundRedis */

/** @returns {Promise<FoundRedis | { missing: string }>} */
export async function findRedis() {
  const present =
    (await onPath(process.env["PATH"] ?? "", ["redis-server"], (program) => versionOf(program, "PATH"))) ??
    (await versionOf(join(FOLDER, "redis-server"), "cache"));
  if (present !== undefined) return present;
  try {
    return await fromDebian();
  } catch (error) {
    return { missing: `no redis-server was found or fetched: ${firstErrorLine(error)}` };
  }
}

/** @returns {Promise<FoundRedis>} */
async function fromDebian() {
  const fresh = `${FOLDER}.${process.pid}`;
  await unpackDebian({ packages: ["redis-server"], into: fresh, withDependencies: true });
  await rm(FOLDER, { recursive: true, force: true });
  await rename(fresh, FOLDER);
  // The libraries are not where the system looks for them.
  const libraries = [];
  for (const triplet of await readdir(join(FOLDER, "usr", "lib"))) libraries.push(join(FOLDER, "usr", "lib", triplet));
  const program = join(FOLDER, "usr", "bin", "redis-server");
  const script = `#!/bin/sh\nLD_LIBRARY_PATH="${libraries.join(":")}" exec "${program}" "$@"\n`;
  await writeFile(join(FOLDER, "redis-server"), script, { mode: 0o755 });
  const redis = await versionOf(join(FOLDER, "redis-server"), "Debian");
  if (redis === undefined) throw new Error("Debian's redis-server does not run here");
  return redis;
}

/**
 * Asks the program for its version. Returns `undefined` if it does not run.
 * @param {string} path
 * @param {string} source
 */
async function versionOf(path, source) {
  try {
    const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: 10_000 });
    const version = /v=([\d.]+)/.exec(stdout)?.[1];
    return version === undefined ? undefined : { path, version, source };
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) print("redis-server", await findRedis());
