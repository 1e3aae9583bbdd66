// Finds the browser for the tests of the inspector's page: LATCHKEY_CHROMIUM, or the PATH. On Debian, as root, it installs one.
// Run as a program, it prints the path.
import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { firstErrorLine, onPath, print } from "./programs.mjs";

const run = promisify(execFile);

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const TIMEOUT_MS = 240_000;

/** @returns {Promise<{ path: string, version: string, source: string } | { missing: string }>} */
export async function findChromium({ env = process.env, install = installFromDebian } = {}) {
  const named = env.LATCHKEY_CHROMIUM;
  if (named) {
    const browser = await versionOf(resolve(named), "LATCHKEY_CHROMIUM");
    return browser ?? { missing: `Expected LATCHKEY_CHROMIUM to be a Chromium, got ${named}` };
  }
  const present = await installed(env.PATH ?? "", "PATH");
  if (present !== undefined) return present;
  try {
    await install();
  } catch (error) {
    return { missing: `no Chromium was found, and none could be installed: ${firstErrorLine(error)}` };
  }
  return (await installed(env.PATH ?? "", "Debian")) ?? { missing: "Chromium was installed but is not on the PATH" };
}

async function installFromDebian() {
  if (process.getuid?.() !== 0) throw new Error("only root can install it");
  const how = { timeout: TIMEOUT_MS, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  await run("apt-get", ["-q", "update"], how);
  await run("apt-get", ["-q", "install", "--yes", "--no-install-recommends", "chromium"], how);
}

function installed(path, source) {
  return onPath(path, NAMES, (program) => versionOf(program, source));
}

/** Asks the program for its version. Returns `undefined` if it is not a Chromium. */
async function versionOf(path, source) {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(path, ["--version"], { timeout: 30_000 });
    const version = /(\d+\.\d+\.\d+\.\d+)/.exec(stdout)?.[1];
    return version === undefined ? undefined : { path, version, source };
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) print("Chromium", await findChromium());
