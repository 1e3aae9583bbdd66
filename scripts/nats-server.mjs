// Finds the nats-server that the tests run against: LATCHKEY_NATS_SERVER, the PATH, the cache, Debian's unstable suite (unpacked
// without installing), or the project's releases. Run as a program, it prints the path.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { unpackDebian } from "./debian.mjs";
import { firstErrorLine, inScratch, keepProgram, onPath, CACHE as PROGRAMS, print } from "./programs.mjs";

const run = promisify(execFile);

/** Older servers accept several compare-and-sets of one revision, or ignore the TTL of a message. */
export const MINIMUM_VERSION = "2.11.10";

const CACHE = join(PROGRAMS, "nats-server");
const RELEASES = "https://github.com/nats-io/nats-server/releases/download";
const RELEASE = "v2.12.6";
const TIMEOUT_MS = 120_000;

/** @returns {Promise<{ path: string, version: string, source: string } | { missing: string }>} */
export async function findNatsServer({ env = process.env, cache = CACHE } = {}) {
  const named = env.LATCHKEY_NATS_SERVER;
  if (named) {
    const server = await versionOf(resolve(named), "LATCHKEY_NATS_SERVER");
    return (
      server ?? { missing: `Expected LATCHKEY_NATS_SERVER to be a nats-server >= ${MINIMUM_VERSION}, got ${named}` }
    );
  }
  const reasons = [];
  const places = [
    () => onPath(env.PATH ?? "", ["nats-server"], (program) => versionOf(program, "PATH")),
    () => cached(cache),
    () => fromDebian("unstable", { cache }),
    () => fromReleases({ cache }),
  ];
  for (const place of places) {
    try {
      const server = await place();
      if (server !== undefined) return server;
    } catch (error) {
      reasons.push(firstErrorLine(error));
    }
  }
  return { missing: [`no nats-server >= ${MINIMUM_VERSION} found or fetched`, ...reasons].join("; ") };
}

/** Fetches the nats-server of a Debian suite into the cache, without installing it. Accepts any version. */
export async function fromDebian(suite, { cache = CACHE } = {}) {
  const kept = join(cache, suite, "nats-server");
  const known = await versionOf(kept, `Debian ${suite}, cached`, "0.0.0");
  if (known !== undefined) return known;
  return inScratch(async (scratch) => {
    await unpackDebian({ packages: ["nats-server"], suite, into: scratch });
    return keep(join(scratch, "usr", "sbin", "nats-server"), kept, `Debian ${suite}`, "0.0.0");
  });
}

async function cached(cache) {
  for (const source of [RELEASE, "unstable"]) {
    const server = await versionOf(join(cache, source, "nats-server"), "cache");
    if (server !== undefined) return server;
  }
  return undefined;
}

/** Fetches a release of the project into the cache, after comparing it with its published checksum. */
export async function fromReleases({ releases = RELEASES, cache = CACHE } = {}) {
  const platform = { linux: "linux", darwin: "darwin" }[process.platform];
  const architecture = { x64: "amd64", arm64: "arm64" }[process.arch];
  if (!platform || !architecture) throw new Error(`no release is known for ${process.platform} ${process.arch}`);
  const folder = `nats-server-${RELEASE}-${platform}-${architecture}`;
  const archive = await fetched(`${releases}/${RELEASE}/${folder}.tar.gz`);
  const sums = (await fetched(`${releases}/${RELEASE}/SHA256SUMS`)).toString();
  const sum = createHash("sha256").update(archive).digest("hex");
  if (!sums.split("\n").some((line) => line.split(/\s+/).join(" ") === `${sum} ${folder}.tar.gz`)) {
    throw new Error(`${folder}.tar.gz does not have the checksum of its release`);
  }
  return inScratch(async (scratch) => {
    await writeFile(join(scratch, "archive.tar.gz"), archive);
    await run("tar", ["-xzf", "archive.tar.gz"], { cwd: scratch });
    return keep(join(scratch, folder, "nats-server"), join(cache, RELEASE, "nats-server"), `release ${RELEASE}`);
  });
}

async function fetched(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

async function keep(fresh, kept, source, minimum = MINIMUM_VERSION) {
  await keepProgram(fresh, kept);
  const server = await versionOf(kept, source, minimum);
  if (server === undefined)
    throw new Error(`the nats-server of ${source} does not run here or is older than ${minimum}`);
  return server;
}

/** Asks the program for its version. Returns `undefined` if it does not run or is older than `minimum`. */
async function versionOf(path, source, minimum = MINIMUM_VERSION) {
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

if (process.argv[1] === fileURLToPath(import.meta.url)) print("nats-server", await findNatsServer());
