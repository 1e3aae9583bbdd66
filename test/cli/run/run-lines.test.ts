import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/cli.ts";
import { dispatchLines } from "../../../src/cli/run/dispatch-lines.ts";
import { readLines } from "../../../src/cli/run/input/lines.ts";
import { closeAtEnd, openDeduplicator } from "../../../src/cli/run/open-deduplicator.ts";
import { planRun } from "../../../src/cli/run/plan.ts";
import type { LineResult } from "../../../src/cli/run/report/line-results.ts";
import { httpTarget } from "../../../src/cli/run/target/http-target.ts";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { StoreUnavailableError } from "../../../src/errors.ts";
import { Deferred } from "../../../src/internal/deferred.ts";
import { dedupKey } from "../../../src/model/identity.ts";
import type { Store } from "../../../src/model/store.ts";
import { gitHubDeliveries } from "../support/deliveries.ts";
import { type Answer, startEndpoint, status } from "../support/endpoint.ts";
import { FakeIo, hastyClock, ranWith, run } from "../support/fake-io.ts";

const event = (id: string, data: unknown = id): string =>
  JSON.stringify({ specversion: "1.0", id, source: "/test", type: "test", data });
const keyOf = (id: string): string => dedupKey("run", JSON.stringify(["/test", id]));
const lines = (...texts: readonly string[]): string => texts.map((text) => `${text}\n`).join("");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "latchkey-run-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(text: string): Promise<string> {
  const path = join(folder, `${Math.random()}.ndjson`);
  await writeFile(path, text);
  return path;
}

const deliveries = gitHubDeliveries();

describe("latchkey run with GitHub's webhook deliveries", () => {
  it("G3: dispatches each once, however often and in whatever order they are repeated", async () => {
    await using endpoint = await startEndpoint();
    const once = deliveries.map(({ line }) => line);
    const shuffled = [...once, ...once, ...once].sort((one, other) => (one.slice(-9) < other.slice(-9) ? -1 : 1));
    const { exitCode, objects } = await run(["run", "--to", endpoint.url, "--json"], { input: lines(...shuffled) });
    expect(exitCode).toBe(0);
    expect(objects().at(-1)).toMatchObject({
      summary: { lines: once.length * 3, dispatched: once.length, duplicates: once.length * 2, failed: 0, exitCode: 0 },
    });
    expect([...endpoint.counts().values()]).toEqual(once.map(() => 1));
    expect(objects().length).toBe(once.length * 3 + 1);
  });

  it("sends every payload byte for byte, with GitHub's headers and its key", async () => {
    await using endpoint = await startEndpoint();
    const path = await fileOf(lines(...deliveries.map(({ line }) => line)));
    const { exitCode } = await run(["run", "--file", path, "--to", endpoint.url, "--subscription", "hooks"]);
    expect(exitCode).toBe(0);
    const byKey = new Map(endpoint.received.map((request) => [request.headers["idempotency-key"], request]));
    for (const { id, event: name, payload } of deliveries) {
      const request = byKey.get(dedupKey("hooks", id));
      expect(request?.headers).toMatchObject({
        "x-github-event": name,
        "x-github-delivery": id,
        "ce-id": id,
        "content-type": "application/json",
      });
      expect(request?.body.toString()).toBe(JSON.stringify(payload));
    }
  });
});

describe("latchkey run", () => {
  it("reports invalid lines with their numbers, and continues", async () => {
    await using endpoint = await startEndpoint();
    const input = Buffer.concat([
      Buffer.from(lines("nonsense", event("1"), "", "{}", '{"specversion":"1.0"}')),
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from(event("2")),
    ]);
    const { exitCode, out, err } = await run(["run", "--to", endpoint.url], { input });
    expect(exitCode).toBe(1);
    expect(err.trimEnd().split("\n").sort()).toEqual([
      "line 1  unreadable  not JSON: expected one JSON object",
      "line 4  unreadable  no identity: neither a CloudEvent (no `specversion`) nor the recorded webhook of a known sender; give --id <header or JSON pointer>",
      "line 5  unreadable  the CloudEvent has no `id`",
      "line 6  unreadable  not UTF-8, which JSON must be",
    ]);
    expect(out).toMatch(/^✗ 6 lines to http:.*\n {2}dispatched {2}2\n {2}duplicates {2}0\n {2}unreadable {2}4\n$/);
    expect([...endpoint.counts().keys()].sort()).toEqual([keyOf("1"), keyOf("2")].sort());
  });

  it("retries a failing event up to the given number of attempts", async () => {
    const failTwice: Answer = (request, response) => void response.writeHead(request.times <= 2 ? 500 : 200).end();
    await using endpoint = await startEndpoint(failTwice);
    const argv = ["run", "--to", endpoint.url, "--json", "--timeout", "36000", "--attempts"];
    const failed = await run([...argv, "2"], { input: event("1"), clock: hastyClock });
    expect(failed.exitCode).toBe(1);
    expect(failed.objects()[0]).toMatchObject({
      line: 1,
      outcome: "failed",
      failure: { failure: "status", status: 500 },
      reason: "the endpoint answered 500",
      attempts: 2,
    });
    const dispatched = await run([...argv, "3"], { input: event("2"), clock: hastyClock });
    expect(dispatched.exitCode).toBe(0);
    expect(dispatched.objects()).toMatchObject([
      { outcome: "dispatched", commit: "confirmed", attempts: 3, key: keyOf("2") },
      { summary: { dispatched: 1, retried: 1 } },
    ]);
    const attempts = endpoint.received.slice(2).map(({ headers }) => Number(headers["latchkey-attempt"]));
    const fences = endpoint.received.slice(2).map(({ headers }) => Number(headers["latchkey-fence"]));
    expect(attempts).toEqual([1, 2, 3]);
    expect(fences).toEqual([...new Set(fences)].sort((one, other) => one - other));
  });

  it("does not retry an event that the endpoint rejected", async () => {
    await using endpoint = await startEndpoint(status(422));
    const { exitCode, err } = await run(["run", "--to", endpoint.url], { input: event("1") });
    expect(exitCode).toBe(1);
    expect(endpoint.received).toHaveLength(1);
    expect(err).toBe('line 1  failed  test ["/test","1"]: the endpoint answered 422\n');
  });

  it("aborts a dispatch after its time limit", async () => {
    await using endpoint = await startEndpoint((request, response) => {
      if (request.times === 2) response.end();
    });
    const { exitCode, objects } = await run(["run", "--to", endpoint.url, "--timeout", "2", "--json"], {
      input: event("1"),
    });
    expect(exitCode).toBe(0);
    expect(objects()[0]).toMatchObject({ outcome: "dispatched", attempts: 2 });
    const never = await run(["run", "--to", endpoint.url, "--timeout", "0.05", "--attempts", "1"], {
      input: event("2"),
    });
    expect(never.err).toContain("the endpoint did not answer within 50 ms (--timeout)");
  });

  it("G1: dispatches a repeated line once, while its first dispatch is in flight", async () => {
    const { promise: isReleased, resolve: release } = new Deferred<undefined>();
    await using endpoint = await startEndpoint(async (_, response) => {
      await isReleased;
      response.end();
    });
    const io = new FakeIo({ input: lines(event("1"), event("1"), event("2")) });
    const running = runCli(["run", "--to", endpoint.url, "--json"], io);
    await expect.poll(() => endpoint.received.length).toBe(2);
    release(undefined);
    expect(await running).toBe(0);
    expect(endpoint.received).toHaveLength(2);
    expect(ranWith(0, io).objects().at(-1)).toMatchObject({ summary: { dispatched: 2, duplicates: 1 } });
  });

  it("G2: dispatches a repeated line after the failure of the first", async () => {
    const failOnce: Answer = (request, response) => void response.writeHead(request.times === 1 ? 500 : 200).end();
    await using endpoint = await startEndpoint(failOnce);
    const { exitCode, objects } = await run(["run", "--to", endpoint.url, "--attempts", "1", "--json"], {
      input: lines(event("1"), event("1")),
    });
    expect(exitCode).toBe(1);
    expect(
      objects()
        .slice(0, 2)
        .map((result) => result["outcome"])
        .sort(),
    ).toEqual(["dispatched", "failed"]);
    expect(endpoint.received).toHaveLength(2);
  });

  it("runs a command for each event", async () => {
    const path = await fileOf(lines(event("1"), event("2"), event("1")));
    const argv = ["run", "--file", path, "--exec", "sh", "-c", 'cat; echo " $LATCHKEY_ATTEMPT"', "--json"];
    const { exitCode, out, err } = await run(argv);
    expect(exitCode).toBe(0);
    expect(err.trimEnd().split("\n").sort()).toEqual([`${event("1")} 1`, `${event("2")} 1`]);
    // Everything after --exec belongs to the command, --json too.
    expect(out).toMatch(
      /^✓ 3 lines to sh -c cat; .*\n {2}dispatched {2}2\n {2}duplicates {2}1 {2}not dispatched again\n$/,
    );
  });

  it("accepts a -- after --exec as the end of the options", async () => {
    const { exitCode, err } = await run(["run", "--exec", "--", "sh", "-c", "cat; echo"], { input: event("1") });
    expect([exitCode, err]).toEqual([0, `${event("1")}\n`]);
  });

  it("reports options of the run that were given to the command, unless -- precedes them", async () => {
    const command = ["true", "--bucket", "b", "--workspace", "w"];
    const [mistaken, known, meant] = await Promise.all(
      [
        ["run", "--exec", ...command],
        ["run", "--workspace", "v", "--exec", ...command],
        ["run", "--exec", "--", ...command],
      ].map(async (argv) => (await run(argv, { input: event("1") })).err),
    );
    expect(mistaken).toContain(
      "latchkey: what follows --exec belongs to the command, also --bucket and --workspace: put",
    );
    expect(known).toContain("also --bucket: put options of run before --exec");
    expect(meant).toBe("");
  });

  it("retries while the store is unavailable, and reports it at the end", async () => {
    await using endpoint = await startEndpoint();
    const io = new FakeIo({ clock: hastyClock });
    const away: Store = {
      put: () => Promise.reject(new StoreUnavailableError("The store is away", { ambiguous: false })),
      get: () => Promise.resolve(undefined),
    };
    await using dedup = new Deduplicator({ store: away });
    const input = { lines: readLines(Readable.from([Buffer.from(event("1"))]), 1_000), stop: () => {} };
    const results: LineResult[] = [];
    const never = new AbortController().signal;
    await dispatchLines(input, {
      dedup,
      target: httpTarget(new URL(endpoint.url), { clock: io.clock }),
      subscriptionId: "run",
      workspaceId: "default",
      concurrency: 1,
      attempts: 3,
      timeoutMs: 1_000,
      clock: io.clock,
      random: io.random,
      abort: never,
      drain: never,
      onResult: async (result) => void results.push(result),
    });
    expect(results).toMatchObject([
      {
        outcome: "failed",
        attempts: 3,
        failure: { failure: "latchkey", code: "store-unavailable", message: "The store is away" },
      },
    ]);
    expect(endpoint.received).toEqual([]);
  });

  it("reads no more lines than it dispatches concurrently", async () => {
    let read = 0;
    const source = Readable.from(
      (function* (): Generator<Buffer, void> {
        for (let id = 1; id <= 500; id += 1) {
          read += 1;
          yield Buffer.from(`${event(String(id), "x".repeat(100_000))}\n`);
        }
      })(),
      { objectMode: true, highWaterMark: 1 },
    );
    let most = 0;
    await using endpoint = await startEndpoint((_, response) => {
      most = Math.max(most, read - endpoint.received.length);
      response.end();
    });
    const { exitCode } = await run(["run", "--to", endpoint.url, "--concurrency", "4"], { input: source });
    expect(exitCode).toBe(0);
    expect(endpoint.received).toHaveLength(500);
    expect(most).toBeLessThanOrEqual(8);
  });

  it("skips a line that exceeds the maximum length", async () => {
    await using endpoint = await startEndpoint();
    const long = Readable.from(
      (function* (): Generator<Buffer, void> {
        yield Buffer.from(`${event("1")}\n{"specversion":"1.0","data":"`);
        for (let megabytes = 0; megabytes < 40; megabytes += 1) yield Buffer.alloc(1024 * 1024, "x");
        yield Buffer.from(`"}\n${event("2")}`);
      })(),
      { objectMode: true },
    );
    const { exitCode, err } = await run(["run", "--to", endpoint.url], { input: long });
    expect(exitCode).toBe(1);
    expect(err).toBe("line 2  unreadable  the line has 41,943,071 bytes, and the maximum is 33,554,432\n");
    expect(endpoint.received).toHaveLength(2);
  });

  it("prints event ids on one line, without control characters", async () => {
    await using endpoint = await startEndpoint(status(422));
    const { err } = await run(["run", "--to", endpoint.url], { input: event("\u001b[2J\n\u202eevil") });
    expect(err.split("\n")).toHaveLength(2);
    expect(err).not.toContain("\u001b");
    expect(err).not.toContain("\u202e");
  });
});

describe("the input of latchkey run", () => {
  it("is read from gzip, and refused once in another format, before anything is dispatched", async () => {
    await using endpoint = await startEndpoint();
    const gzip = await run(["run", "--to", endpoint.url], { input: gzipSync(lines(event("1"), event("2"))) });
    expect([gzip.exitCode, endpoint.received.length]).toEqual([0, 2]);
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(lines(event("3")), "utf16le")]);
    expect(await run(["run", "--to", endpoint.url], { input: utf16 })).toMatchObject({
      exitCode: 2,
      out: "",
      err: "latchkey: The input is UTF-16, not UTF-8 with one JSON object per line. Convert it: … | iconv -f UTF-16 -t UTF-8 | latchkey run --file - …\n",
    });
    expect(endpoint.received).toHaveLength(2);
  });

  it("G2: loses no event with rounded ids, because both lines are refused", async () => {
    await using endpoint = await startEndpoint();
    const big = (id: string): string => `{"specversion":"1.0","id":${id},"source":"/o","type":"t"}`;
    const { exitCode, err } = await run(["run", "--to", endpoint.url], {
      input: lines(big("9007199254740993"), big("9007199254740992")),
    });
    expect([exitCode, err.match(/`id` is a number, not a non-empty string/g)?.length]).toEqual([1, 2]);
  });

  it("G2: is reported where two events with different payloads share an id", async () => {
    await using endpoint = await startEndpoint();
    const input = lines(event("1", { a: 1, b: 2 }), event("1", { b: 2, a: 1 }), event("1", { a: 2, b: 2 }));
    const { exitCode, objects } = await run(["run", "--to", endpoint.url, "--json", "--concurrency", "1"], { input });
    expect(exitCode).toBe(1);
    expect(objects()).toMatchObject([
      { outcome: "dispatched" },
      { outcome: "duplicate" },
      {
        outcome: "failed",
        attempts: 1,
        reason: expect.stringContaining("another payload was dispatched under this id"),
      },
      { summary: { dispatched: 1, duplicates: 1, failed: 1 } },
    ]);
  });

  it("may be any JSON objects with --id, --type and --subject", async () => {
    await using endpoint = await startEndpoint();
    const argv = [
      "run",
      "--to",
      endpoint.url,
      "--id",
      "X-Order",
      "--id",
      "/order/id",
      "--type",
      "/kind",
      "--subject",
      "/order/id",
    ];
    const input = lines(
      '{"order":{"id":"o-1"},"kind":"paid"}',
      '{"order":{"id":"o-1"},"kind":"paid"}',
      '{"order":{"id":7}}',
    );
    const { exitCode, out, err } = await run(argv, { input });
    expect([exitCode, err]).toEqual([
      1,
      "line 3  unreadable  no identity: the member `/order/id` is a number, not a non-empty string (--subject)\n",
    ]);
    expect(out).toMatch(/dispatched {2}1\n {2}duplicates {2}1 /);
    expect(endpoint.received[0]?.headers).toMatchObject({
      "ce-type": "paid",
      "ce-subject": "o-1",
      "idempotency-key": dedupKey("run", "o-1"),
    });
  });

  it("is sent with one idempotency key for each tenant", async () => {
    await using endpoint = await startEndpoint();
    for (const workspace of ["default", "tenant-a", "tenant-b"]) {
      await run(["run", "--to", endpoint.url, "--workspace", workspace], { input: event("1") });
    }
    expect(endpoint.counts().size).toBe(3);
    expect(endpoint.received.map(({ headers }) => headers["latchkey-workspace"])).toEqual([
      "default",
      "tenant-a",
      "tenant-b",
    ]);
    expect(endpoint.received[0]?.headers["idempotency-key"]).toBe(keyOf("1"));
  });

  it("is retried as often as TRIGGER_DISPATCH_MAX_RETRIES allows", async () => {
    await using endpoint = await startEndpoint(status(500));
    const env = { PATH: process.env["PATH"], TRIGGER_DISPATCH_MAX_RETRIES: " 1 " };
    await run(["run", "--to", endpoint.url], { input: event("1"), env, clock: hastyClock });
    expect(endpoint.received).toHaveLength(2);
    const wrong = await run(["run", "--to", endpoint.url], {
      input: "",
      env: { TRIGGER_DISPATCH_MAX_RETRIES: "many" },
    });
    expect([wrong.exitCode, wrong.err]).toEqual([2, expect.stringContaining("`TRIGGER_DISPATCH_MAX_RETRIES`")]);
  });

  it("reports a long pause before a retry", async () => {
    await using endpoint = await startEndpoint((request, response) => {
      response.writeHead(request.times === 1 ? 503 : 200, { "retry-after": "20" }).end();
    });
    const argv = ["run", "--to", endpoint.url, "--timeout", "36000"];
    const { err } = await run(argv, { input: event("1"), clock: hastyClock });
    expect(err).toBe(
      'line 1  waiting  test ["/test","1"]: the endpoint answered 503; retrying in 20 s (Retry-After)\n',
    );
  });
});

describe("the lease", () => {
  it.each([
    [{}, {}, 30_000],
    [{}, { LATCHKEY_LEASE_SECONDS: "7" }, 7_000],
    [{ lease: 5_000 }, { LATCHKEY_LEASE_SECONDS: "7" }, 5_000],
  ])("follows from the flags %j and the environment %j: %i ms", async (flags, env, leaseMs) => {
    const io = new FakeIo({ env });
    const dedup = await openDeduplicator(planRun({ to: "http://127.0.0.1:9", ...flags }, io), undefined, io);
    expect(dedup.leaseMs).toBe(leaseMs);
    await dedup.close();
  });
});

describe("Ctrl-C", () => {
  interface Interrupted {
    readonly io: FakeIo;
    readonly input: PassThrough;
    readonly running: Promise<number>;
  }

  function start(argv: readonly string[]): Interrupted {
    const input = new PassThrough();
    const io = new FakeIo({ input });
    return { io, input, running: runCli(["run", ...argv], io) };
  }

  it("waits for running dispatches and stops reading", async () => {
    const { promise: isReleased, resolve: release } = new Deferred<undefined>();
    await using endpoint = await startEndpoint(async (_, response) => {
      await isReleased;
      response.end();
    });
    const { io, input, running } = start(["--json", "--to", endpoint.url, "--concurrency", "2"]);
    input.write(lines(event("1"), event("2"), event("3"), event("4")));
    await expect.poll(() => endpoint.received.length).toBe(2);
    io.interrupt();
    release(undefined);
    expect(await running).toBe(130);
    const objects = ranWith(130, io).objects();
    expect(objects).toMatchObject([
      { outcome: "dispatched" },
      { outcome: "dispatched" },
      { summary: { lines: 2, dispatched: 2, exitCode: 130 } },
    ]);
    expect(io.err.text).toMatch(/^Stopping: /);
    expect(endpoint.received).toHaveLength(2);
    expect(io.listeners).toBe(0);
  });

  it("ends a run that waits for input", async () => {
    await using endpoint = await startEndpoint();
    const { io, input, running } = start(["--json", "--to", endpoint.url]);
    input.write(lines(event("1")));
    await io.out.until("dispatched");
    io.interrupt();
    expect(await running).toBe(130);
    expect(input.destroyed).toBe(true);
  });

  it("ignores an incomplete line at the interruption", async () => {
    await using endpoint = await startEndpoint();
    const { io, input, running } = start(["--json", "--to", endpoint.url]);
    input.write(`${lines(event("1"))}{"specversion":`);
    await io.out.until("dispatched");
    io.interrupt();
    expect(await running).toBe(130);
    expect(ranWith(130, io).objects().at(-1)).toMatchObject({ summary: { lines: 1, unreadable: 0 } });
  });

  it("ends the pause between two attempts: the event has failed", async () => {
    const { promise: isAnswered, resolve: answered } = new Deferred<undefined>();
    await using endpoint = await startEndpoint((_, response) => {
      response.once("finish", () => answered(undefined));
      response.writeHead(503, { "retry-after": "100" }).end();
    });
    const { io, input, running } = start(["--json", "--to", endpoint.url]);
    input.write(lines(event("1")));
    await isAnswered;
    io.interrupt();
    expect(await running).toBe(130);
    expect(ranWith(130, io).objects()[0]).toMatchObject({ outcome: "failed", attempts: 1 });
  });

  it("aborts running dispatches the second time", async () => {
    await using endpoint = await startEndpoint(() => {});
    const { io, input, running } = start(["--json", "--to", endpoint.url]);
    input.write(lines(event("1"), event("1")));
    await expect.poll(() => endpoint.received.length).toBe(1);
    io.interrupt();
    await io.out.until('"unfinished"');
    io.interrupt();
    expect(await running).toBe(130);
    expect(ranWith(130, io).objects()).toMatchObject([
      { outcome: "unfinished", attempts: 0 },
      { outcome: "unfinished", attempts: 1 },
      { summary: { lines: 2, unfinished: 2, dispatched: 0 } },
    ]);
    expect(io.err.text).toMatch(/^Stopping: .*\nAborting.\n$/);
  });

  it.each([
    [false, {}],
    [true, { drainMs: 0 }],
  ])("gives commits in flight their usual time, and only the minimum after an abort (%s)", async (isAborted, how) => {
    const closed: unknown[] = [];
    const dedup = { close: async (options?: object) => void closed.push(options) };
    await closeAtEnd(dedup, () => isAborted)[Symbol.asyncDispose]();
    expect(closed).toEqual([how]);
  });

  it("ends commands with SIGTERM the second time", async () => {
    const { io, input, running } = start(["--exec", "sh", "-c", "echo ready; sleep 60"]);
    input.write(lines(event("1")));
    await io.err.until("ready");
    io.interrupt();
    io.interrupt();
    // A third interruption changes nothing.
    io.interrupt();
    expect(await running).toBe(130);
    expect(io.err.text.match(/Aborting/g)).toHaveLength(1);
    expect(io.out.text).toMatch(
      /^■ interrupted: 1 line to .*\n {2}dispatched {2}0\n {2}duplicates {2}0\n {2}unfinished {2}1 /,
    );
  });
});

describe("a terminal", () => {
  it("shows the progress of a file", async () => {
    const { promise: isReleased, resolve: release } = new Deferred<undefined>();
    await using endpoint = await startEndpoint(async (_, response) => {
      await isReleased;
      response.end();
    });
    const io = new FakeIo({ terminal: true });
    const path = await fileOf(lines(event("1")));
    const running = runCli(["run", "--file", path, "--to", endpoint.url], io);
    await io.err.until("100 % · 0 lines");
    release(undefined);
    expect(await running).toBe(0);
  });

  it("shows a status line, which is erased at the end", async () => {
    const { promise: isReleased, resolve: release } = new Deferred<undefined>();
    await using endpoint = await startEndpoint(async (_, response) => {
      await isReleased;
      response.end();
    });
    const io = new FakeIo({ input: lines("nonsense", event("1")), terminal: true });
    const running = runCli(["run", "--to", endpoint.url], io);
    await io.err.until("1 line · 0 dispatched · 0 duplicates · 1 unreadable");
    release(undefined);
    expect(await running).toBe(1);
    expect(io.err.text.endsWith("\r\u001b[2K")).toBe(true);
    expect(io.err.text.split("\r\u001b[2K").every((line) => line.length < 80 || line.includes("unreadable  "))).toBe(
      true,
    );
    expect(io.out.text).toContain("\u001b[31m✗\u001b[0m 2 lines");
  });
});

describe("latchkey run with wrong options or input", () => {
  const to = ["--to", "http://127.0.0.1:9"];

  it.each<readonly [string, readonly string[], string]>([
    ["no target", [], "one target"],
    ["two targets", [...to, "--exec", "true"], "one target"],
    ["an empty command", ["--exec"], "--exec needs a command"],
    ["an address without a scheme", ["--to", "localhost:80"], "--to needs an http:// or https:// URL"],
    ["a malformed address", ["--to", "http://:80"], "--to needs an http:// or https:// URL"],
    [
      "a missing file",
      [...to, "--file", "/nonexistent"],
      "Cannot read `/nonexistent`: there is no such file; check the path (ENOENT)",
    ],
    ["a folder", [...to, "--file", "/"], "Cannot read `/`: it is a folder; name one of its files (EISDIR)"],
    ["a missing command", ["--exec", "/nonexistent"], "Cannot run `/nonexistent`: there is no such file (ENOENT)"],
    ["half a stream", [...to, "--stream", "S"], "one input"],
    ["a file and a stream", [...to, "--stream", "S", "--consumer", "C", "--file", "f"], "one input"],
    ["a stream without a server", [...to, "--stream", "S", "--consumer", "C"], "NATS_URL"],
    ["a bucket without a subscription", [...to, "--bucket", "b", "--nats", "x"], "--subscription"],
    ["a bucket without a server", [...to, "--bucket", "b", "--subscription", "s"], "NATS_URL"],
    [
      "an invalid server",
      [...to, "--bucket", "b", "--subscription", "s", "--nats", "http://me:secret@x"],
      "nats://host:port",
    ],
    ["a dead-letter subject without a stream", [...to, "--dead-letter", "dead"], "--dead-letter needs --stream"],
    ["a priority group without a stream", [...to, "--group", "jobs"], "--group needs --stream"],
    ["a priority without a group", [...to, "--priority", "1"], "--min-ack-pending and --priority need --group"],
    ["a long name of a group", [...to, "--group", "a".repeat(17)], "Expected a name of 1 to 16 characters"],
    ["a priority out of range", [...to, "--priority", "10"], "Expected a whole number from 0 to 9"],
    ["an empty workspace", [...to, "--workspace", ""], "`--workspace`"],
    ["an empty subscription", [...to, "--subscription", ""], "`--subscription`"],
    ["an invalid number", [...to, "--concurrency", "many"], "whole number from 1 to 10000"],
    ["zero attempts", [...to, "--attempts", "0"], "whole number of at least 1"],
    ["too short a lease", [...to, "--lease", "0.5"], "number of seconds from 1"],
    ["an invalid time", [...to, "--timeout", "soon"], "number of seconds from 0.001"],
    ["a header without a colon", [...to, "--header", "Authorization"], "--header needs the form"],
    ["a header that Latchkey sets", [...to, "--header", "Idempotency-Key: 1"], "--header cannot set `idempotency-key`"],
    ["a header without an endpoint", ["--header", "A: secret", "--exec", "true"], "--header needs --to"],
    ["a header with a line break", [...to, "--header", "A: secret\r\nB: 1"], "--header needs the form"],
    ["a malformed JSON Pointer", [...to, "--id", "/a~2"], "--id needs the name of a header or a JSON Pointer"],
    ["a malformed header name", [...to, "--type", "a b"], "--type needs the name of a header or a JSON Pointer"],
    ["shell syntax as a command", ["--exec", "cat | wc"], "--exec sh -c"],
    ["a command that is not on the PATH", ["--exec", "no-such-command"], "no program of this name is on the PATH"],
    ["an unknown option", [...to, "--speed", "9"], "unknown option '--speed'"],
  ])("exits with code 2 for %s", async (_, argv, sentence) => {
    const { exitCode, out, err } = await run(["run", ...argv], { input: event("1") });
    expect(exitCode).toBe(2);
    expect(err).toContain(sentence);
    expect(err).not.toContain("secret");
    expect(err).not.toContain("    at ");
    expect(out).toBe("");
  });

  it("exits with code 2 for an invalid environment variable, and names it", async () => {
    const { exitCode, err } = await run(["run", ...to], { input: "", env: { LATCHKEY_LEASE_SECONDS: "soon" } });
    expect(exitCode).toBe(2);
    expect(err).toContain("`LATCHKEY_LEASE_SECONDS`");
  });

  it("exits with code 2 for a terminal as input, unless it is requested", async () => {
    const { exitCode, err } = await run(["run", ...to], { inputIsTerminal: true });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("Nothing to read")]);
    expect((await run(["run", ...to, "--file", "-"], { inputIsTerminal: true })).exitCode).toBe(0);
  });

  it("exits with code 2 for a missing command while input is still to come", async () => {
    const input = new PassThrough();
    input.write(lines(event("1")));
    const { exitCode, err } = await run(["run", "--exec", "/nonexistent"], { input });
    expect([exitCode, err]).toEqual([2, "latchkey: Cannot run `/nonexistent`: there is no such file (ENOENT)\n"]);
  });

  it("exits with code 2 for an input that does not contain bytes", async () => {
    const { exitCode, err } = await run(["run", ...to], { input: Readable.from(["text"]) });
    expect([exitCode, err]).toEqual([2, "latchkey: Cannot read standard input: the stream does not contain bytes\n"]);
  });

  it("exits with code 2 for an unexpected error, and prints its stack", async () => {
    const io = Object.assign(new FakeIo(), {
      input: () => {
        throw new Error("boom");
      },
    });
    expect(await runCli(["run", ...to], io)).toBe(2);
    expect(io.err.text).toMatch(/^latchkey: Unexpected error\. Please report it: Error: boom\n {4}at /);
  });

  it("exits with code 2 for an input that fails, finishes running dispatches and prints no summary", async () => {
    await using endpoint = await startEndpoint();
    const input = new PassThrough();
    const io = new FakeIo({ input });
    const running = runCli(["run", "--to", endpoint.url], io);
    input.write(lines(event("1")));
    await expect.poll(() => endpoint.received.length).toBe(1);
    input.destroy(new Error("the disk is gone"));
    expect(await running).toBe(2);
    expect(io.err.text).toContain("Cannot read standard input: the disk is gone");
    expect(io.out.text).toBe("");
  });
});
