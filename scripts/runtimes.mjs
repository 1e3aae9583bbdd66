// Runs the packed tarball on every supported runtime, and compiles a user's file with every supported TypeScript. Fetches each
// runtime from its npm package into the cache.
//
//   node scripts/runtimes.mjs            all
//   node scripts/runtimes.mjs bun deno   those whose name contains one of these words
//   node scripts/runtimes.mjs --canary   only what may fail: the next versions of the dependencies, if the registry has any
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findNatsServer } from "./nats-server.mjs";
import { nodeOf, packagedProgram } from "./node-runtime.mjs";
import { CACHE, firstErrorLine } from "./programs.mjs";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const NODES = [20, 22, 24, 26];
const BUN = "1.4.5";
const DENO = "2.9.6";
const TYPESCRIPTS = ["5.4", "5.9", "6.0", "7"];
const RESOLUTIONS = [
  ["nodenext", "--module", "nodenext"],
  ["bundler", "--module", "esnext", "--moduleResolution", "bundler"],
];
const { devDependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
/** Next versions, installed over the tested ones. Packages of one entry are tried together. */
const NEXT_VERSIONS = [
  { name: "XState 6", packages: ["xstate"], newerThan: "5" },
  {
    name: "the next nats.js",
    packages: ["@nats-io/transport-node", "@nats-io/jetstream", "@nats-io/nats-core"],
    newerThan: devDependencies["@nats-io/jetstream"],
  },
];
/** Compilers, by package and program. */
const NEXT_TYPESCRIPTS = [
  { name: "TypeScript 7", packages: ["typescript"], newerThan: "6", program: "tsc" },
  { name: "the preview of TypeScript", packages: ["@typescript/native-preview"], newerThan: "6", program: "tsgo" },
];

const words = process.argv.slice(2);
const isCanary = words.includes("--canary");
const results = /** @type {{ name: string, error: string | undefined }[]} */ ([]);

const scratch = await mkdtemp(join(tmpdir(), "latchkey-runtimes-"));
const project = join(scratch, "project");
try {
  await pack();
  if (!isCanary) await createProject();
  await withNats(isCanary ? checkCanaries : checkRuntimes);
  await (isCanary ? checkTypeScriptCanaries() : checkTypeScripts());
} finally {
  await rm(scratch, { recursive: true, force: true });
}
const failed = results.filter(({ error }) => error !== undefined);
console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 || isCanary ? 0 : 1;

async function pack() {
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", scratch], { cwd: root });
  await run("sh", ["-c", "mv latchkey-*.tgz latchkey.tgz"], { cwd: scratch });
}

/**
 * Installs the tarball and what its users install beside it, as a new project.
 * @param {readonly (readonly [name: string, version: string])[]} versions used instead of those that the tarball depends on
 */
async function createProject(versions = []) {
  await rm(project, { recursive: true, force: true });
  await mkdir(project);
  const dependencies = Object.fromEntries(versions);
  const overrides = Object.fromEntries(versions.map(([name]) => [name, `$${name}`]));
  const manifest = { name: "project", private: true, type: "module", dependencies, overrides };
  await writeFile(join(project, "package.json"), JSON.stringify(manifest));
  const peers = ["@nats-io/transport-node", "@nats-io/jetstream", "@nats-io/nats-core", "@types/node@20", "tsx"];
  await install(["../latchkey.tgz", ...peers.filter((peer) => !(peer in dependencies))]);
  for (const file of ["check.mjs", "user.ts"]) await cp(join(root, "test/runtimes", file), join(project, file));
  for (const name of ["bun", "deno"])
    await cp(join(root, "examples", `webhook-${name}`), join(project, name), { recursive: true });
  await cp(join(root, "examples/send-webhook.ts"), join(project, "send-webhook.ts"));
}

/** @param {readonly string[]} specs */
async function install(specs) {
  const flags = isCanary ? ["--force"] : ["--prefer-offline"];
  await run("npm", ["install", "--no-audit", "--no-fund", ...flags, ...specs], { cwd: project });
}

/** @param {string} natsUrl */
async function checkRuntimes(natsUrl) {
  for (const major of NODES) {
    await check(`Node ${major}`, async () => runCheck((await nodeOf(major)).path, [], `node-${major}`, natsUrl));
  }
  await check("Bun", async () => {
    const bun = await packagedProgram(
      { name: `@oven/bun-${process.platform}-${process.arch}`, range: BUN, program: "bin/bun" },
      join(CACHE, "bun", BUN, "bun"),
    );
    await runCheck(bun, ["run"], "bun", natsUrl);
    await runExample(bun, ["run"], "bun");
  });
  await check("Deno", async () => {
    const libc = process.platform === "linux" ? "-glibc" : "";
    const deno = await packagedProgram(
      { name: `@deno/${process.platform}-${process.arch}${libc}`, range: DENO, program: "deno" },
      join(CACHE, "deno", DENO, "deno"),
    );
    await runCheck(deno, ["run", "--allow-all", "--node-modules-dir=manual"], "deno", natsUrl);
    await runExample(deno, ["run", "--allow-all", "--node-modules-dir=manual"], "deno");
  });
}

/** @param {string} natsUrl */
async function checkCanaries(natsUrl) {
  for (const next of NEXT_VERSIONS) {
    const versions = await publishedNext(next);
    if (versions.length === 0) continue;
    await check(titleOf(next, versions), async () => {
      await createProject(versions);
      await runCheck(process.execPath, [], `canary-${results.length}`, natsUrl);
    });
  }
}

async function checkTypeScriptCanaries() {
  await createProject();
  for (const next of NEXT_TYPESCRIPTS) {
    const versions = await publishedNext(next);
    for (const [name, version] of versions) {
      for (const [resolution, ...options] of RESOLUTIONS) {
        await check(`${titleOf(next, versions)}, ${resolution}`, () =>
          compileWith(`${name}@${version}`, next.program, options),
        );
      }
    }
  }
}

/** @param {{ name: string }} next @param {readonly (readonly string[])[]} versions */
function titleOf({ name }, versions) {
  return `${name} (${versions.map((one) => one.join(" ")).join(", ")})`;
}

/**
 * Returns each package with its newest version, and reports those for which the registry has none that is new enough.
 * @param {{ packages: readonly string[], newerThan: string }} next
 */
async function publishedNext({ packages, newerThan }) {
  const found = /** @type {[name: string, version: string][]} */ ([]);
  for (const name of packages) {
    // npm sorts the versions. It prints one alone without a list.
    const { stdout } = await run("npm", ["view", name, "versions", "--json"], { maxBuffer: 2 ** 26 });
    const version = [JSON.parse(stdout)].flat().findLast((one) => isNewer(one, newerThan));
    if (version === undefined) console.log(`no such version is published: ${name} after ${newerThan}`);
    else found.push([name, version]);
  }
  return found;
}

/** Compares the numbers of two versions. Every version of a major is newer than the major before it. @param {string} version @param {string} than */
function isNewer(version, than) {
  const numbers = version.split("-")[0]?.split(".").map(Number) ?? [];
  const others = than.split(".").map(Number);
  const at = numbers.findIndex((number, index) => number !== others[index]);
  return at !== -1 && at < others.length && Number(numbers[at]) > Number(others[at]);
}

/** @param {string} program @param {string[]} flags @param {string} name @param {string} natsUrl */
async function runCheck(program, flags, name, natsUrl) {
  const env = { ...process.env, NATS_URL: natsUrl, RUNTIME: name };
  await run(program, [...flags, "check.mjs"], { cwd: project, env, timeout: 120_000 });
}

/** Starts an example's server and delivers a webhook twice. @param {string} program @param {string[]} flags @param {string} name */
async function runExample(program, flags, name) {
  const port = await freePort();
  const env = { ...process.env, PORT: String(port) };
  const server = spawn(program, [...flags, `${name}/main.ts`], {
    cwd: project,
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    await new Promise((resolve, reject) => {
      server.stdout.on("data", (chunk) => String(chunk).includes("listening on") && resolve(undefined));
      server.once("exit", (code) => reject(new Error(`${name}/main.ts ended with exit code ${code}`)));
    });
    const url = `http://127.0.0.1:${port}/webhooks/github`;
    const { stdout } = await run("npx", ["tsx", "send-webhook.ts", url], { cwd: project });
    if (stdout !== "first delivery: 204\nredelivery: 200\n") throw new Error(`The answers were ${stdout}`);
  } finally {
    server.kill("SIGKILL");
  }
}

async function checkTypeScripts() {
  for (const version of TYPESCRIPTS) {
    for (const [resolution, ...options] of RESOLUTIONS) {
      await check(`TypeScript ${version}, ${resolution}`, () => compileWith(`typescript@${version}`, "tsc", options));
    }
  }
}

/**
 * Compiles a user's file. @param {string} compiler @param {string} program @param {readonly string[]} options
 */
async function compileWith(compiler, program, options) {
  const at = join(scratch, compiler.replaceAll("/", "-"));
  await run("npm", ["install", "--prefix", at, "--no-audit", "--no-fund", "--prefer-offline", compiler]);
  const strict = ["--strict", "--noEmit", "--skipLibCheck", "--target", "es2022", "--lib", "es2023,esnext.disposable"];
  const all = [...strict, "--types", "node", ...options, "user.ts"];
  await run(join(at, "node_modules/.bin", program), all, { cwd: project });
}

/** @param {string} name @param {() => Promise<void>} work */
async function check(name, work) {
  const chosen = words.filter((word) => !word.startsWith("--"));
  if (chosen.length > 0 && !chosen.some((word) => name.toLowerCase().includes(word.toLowerCase()))) return;
  try {
    await work();
    results.push({ name, error: undefined });
    console.log(`passed: ${name}`);
  } catch (error) {
    const cause = causeOf(error);
    results.push({ name, error: cause });
    console.log(isCanary ? `broken: ${name}: ${cause}` : `failed: ${name}: ${cause}\n${outputOf(error)}`);
  }
}

/** @param {any} error */
function outputOf(error) {
  return `${error?.stderr ?? ""}${error?.stdout ?? ""}`;
}

/** Returns the first line of a program's output that states an error: a stack, a compiler and npm begin with others. @param {any} error */
function causeOf(error) {
  const lines = outputOf(error)
    .split("\n")
    .filter((line) => line.trim() !== "");
  const stated = lines.find((line) => /^\w*Error\b.*:|error TS\d+:|^npm error (?!code )/.test(line));
  return stated ?? lines[0] ?? firstErrorLine(error);
}

/** @param {(url: string) => Promise<void>} work */
async function withNats(work) {
  const found = await findNatsServer();
  if ("missing" in found) throw new Error(found.missing);
  const port = await freePort();
  const options = ["-js", "-sd", join(scratch, "nats"), "-a", "127.0.0.1", "-p", String(port)];
  const server = spawn(found.path, options, { stdio: ["ignore", "ignore", "pipe"] });
  try {
    await new Promise((resolve, reject) => {
      server.stderr.on("data", (chunk) => String(chunk).includes("Server is ready") && resolve(undefined));
      server.once("exit", () => reject(new Error("nats-server ended")));
    });
    await work(`127.0.0.1:${port}`);
  } finally {
    server.kill("SIGKILL");
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const holder = createServer().listen(0, "127.0.0.1", () => {
      const address = holder.address();
      holder.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
