import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/cli.ts";
import { checkHistory, parseHistory } from "../../../src/testing/index.ts";
import { FakeIo, run } from "../support/fake-io.ts";

const CORRECT = "test/cli/check/handlers/correct.ts";
const BROKEN = "test/cli/check/handlers/get-then-put.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "latchkey-check-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe("latchkey check", () => {
  it("says what it explored when nothing is broken, and exits with 0", async () => {
    const { exitCode, out, err } = await run(["check", CORRECT, "--runs", "60", "--seed", "3"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(out).toMatch(
      /^Nothing is broken\. 60 runs: [\d,]+ deliveries, [\d,]+ effects, [\d,]+ faults \(.+\), seed 3\.\n$/,
    );
  });

  it("prints the smallest run as lanes with the command that repeats it, and exits with 1", async () => {
    const { exitCode, out } = await run(["check", BROKEN, "--seed", "1"]);
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^The handler breaks G[13] /);
    expect(out).toMatch(/R1 +R2 +store\n/);
    const schedule = /--replay "([\d,]+)"/.exec(out)?.[1] ?? "none";
    const again = await run(["check", BROKEN, "--replay", schedule]);
    expect(again.exitCode).toBe(1);
    expect(again.out.split("\n").slice(0, -2)).toEqual(
      out
        .split("\n")
        .map((line) => line.replace(/^Found in .*/, again.out.split("\n").at(-3) ?? ""))
        .slice(0, -2),
    );
  });

  it("tries every schedule", async () => {
    const passed = await run(["check", CORRECT, "--exhaust", "--preemptions", "1"]);
    expect(passed.exitCode).toBe(0);
    expect(passed.out).toMatch(/^Nothing is broken\. \d+ runs: /);
    expect((await run(["check", BROKEN, "--exhaust"])).exitCode).toBe(1);
  });

  it("checks several events at a time on request, and repeats the run with as many", async () => {
    const { exitCode, out } = await run(["check", BROKEN, "--seed", "1", "--events", "2"]);
    expect(exitCode).toBe(1);
    const [, schedule = "none"] = /--replay "([\d,]+)" --events 2\n/.exec(out) ?? [];
    expect((await run(["check", BROKEN, "--replay", schedule, "--events", "2"])).exitCode).toBe(1);
  });

  it("finds nothing in one schedule of a correct handler, and reports no seed for it", async () => {
    const { exitCode, objects } = await run(["check", CORRECT, "--replay", "0,0,0", "--json"]);
    expect(exitCode).toBe(0);
    expect(objects()).toEqual([{ result: "passed", runs: 1, deliveries: 2, effects: 1, faults: {} }]);
  });

  it("takes the handler from the default export of its module", async () => {
    const file = join(folder, "default.mjs");
    await writeFile(
      file,
      "export default ({ effect }) => ({ event }) => effect(event);\nexport const other = () => {};\n",
    );
    expect((await run(["check", file, "--runs", "10", "--seed", "1"])).out).toMatch(/^The handler breaks G/);
  });

  it("prints one JSON object for a script", async () => {
    const passed = await run(["check", CORRECT, "--runs", "20", "--seed", "3", "--json"]);
    expect(passed.objects()).toMatchObject([{ result: "passed", seed: 3, runs: 20 }]);
    const { exitCode, objects } = await run(["check", BROKEN, "--seed", "1", "--json"]);
    expect(exitCode).toBe(1);
    expect(objects()).toMatchObject([
      {
        result: "broken",
        seed: 1,
        replay: expect.stringMatching(/^[\d,]+$/),
        violations: [{ why: expect.any(String) }],
      },
    ]);
  });

  it("writes the run that breaks something for the inspector", async () => {
    const file = join(folder, "run.ndjson");
    const { exitCode, out } = await run(["check", BROKEN, "--seed", "1", "--output", file]);
    expect(exitCode).toBe(1);
    expect(out).toContain(`The run is in ${file}, for the inspector.`);
    expect(checkHistory(parseHistory(await readFile(file, "utf8")))).not.toEqual([]);
  });

  it("serves the run that breaks something as a page until Ctrl-C, and then exits with 1", async () => {
    const io = new FakeIo();
    const running = runCli(["check", BROKEN, "--seed", "1", "--open"], io);
    await io.err.until("Press Ctrl-C");
    try {
      const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(io.out.text)?.[0] ?? "none";
      expect(await (await fetch(url)).text()).toContain('content="the counterexample"');
      const served = await (await fetch(new URL("api/run", url))).text();
      expect(checkHistory(parseHistory(served))).not.toEqual([]);
    } finally {
      io.interrupt();
    }
    expect(await running).toBe(1);
    expect(io.listeners).toBe(0);
  });

  it("serves nothing when nothing is broken", async () => {
    expect((await run(["check", CORRECT, "--runs", "20", "--open"])).exitCode).toBe(0);
  });

  it.each<readonly [string, readonly string[], string]>([
    ["a file that does not exist", ["nowhere.ts"], "Cannot import"],
    ["a module without a handler", ["test/cli/check/handlers/nothing.ts"], "but it exports 0 functions"],
    ["options that are no object", ["test/cli/check/handlers/odd-options.ts"], "to be an object with a scope"],
    ["a handler that awaits a real timer", ["test/cli/check/handlers/impatient.ts"], "does not control"],
    ["a wrong schedule", [BROKEN, "--replay", "a,b"], "Expected `schedule` to be whole numbers"],
    ["two ways to search", [BROKEN, "--exhaust", "--seed", "1"], "cannot be used with option"],
    ["a file that cannot be written", [BROKEN, "--seed", "1", "--output", "/nowhere/run.ndjson"], "Cannot write"],
  ])("refuses %s with exit code 2", async (_, argv, sentence) => {
    const { exitCode, err } = await run(["check", ...argv]);
    expect(exitCode).toBe(2);
    expect(err).toContain(sentence);
  });

  it("shows its progress on a terminal, and ends on Ctrl-C", async () => {
    const io = new FakeIo({ terminal: true });
    const running = runCli(["check", CORRECT, "--runs", "1000000"], io);
    await io.err.until("deliveries");
    io.interrupt();
    expect(await running).toBe(130);
    expect(io.err.text).toMatch(/[\d,]+ runs?, [\d,]+ deliver/);
    expect(io.listeners).toBe(0);
  });
});
