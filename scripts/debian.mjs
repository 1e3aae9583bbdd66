// Downloads packages of a Debian system and unpacks them without installing them.
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { inScratch } from "./programs.mjs";

const run = promisify(execFile);
const TIMEOUT_MS = 120_000;

/**
 * @typedef {object} UnpackOptions
 * @property {readonly string[]} packages
 * @property {string} into Folder that the packages are unpacked into.
 * @property {string} [suite] A suite other than the system's own, such as `unstable`.
 * @property {boolean} [withDependencies] Also unpacks the dependencies that are not installed.
 */

/**
 * Unpacks Debian packages. The system's own source entry is used, with its suite replaced, so that its mirror and keys apply.
 * @param {UnpackOptions} options
 * @throws {Error} if this is not a Debian system, or the suite does not have the packages.
 */
export async function unpackDebian({ packages, into, suite, withDependencies = false }) {
  const entry = await sourceEntry(suite);
  if (entry === undefined) throw new Error("this system has no Debian source entry");
  await inScratch(async (scratch) => {
    for (const folder of ["sources", "lists/partial", "cache/archives/partial", "preferences"]) {
      await mkdir(join(scratch, folder), { recursive: true });
    }
    await writeFile(join(scratch, "sources", entry.name), entry.text);
    const settings = {
      "Dir::Etc::sourcelist": "/dev/null",
      "Dir::Etc::sourceparts": join(scratch, "sources"),
      "Dir::Etc::preferences": "/dev/null",
      "Dir::Etc::preferencesparts": join(scratch, "preferences"),
      "Dir::State::lists": join(scratch, "lists"),
      "Dir::Cache": join(scratch, "cache"),
      "Acquire::Languages": "none",
      "APT::Update::Error-Mode": "any",
      "APT::Sandbox::User": "root",
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    const how = { timeout: TIMEOUT_MS };
    await run("apt-get", [...flags, "-q", "update"], how);
    const archives = join(scratch, "cache", "archives");
    if (withDependencies) {
      const download = ["-q", "install", "--download-only", "--yes", "--no-install-recommends"];
      await run("apt-get", [...flags, ...download, ...packages], how);
    } else {
      await run("apt-get", [...flags, "-q", "download", ...packages], { ...how, cwd: archives });
    }
    const files = (await readdir(archives)).filter((name) => name.endsWith(".deb"));
    if (files.length === 0)
      throw new Error(`Debian ${suite ?? "packages"}: nothing was downloaded for ${packages.join(", ")}`);
    await mkdir(into, { recursive: true });
    for (const file of files) await run("dpkg-deb", ["-x", join(archives, file), into], how);
  });
}

/**
 * Returns the source entry that this system was installed from, with `suite` in place of its own.
 * @param {string | undefined} suite
 */
async function sourceEntry(suite) {
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile("/etc/os-release", "utf8").catch(() => ""))?.[1];
  if (codename === undefined) return undefined;
  const parts = await readdir("/etc/apt/sources.list.d").catch(() => []);
  for (const file of ["sources.list", ...parts.map((part) => `sources.list.d/${part}`)]) {
    const text = await readFile(join("/etc/apt", file), "utf8").catch(() => "");
    const isStanza = file.endsWith(".sources");
    const entry = (isStanza ? stanza : line)(text, codename, suite ?? codename);
    if (entry !== undefined) return { name: isStanza ? "one.sources" : "one.list", text: entry };
  }
  return undefined;
}

/**
 * @param {string} text
 * @param {string} codename
 * @param {string} suite
 */
function stanza(text, codename, suite) {
  const found = text
    .split(/\n\s*\n/)
    .find((part) => /^Types:.*\bdeb\b/m.test(part) && new RegExp(`^Suites:(.*\\s)?${codename}(\\s|$)`, "m").test(part));
  return found === undefined ? undefined : `${found.replace(/^Suites:.*$/m, `Suites: ${suite}`)}\n`;
}

/**
 * @param {string} text
 * @param {string} codename
 * @param {string} suite
 */
function line(text, codename, suite) {
  const [, start, rest] =
    new RegExp(`^(deb\\s+(?:\\[[^\\]]*\\]\\s+)?\\S+\\s+)${codename}(\\s.*)$`, "m").exec(text) ?? [];
  return start === undefined ? undefined : `${start}${suite}${rest}\n`;
}
