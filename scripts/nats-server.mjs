// Finds the nats-server that the tests run against: named by LATCHKEY_NATS_SERVER, on the PATH, fetched before, from Debian's
// unstable suite (without installing it), or from the project's releases. Run by itself, it prints the path.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { firstLine, onPath, print } from "./programs.mjs";

const run = promisify(execFile);

/** Older servers let several writers win one compare-and-set, or ignore the time to live of a message. */
export const MINIMUM_VERSION = "2.11.10";

const CACHE = join(fileURLToPath(new URL("..", import.meta.url)), ".cache", "nats-server");
const RELEASES = "https://github.com/nats-io/nats-server/releases/download";
const RELEASE = "v2.12.6";
const PATIENCE_MS = 120_000;

/** @returns {Promise<{ path: string, version: string, source: string } | { missing: string }>} */
export async function findNatsServer({ env = process.env, cache = CACHE } = {}) {
  const named = env.LATCHKEY_NATS_SERVER;
  if (named) {
    const server = await asked(resolve(named), "LATCHKEY_NATS_SERVER");
    return server ?? { missing: `LATCHKEY_NATS_SERVER is ${named}, which is not a nats-server >= ${MINIMUM_VERSION}` };
  }
  const reasons = [];
  const places = [
    () => onPath(env.PATH ?? "", ["nats-server"], (program) => asked(program, "PATH")),
    () => cached(cache),
    () => fromDebian("unstable", { cache }),
    () => fromReleases({ cache }),
  ];
  for (const place of places) {
    try {
      const server = await place();
      if (server !== undefined) return server;
    } catch (error) {
      reasons.push(firstLine(error));
    }
  }
  return { missing: [`no nats-server >= ${MINIMUM_VERSION} found or fetched`, ...reasons].join("; ") };
}

/**
 * The nats-server of a Debian suite, fetched into the cache without installing it; any version will do.
 * The system's own source entry is used, with its suite replaced, so that the machine's mirror and keys are the ones in force.
 */
export async function fromDebian(suite, { cache = CACHE } = {}) {
  const kept = join(cache, suite, "nats-server");
  const known = await asked(kept, `Debian ${suite}, cached`, "0.0.0");
  if (known !== undefined) return known;
  const entry = await debianEntry(suite);
  if (entry === undefined) throw new Error("this system has no source entry of Debian");
  return inScratch(async (scratch) => {
    for (const folder of ["sources", "lists/partial", "cache/archives/partial", "preferences", "unpacked"]) {
      await mkdir(join(scratch, folder), { recursive: true });
    }
    await writeFile(join(scratch, "sources", entry.name), entry.text);
    const options = {
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
    const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    const how = { cwd: scratch, timeout: PATIENCE_MS };
    await run("apt-get", [...flags, "-q", "update"], how);
    await run("apt-get", [...flags, "-q", "download", "nats-server"], how);
    const archive = (await readdir(scratch)).find((name) => name.endsWith(".deb"));
    if (archive === undefined) throw new Error(`Debian ${suite} gave no nats-server`);
    await run("dpkg-deb", ["-x", archive, "unpacked"], how);
    const fresh = join(scratch, "unpacked", "usr", "sbin", "nats-server");
    return keep(fresh, kept, `Debian ${suite}`, "0.0.0");
  });
}

async function cached(cache) {
  for (const source of [RELEASE, "unstable"]) {
    const server = await asked(join(cache, source, "nats-server"), "cache");
    if (server !== undefined) return server;
  }
  return undefined;
}

/** A release of the project, fetched into the cache when it has the checksum that is published with it. */
export async function fromReleases({ releases = RELEASES, cache = CACHE } = {}) {
  const platform = { linux: "linux", darwin: "darwin" }[process.platform];
  const architecture = { x64: "amd64", arm64: "arm64" }[process.arch];
  if (!platform || !architecture) throw new Error(`no release is known for ${process.platform} ${process.arch}`);
  const folder = `nats-server-${RELEASE}-${platform}-${architecture}`;
  const archive = await fetched(`${releases}/${RELEASE}/${folder}.tar.gz`);
  const sums = (await fetched(`${releases}/${RELEASE}/SHA256SUMS`)).toString();
  const sum = createHash("sha256").update(archive).digest("hex");
  if (!sums.split("\n").some((line) => line.split(/\s+/).join(" ") === `${sum} ${folder}.tar.gz`)) {
    throw new Error(`${folder}.tar.gz does not have the checksum that its release states`);
  }
  return inScratch(async (scratch) => {
    await writeFile(join(scratch, "archive.tar.gz"), archive);
    await run("tar", ["-xzf", "archive.tar.gz"], { cwd: scratch });
    return keep(join(scratch, folder, "nats-server"), join(cache, RELEASE, "nats-server"), `release ${RELEASE}`);
  });
}

async function fetched(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

/** Copies aside and renames, so that another process never sees half a binary. */
async function keep(fresh, kept, source, minimum = MINIMUM_VERSION) {
  const aside = `${kept}.${process.pid}`;
  await mkdir(resolve(kept, ".."), { recursive: true });
  await copyFile(fresh, aside);
  await chmod(aside, 0o755);
  await rename(aside, kept);
  const server = await asked(kept, source, minimum);
  if (server === undefined) throw new Error(`the nats-server of ${source} does not run here or is too old`);
  return server;
}

/** What the binary itself says; undefined when it does not run or is older than `minimum`. */
async function asked(path, source, minimum = MINIMUM_VERSION) {
  try {
    const { stdout } = await run(path, ["--version"], { timeout: 10_000 });
    const version = /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
    return version !== undefined && isAtLeast(version, minimum) ? { path, version, source } : undefined;
  } catch {
    return undefined;
  }
}

function isAtLeast(version, minimum) {
  const [have, need] = [version, minimum].map((text) => text.split(".").map(Number));
  const different = need.findIndex((part, index) => part !== have[index]);
  return different === -1 || have[different] > need[different];
}

/** The source entry from which this system was installed, with `suite` in the place of its own. */
async function debianEntry(suite) {
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile("/etc/os-release", "utf8").catch(() => ""))?.[1];
  if (codename === undefined) return undefined;
  const parts = await readdir("/etc/apt/sources.list.d").catch(() => []);
  for (const file of ["sources.list", ...parts.map((part) => `sources.list.d/${part}`)]) {
    const text = await readFile(join("/etc/apt", file), "utf8").catch(() => "");
    const entry = file.endsWith(".sources") ? stanza(text, codename, suite) : line(text, codename, suite);
    if (entry !== undefined) return { name: file.endsWith(".sources") ? "one.sources" : "one.list", text: entry };
  }
  return undefined;
}

function stanza(text, codename, suite) {
  const found = text
    .split(/\n\s*\n/)
    .find((part) => /^Types:.*\bdeb\b/m.test(part) && new RegExp(`^Suites:(.*\\s)?${codename}(\\s|$)`, "m").test(part));
  return found === undefined ? undefined : `${found.replace(/^Suites:.*$/m, `Suites: ${suite}`)}\n`;
}

function line(text, codename, suite) {
  const [, start, rest] =
    new RegExp(`^(deb\\s+(?:\\[[^\\]]*\\]\\s+)?\\S+\\s+)${codename}(\\s.*)$`, "m").exec(text) ?? [];
  return start === undefined ? undefined : `${start}${suite}${rest}\n`;
}

async function inScratch(work) {
  const scratch = await mkdtemp(join(tmpdir(), "latchkey-fetch-"));
  try {
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) print("nats-server", await findNatsServer());
