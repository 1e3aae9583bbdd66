// Finds the browser that the tests of the inspector's page run in: named by LATCHKEY_CHROMIUM, or on the PATH; on Debian and its
// kin, and as root, it is installed. Run by itself, it prints the path.
import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { firstLine, onPath, print } from "./programs.mjs";

const run = promisify(execFile);

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const PATIENCE_MS = 240_000;

/** @returns {Promise<{ path: string, version: string, source: string } | { missing: string }>} */
export async function findChromium({ env = process.env, install = installFromDebian } = {}) {
  const named = env.LATCHKEY_CHROMIUM;
  if (named) {
    const browser = await asked(resolve(named), "LATCHKEY_CHROMIUM");
    return browser ?? { missing: `LATCHKEY_CHROMIUM is ${named}, which is not a Chromium` };
  }
  const present = await installed(env.PATH ?? "", "PATH");
  if (present !== undefined) return present;
  try {
    await install();
  } catch (error) {
    return { missing: `no Chromium found, nor installed: ${firstLine(error)}` };
  }
  return (await installed(env.PATH ?? "", "Debian")) ?? { missing: "Chromium was installed and is not on the PATH" };
}

async function installFromDebian() {
  if (process.getuid?.() !== 0) throw new Error("only root can install it");
  const how = { timeout: PATIENCE_MS, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  await run("apt-get", ["-q", "update"], how);
  await run("apt-get", ["-q", "install", "--yes", "--no-install-recommends", "chromium"], how);
}

function installed(path, source) {
  return onPath(path, NAMES, (program) => asked(program, source));
}

/** What the binary itself says; undefined when it is none. */
async function asked(path, source) {
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
