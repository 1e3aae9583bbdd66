// Runs the packed tarball on every supported runtime, and compiles a user's file with every supported TypeScript. Fetches each
// runtime from its npm package into the cache.
//
//   node scripts/runtimes.mjs            all
//   node scripts/runtimes.mjs bun deno   those whose name contains one of these words
//   node scripts/runtimes.mjs --canary   only what may fail: the next versions of the dependencies
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
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
/** Next versions, installed over the tested ones. */
const CANARIES = ["xstate@next", "@nats-io/transport-node@next @nats-io/jetstream@next @nats-io/nats-core@next"];

const words = process.argv.slice(2);
const isCanary = words.includes("--canary");
const results = /** @type {{ name: string, error: string | undefined }[]} */ ([]);

const scratch = await mkdtemp(join(tmpdir(), "latchkey-runtimes-"));
const project = join(scratch, "project");
try {
  await createProject();
  await withNats(isCanary ? checkCanaries : checkRuntimes);
  if (!isCanary) await checkTypeScripts();
} finally {
  await rm(scratch, { recursive: true, force: true });
}
const failed = results.filter(({ error }) => error !== undefined);
console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 || isCanary ? 0 : 1;

async function createProject() {
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", scratch], { cwd: root });
  await mkdir(project);
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "project", private: true, type: "module" }));
  await run("sh", ["-c", "mv ../latchkey-*.tgz ../latchkey.tgz"], { cwd: project });
  const peers = ["@nats-io/transport-node", "@nats-io/jetstream", "@nats-io/nats-core", "@types/node@20", "tsx"];
  await install(["../latchkey.tgz", ...peers]);
  for (const file of ["check.mjs", "user.ts"]) await cp(join(root, "test/runtimes", file), join(project, file));
  for (const name of ["bun", "deno"])
    await cp(join(root, "examples", `webhook-${name}`), join(project, name), { recursive: true });
  await cp(join(root, "examples/send-webhook.ts"), join(project, "send-webhook.ts"));
}

/** @param {readonly string[]} specs */
async function install(specs) {
  await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", ...specs], { cwd: project });
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
  for (const specs of CANARIES) {
    await check(specs, async () => {
      await install([...specs.split(" "), "--force"]);
      await runCheck(process.execPath, [], `canary-${results.length}`, natsUrl);
    });
  }
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
      await check(`TypeScript ${version}, ${resolution}`, async () => {
        const at = join(scratch, `typescript-${version}`);
        await run("npm", [
          "install",
          "--prefix",
          at,
          "--no-audit",
          "--no-fund",
          "--prefer-offline",
          `typescript@${version}`,
        ]);
        const strict = [
          "--strict",
          "--noEmit",
          "--skipLibCheck",
          "--target",
          "es2022",
          "--lib",
          "es2023,esnext.disposable",
        ];
        await run(join(at, "node_modules/.bin/tsc"), [...strict, "--types", "node", ...options, "user.ts"], {
          cwd: project,
        });
      });
    }
  }
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
    results.push({ name, error: firstErrorLine(error) });
    console.log(`failed: ${name}: ${outputOf(error)}`);
  }
}

/** @param {any} error */
function outputOf(error) {
  return `${firstErrorLine(error)}\n${error?.stdout ?? ""}${error?.stderr ?? ""}`;
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
