// Shared by the scripts that find or fetch a program that tests or benchmarks need.
import { chmod, copyFile, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder that fetched programs are kept in. */
export const CACHE = join(fileURLToPath(new URL("..", import.meta.url)), ".cache");

/**
 * Asks each program with one of these names on the PATH, and returns the first answer.
 * @template Found
 * @param {string} path
 * @param {readonly string[]} names
 * @param {(program: string) => Promise<Found | undefined>} ask
 */
export async function onPath(path, names, ask) {
  for (const folder of path.split(delimiter)) {
    for (const name of names) {
      const found = await ask(join(folder, name));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** @param {any} error */
export function firstErrorLine(error) {
  return String(error?.message ?? error).split("\n")[0];
}

/**
 * Runs `work` with an empty folder that is removed afterwards.
 * @template Value
 * @param {(folder: string) => Promise<Value>} work
 */
export async function inScratch(work) {
  const scratch = await mkdtemp(join(tmpdir(), "latchkey-fetch-"));
  try {
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Copies a program into the cache. The rename at the end means that no other process sees an incomplete file.
 * @param {string} fresh
 * @param {string} kept
 */
export async function keepProgram(fresh, kept) {
  const incomplete = `${kept}.${process.pid}`;
  await mkdir(dirname(kept), { recursive: true });
  await copyFile(fresh, incomplete);
  await chmod(incomplete, 0o755);
  await rename(incomplete, kept);
}

/**
 * Prints the path of a program on standard output and its origin on standard error, or the reason why it is missing.
 * @param {string} name
 * @param {{ readonly missing: string } | { readonly path: string, readonly version: string, readonly source: string }} found
 */
export function print(name, found) {
  if ("missing" in found) {
    console.error(found.missing);
    process.exitCode = 1;
  } else {
    console.error(`${name} ${found.version}, from ${found.source}`);
    console.log(found.path);
  }
}
