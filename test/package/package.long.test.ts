import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { THIRD_PARTY } from "../../scripts/third-party.mjs";
import { isObject } from "../../src/internal/is-object.ts";
import { ensureBuilt } from "../support/built.ts";

// These tests run the packed tarball in an empty project, as users install it.

const run = promisify(execFile);
const repository = process.cwd();
const bin = join(repository, "node_modules", ".bin");

/** Exported values of each entry. Adding or removing one is a decision. */
const NAMES = {
  latchkey: [
    "CallPendingError",
    "Deduplicator",
    "FingerprintMismatchError",
    "LatchkeyError",
    "PermanentError",
    "RecordTooLargeError",
    "RecordUnreadableError",
    "ReservationLostError",
    "ResultNotKeptError",
    "StoreForbiddenError",
    "StoreMisconfiguredError",
    "StoreUnavailableError",
    "byHeader",
    "byPointer",
    "decodeRecord",
    "dedupKey",
    "encodeRecord",
    "firstOf",
    "idempotent",
    "keyMatcher",
    "maxAttemptsFromEnv",
    "memoryStore",
    "optionsFromEnv",
    "parseStoreKey",
    "systemClock",
  ],
  "latchkey/inspect": ["inspectorHandler", "serveInspector", "toMermaid", "toNodeHandler", "toSvg"],
  "latchkey/http": [
    "UnidentifiedError",
    "bitbucket",
    "cloudEvents",
    "enqueue",
    "github",
    "gitlab",
    "idempotencyKey",
    "shopify",
    "slack",
    "sns",
    "standardWebhooks",
    "stripe",
    "toNodeHandler",
    "webhook",
  ],
  "latchkey/otel": ["instrument"],
  "latchkey/machines": ["dedupKeyMachine", "deliveryMachine"],
  "latchkey/testing": [
    "CounterexampleError",
    "NotRepeatableError",
    "TooManyStepsError",
    "UncontrolledError",
    "checkHandler",
    "checkHistory",
    "checkStoreHistory",
    "exhaust",
    "formatHistory",
    "parseHistory",
    "recordHistory",
    "replay",
    "simulatedStore",
    "storeContract",
  ],
  "latchkey/postgres": ["FencedError", "deleteExpiredEffects", "effectOnce", "postgresStore", "schemaSql"],
  "latchkey/nats": [
    "ConsumerMisconfiguredError",
    "checkConsumer",
    "consume",
    "deadLetters",
    "identifyEvent",
    "natsStore",
    "publishOnce",
  ],
};

/** Compiler options of a strict project. */
const STRICT = [
  ["--strict", "--noEmit", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"],
  ["--lib", "es2023,esnext.disposable", "--types", "node", "--typeRoots", join(repository, "node_modules", "@types")],
].flat();

let scratch: string;
let tarball: string;
let project: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(emptyPlace(), "latchkey-package-"));
  ensureBuilt();
  const packed = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", scratch]);
  tarball = join(scratch, firstFilename(JSON.parse(packed.stdout)));
  project = join(scratch, "project");
  await mkdir(project);
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  await run("npm", ["install", "--no-save", "--prefer-offline", "--no-audit", "--no-fund", tarball], { cwd: project });
});

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

/** Returns a folder without packages above it: Node looks into every parent folder. */
function emptyPlace(): string {
  const place = [tmpdir(), homedir()].find((folder) => packagesAbove(folder).length === 0);
  if (place === undefined)
    throw new Error(`Remove ${packagesAbove(tmpdir()).join(", ")}: the installed project would find packages there`);
  return place;
}

function packagesAbove(folder: string): string[] {
  const here = join(folder, "node_modules");
  const found = existsSync(here) ? [here] : [];
  return folder === dirname(folder) ? found : [...found, ...packagesAbove(dirname(folder))];
}

function firstFilename(packed: unknown): string {
  const [first]: unknown[] = Array.isArray(packed) ? packed : [];
  if (typeof first === "object" && first !== null && "filename" in first) return String(first.filename);
  throw new Error("Expected `npm pack --json` to list one file with its `filename`");
}

/** Runs a script as a user of the package would, and returns its output. */
async function inProject(script: string, type: "module" | "commonjs" = "module"): Promise<string> {
  const { stdout } = await run(process.execPath, [`--input-type=${type}`, "--eval", script], { cwd: project });
  return stdout.trim();
}

const namesOf = (entry: string): Promise<string> =>
  inProject(`console.log(Object.keys(await import(${JSON.stringify(entry)})).sort().join(" "))`);

/** Gives the project the NATS clients or OpenTelemetry's API, which are optional peers, while `work` runs. */
async function withPeers<Value>(scope: "@nats-io" | "@opentelemetry", work: () => Promise<Value>): Promise<Value> {
  const link = join(project, "node_modules", scope);
  await symlink(join(repository, "node_modules", scope), link);
  try {
    return await work();
  } finally {
    await rm(link);
  }
}

describe("the packed tarball", () => {
  it("passes publint in strict mode", async () => {
    const bytes = await readFile(tarball);
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("has types for every ESM resolver", async () => {
    await run(join(bin, "attw"), ["--profile", "esm-only", "--no-color", tarball]);
  });

  it("contains code, types, documentation and licence, and nothing else", async () => {
    const { stdout } = await run("tar", ["-tzf", tarball]);
    const files = stdout.trim().split("\n");
    expect(files).toContain("package/LICENSE");
    expect(files).toContain("package/README.md");
    const other = files.filter(
      (file) =>
        !/^package\/(LICENSE|README\.md|package\.json|docs\/.+|dist\/(inspector|play)\.html|dist\/third-party\/([\w-]+\.js|LICENSES\.md)|dist\/(src|machines)\/.+\.(js|d\.ts))$/.test(
          file,
        ),
    );
    expect(other).toEqual([]);
  });
});

describe("the package in an empty project", () => {
  it("installs XState, a hash and nothing else", async () => {
    const installed = await readdir(join(project, "node_modules"));
    expect(installed.filter((name) => !name.startsWith(".")).sort()).toEqual(["@noble", "latchkey", "xstate"]);
  });

  it("imports only built-in modules, its dependencies and its optional peers", async () => {
    const dist = join(project, "node_modules", "latchkey", "dist");
    const files = (await readdir(dist, { recursive: true })).filter((file) => file.endsWith(".js"));
    const imported = new Set<string>();
    for (const file of files) {
      const code = await readFile(join(dist, file), "utf8");
      const declarations = code.matchAll(/^(?:import|export)\b[^"'`;=(]*?"([^".][^"]*)";$/gm);
      for (const [, name = ""] of [...declarations, ...code.matchAll(/\bimport\("([^".][^"]*)"\)/g)])
        imported.add(name);
    }
    const packages = [...imported]
      .filter((name) => !isBuiltin(name))
      .map((name) => name.replace(/^(@[^/]+\/[^/]+|[^/]+).*/, "$1"));
    expect(packages).toContain("xstate");
    const manifest: unknown = JSON.parse(await readFile("package.json", "utf8"));
    const { dependencies, peerDependencies } = isObject(manifest) ? manifest : {};
    const known = new Set([dependencies, peerDependencies].flatMap((listed) => Object.keys(listed ?? {})));
    expect(packages.filter((name) => !known.has(name))).toEqual([]);
  });

  it("contains the licence of every copied package", async () => {
    const licences = await readFile(join(project, "node_modules/latchkey/dist/third-party/LICENSES.md"), "utf8");
    for (const name of THIRD_PARTY) expect(licences).toMatch(new RegExp(`^## ${name} - [\\d.]+ \\(`, "m"));
    expect(licences.match(/Permission is hereby granted|Apache License/g)?.length).toBeGreaterThan(THIRD_PARTY.length);
  });

  it("draws a machine with the copied layout", async () => {
    const drawn = await inProject(`
      const [{ toSvg }, { dedupKeyMachine }] = [await import("latchkey/inspect"), await import("latchkey/machines")];
      console.log(toSvg(dedupKeyMachine));`);
    expect(drawn).toMatch(/^<svg .*reserved.*<\/svg>$/s);
  });

  it("exports exactly the entries that are tested here", async () => {
    const manifest: unknown = JSON.parse(await readFile("package.json", "utf8"));
    const entries = Object.keys(NAMES).map((entry) => entry.replace("latchkey", "."));
    const exported = typeof manifest === "object" && manifest !== null && "exports" in manifest ? manifest.exports : {};
    expect(Object.keys(exported ?? {}).sort()).toEqual([...entries, "./package.json"].sort());
  });

  it.each([
    "latchkey",
    "latchkey/http",
    "latchkey/inspect",
    "latchkey/machines",
    "latchkey/postgres",
    "latchkey/testing",
  ] as const)("imports %s without a client of NATS or PostgreSQL and without fast-check", async (entry) => {
    expect(await namesOf(entry)).toBe([...NAMES[entry]].sort().join(" "));
  });

  it("names the missing package if latchkey/nats is imported without its peers", async () => {
    const error = await inProject(
      `await import("latchkey/nats").then(() => console.log("imported"), (e) => console.log(e.code, e.message))`,
    );
    expect(error).toMatch(/^ERR_MODULE_NOT_FOUND .*'@nats-io\/[a-z-]+'/);
  });

  it("imports latchkey/nats if its peers are installed", async () => {
    await withPeers("@nats-io", async () => {
      expect(await namesOf("latchkey/nats")).toBe([...NAMES["latchkey/nats"]].sort().join(" "));
    });
  });

  it("imports latchkey/otel if its peer is installed", async () => {
    await withPeers("@opentelemetry", async () => {
      expect(await namesOf("latchkey/otel")).toBe(NAMES["latchkey/otel"].join(" "));
    });
  });

  it.each(["list", "show x", "clear --all", "doctor", "inspect"])(
    "runs `latchkey %s --postgres` without a client of NATS, and names the missing client of PostgreSQL",
    async (command) => {
      const argv = [...command.split(" "), "--postgres", "postgres://127.0.0.1:1/none"];
      const ran = run(join(project, "node_modules", ".bin", "latchkey"), argv, { cwd: project });
      await expect(ran).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("npm install pg") });
    },
  );

  it("can be required from CommonJS", async () => {
    expect(await inProject(`console.log(require("latchkey").dedupKey("sub-1", "evt-1"))`, "commonjs")).toBe(
      "trigger.dedup.v1:711410f3fe7a3baf23123009ae81145fb9f13140ee741516266fbc14c35f1cc4",
    );
  });

  it("dispatches an event once", async () => {
    const printed = await inProject(`
      import { Deduplicator, memoryStore } from "latchkey";
      const dedup = new Deduplicator({ store: memoryStore() });
      for (let delivery = 0; delivery < 3; delivery += 1) {
        const { outcome } = await dedup.guard({ subscriptionId: "s", eventId: "e" }, () => console.log("dispatch"));
        console.log(outcome);
      }
      await dedup.close();`);
    expect(printed.split("\n")).toEqual(["dispatch", "dispatched", "duplicate", "duplicate"]);
  });

  it("compiles in a strict project", async () => {
    await writeFile(
      join(project, "user.ts"),
      `import { Deduplicator, memoryStore, type Outcome } from "latchkey";
       const dedup = new Deduplicator({ store: memoryStore(), leaseMs: 5_000 });
       const outcome: Outcome<number> = await dedup.guard({ subscriptionId: "s", eventId: "e" }, ({ fence }) => fence);
       if (outcome.outcome === "dispatched") outcome.value satisfies number;
       // @ts-expect-error an identity has an event
       await dedup.reserve({ subscriptionId: "s" });
       export {};`,
    );
    await run(join(bin, "tsc"), [...STRICT, "user.ts"], { cwd: project });
  });

  it("tests a handler exhaustively under Node's runner, without fast-check", async () => {
    await writeFile(
      join(project, "handler.test.mjs"),
      `import test from "node:test";
       import { Deduplicator } from "latchkey";
       import { exhaust, simulatedStore, storeContract } from "latchkey/testing";
       test("an event is dispatched once", async () => {
         await exhaust((replica) => {
           const dedup = new Deduplicator(replica);
           return ({ event }) => dedup.guard({ subscriptionId: "s", eventId: event }, (r) => replica.effect(event, r));
         }, { preemptions: 1 });
       });
       storeContract(test, simulatedStore);`,
    );
    const { stdout } = await run(process.execPath, ["--test", "--test-reporter=tap", "handler.test.mjs"], {
      cwd: project,
    });
    expect(stdout).toMatch(/^# fail 0$/m);
    expect(stdout).toMatch(/^# pass [4-9]\d$/m);
  });

  it("compiles a test of a handler without fast-check", async () => {
    await writeFile(
      join(project, "kit.ts"),
      `import { type CheckResult, checkHandler, type FastCheck, type HandlerUnderTest, type Run, replay } from "latchkey/testing";
       declare const fc: FastCheck;
       const handler: HandlerUnderTest = ({ effect }) => ({ event }) => effect(event);
       export const checked: CheckResult = await checkHandler(fc, handler, { crashes: 1 });
       export const run: Run = await replay("0,8", handler);
       // @ts-expect-error there is no such fault
       await checkHandler(fc, handler, { earthquakes: 1 });
       const inWorld: HandlerUnderTest<number[]> = ({ effect, world }) => ({ event }) => effect(event, {}, () => void world.push(1));
       await checkHandler(fc, inWorld, { world: () => [1] });
       // @ts-expect-error the handler needs its world
       await checkHandler(fc, inWorld);`,
    );
    await run(join(bin, "tsc"), [...STRICT, "kit.ts"], { cwd: project });
  });

  it("provides the command line", async () => {
    const { stdout } = await run("npx", ["--no", "--", "latchkey", "--help"], { cwd: project });
    expect(stdout).toMatch(/^Usage: latchkey /);
  });

  it("says which packages the command line needs for NATS", async () => {
    const listed = run("npx", ["--no", "--", "latchkey", "list", "--nats", "127.0.0.1:1"], { cwd: project });
    await expect(listed).rejects.toThrow(/npm install .*@nats-io\/transport-node/);
  });
});
