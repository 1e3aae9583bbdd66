import { PassThrough } from "node:stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/cli.ts";
import type { Deduplicator } from "../../../src/deduplicator.ts";
import { Deferred } from "../../../src/internal/deferred.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { collected } from "../../support/collected.ts";
import { connected, makeBucket } from "../../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";
import { type OperatedBucket, operatedBucket } from "../../support/operated-bucket.ts";
import { FakeIo, type Ran, ranWith, run } from "../support/fake-io.ts";

let server: NatsServer;
let operated: OperatedBucket;
let web: Deduplicator;

const billing = (eventId: string) => ({ subscriptionId: "billing", eventId });

beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server.stop());
beforeEach(async () => {
  operated = await operatedBucket(server);
  web = operated.replica("web-1");
  for (const id of ["1", "2", "3"]) await web.guard(billing(id), () => "");
  await web.guard({ subscriptionId: "mail", eventId: "4" }, () => "");
  await web.reserve(billing("held"));
});
afterEach(() => operated[Symbol.asyncDispose]());

/** Returns the content of the bucket, as `<event> <state>`. */
async function held(): Promise<readonly string[]> {
  const entries = await collected(operated.store.list({}));
  return entries.map(({ record }) => `${record.eventId} ${record.state}`);
}

const ALL = ["1 committed", "2 committed", "3 committed", "4 committed", "held reserved"];

/** Runs the command at a terminal. Calls `answer` after the question. */
async function atTerminal(
  argv: readonly string[],
  answer: (input: PassThrough, io: FakeIo) => unknown,
): Promise<Ran & { readonly io: FakeIo }> {
  const input = new PassThrough();
  const io = new FakeIo({ input, terminal: true, inputIsTerminal: true, env: { NATS_URL: server.url } });
  const running = runCli(["clear", "--bucket", operated.bucket, ...argv], io);
  await Promise.race([io.err.until("[y/N] ").then(() => answer(input, io)), running]);
  return { ...ranWith(await running, io), io };
}

const timeless = (text: string): string => text.replaceAll(/[\d.]+ (ms|s|min|h|d)\b/g, "#");

describe("latchkey clear", () => {
  it("prints the plan of a dry run, and clears nothing", async () => {
    const { exitCode, out, err } = await operated.run("clear", "--subscription", "billing", "--dry-run");
    expect([exitCode, err]).toEqual([0, ""]);
    expect(timeless(out).replaceAll(/ {3,}/g, "  ")).toBe(`In bucket ${operated.bucket} 4 keys match:
  3  committed  to clear: dispatched again at their next delivery
  1  reserved  left, because their handlers run (--state reserved or any)

KEY  EVENT  SINCE  LEFT
leFmuz-D  3  #  #
dZZoyFX9  2  #  #
TwuAD-la  1  #  #
All rows: STATE committed, SUBSCRIPTION billing, OWNER web-1, TRY 1

Nothing was cleared: this was a dry run.
`);
    expect(await held()).toEqual(ALL);
  });

  it("refuses without a terminal and without --yes", async () => {
    for (const how of [[], ["--json"]]) {
      const { exitCode, err } = await operated.run("clear", "--all", ...how);
      expect(exitCode).toBe(2);
      expect(err).toBe("latchkey: Nothing was cleared: without a terminal to ask, give --yes\n");
    }
    expect(await held()).toEqual(ALL);
  });

  it("clears keys with --yes, so that the events are dispatched again", async () => {
    const { exitCode, out } = await operated.run("clear", "--subscription", "billing", "--yes");
    expect([exitCode, out]).toEqual([0, expect.stringMatching(/\nCleared 3 keys\.\n$/)]);
    expect(await held()).toEqual(["4 committed", "held reserved"]);
    expect(await web.guard(billing("1"), () => "again")).toMatchObject({ outcome: "dispatched" });
  });

  it("prints the counts as JSON", async () => {
    const dry = await operated.run("clear", "--all", "--dry-run", "--json");
    const numbers = {
      bucket: operated.bucket,
      toClear: { reserved: 0, committed: 4, unreadable: 0 },
      toLeave: { reserved: 1, committed: 0, unreadable: 0 },
      keyless: 0,
      changed: 0,
    };
    expect(dry.objects()).toEqual([{ ...numbers, end: "dry-run", cleared: 0 }]);
    const done = await operated.run("clear", "--all", "--yes", "--json");
    expect(done.objects()).toEqual([{ ...numbers, end: "cleared", cleared: 4 }]);
  });

  it.each<readonly [argv: readonly string[], left: readonly string[]]>([
    [
      ["billing", "2"],
      ["1 committed", "3 committed", "4 committed", "held reserved"],
    ],
    [["mail", "4", "--workspace", "acme"], ALL],
    [[resolveIdentity(billing("2")).key], ["1 committed", "3 committed", "4 committed", "held reserved"]],
    [
      ["--subscription", "billing", "--event", "1"],
      ["2 committed", "3 committed", "4 committed", "held reserved"],
    ],
    [["--owner", "nobody"], ALL],
    [["--older-than", "1h"], ALL],
    [["--newer-than", "1h"], ["held reserved"]],
    [
      ["--workspace", "default", "--state", "reserved"],
      ["1 committed", "2 committed", "3 committed", "4 committed"],
    ],
    [["--all", "--state", "any"], []],
  ])("clears with %j", async (argv, left) => {
    expect((await operated.run("clear", ...argv, "--yes")).exitCode).toBe(0);
    expect(await held()).toEqual(left);
  });

  it("asks at a terminal, and accepts only a yes", async () => {
    for (const answer of ["n\n", "\n", "yeah\n"]) {
      const declined = await atTerminal(["--all"], (input) => input.write(answer));
      expect([declined.exitCode, declined.out]).toEqual([1, expect.stringMatching(/\nNothing was cleared\.\n$/)]);
    }
    expect((await atTerminal(["--all"], (input) => input.end())).exitCode).toBe(1);
    expect(await held()).toEqual(ALL);
    const { exitCode, out, err } = await atTerminal(["billing", "1"], (input) => input.write("Yes\n"));
    expect([exitCode, out]).toEqual([0, expect.stringMatching(/\nCleared 1 key\.\n$/)]);
    expect(err).toContain("Clear 1 key? [y/N] ");
    expect(await held()).toEqual(ALL.slice(1));
  });

  it("clears nothing if it is interrupted at the question", async () => {
    const { exitCode, out, io } = await atTerminal(["--all"], (_, asked) => asked.interrupt());
    expect([exitCode, out]).toEqual([130, expect.stringMatching(/\nInterrupted: cleared 0 of 4 keys\.\n$/)]);
    expect(io.listeners).toBe(0);
    expect(await held()).toEqual(ALL);
  });

  it("clears nothing if it is interrupted while it counts the keys", async () => {
    const io = new FakeIo({ env: { NATS_URL: server.url }, interrupted: true });
    const exitCode = await runCli(["clear", "--bucket", operated.bucket, "--all", "--yes"], io);
    expect([exitCode, io.out.text]).toEqual([130, expect.stringContaining("Interrupted")]);
    expect(await held()).toEqual(ALL);
  });

  it("does not ask if there is nothing to clear", async () => {
    const { exitCode, out } = await atTerminal(["billing", "new"], () => {
      throw new Error("asked");
    });
    expect([exitCode, out]).toEqual([0, `In bucket ${operated.bucket} 0 keys match.\n\nThere is nothing to clear.\n`]);
  });

  it("clears nothing that changed since it was counted", async () => {
    const { exitCode, out } = await atTerminal(["--subscription", "billing"], async (input) => {
      await operated.run("clear", "billing", "1", "--yes");
      await web.guard(billing("1"), () => "again");
      input.write("y\n");
    });
    expect(exitCode).toBe(1);
    expect(out).toMatch(/\nCleared 2 keys\. 1 changed since it was counted, and was left\.\n$/);
    expect((await held()).toSorted()).toEqual(["1 committed", "4 committed", "held reserved"]);
  });

  it("aborts the handler of a cleared reservation", async () => {
    const aborted = new Deferred<unknown>();
    const running = operated.replica("web-2", { leaseMs: 1_000 }).guard(billing("running"), async ({ signal }) => {
      signal.addEventListener("abort", () => aborted.resolve(signal.reason));
      expect((await operated.run("clear", "billing", "running", "--yes")).out).toContain("There is nothing to clear.");
      const { exitCode, out } = await operated.run("clear", "billing", "running", "--state", "reserved", "--yes");
      expect([exitCode, out]).toEqual([0, expect.stringContaining("their handlers are aborted")]);
      await aborted.promise;
    });
    expect(await aborted.promise).toMatchObject({ code: "reservation-lost", reason: "superseded" });
    await running;
  });

  it("clears unreadable keys on request, but no invalid ones", async () => {
    await operated.write(resolveIdentity(billing("rubbish")).storeKey, "rubbish");
    await operated.write("foreign", "{}");
    const left = await operated.run("clear", "--all", "--dry-run");
    expect(left.out).toContain("  2  unreadable  left (--state unreadable or any)\n");
    const { exitCode, out } = await operated.run("clear", "--all", "--state", "unreadable", "--yes");
    expect([exitCode, out]).toEqual([0, expect.stringMatching(/\nCleared 1 key\.\n$/)]);
    expect(out).toContain("  1  unreadable  left, because they have no valid Latchkey key\n");
    expect(await web.guard(billing("rubbish"), () => "")).toMatchObject({ outcome: "dispatched" });
  });

  it("prints only some of many keys", async () => {
    const many = Array.from({ length: 10 }, (_, index) => web.guard(billing(`more ${index}`), () => ""));
    await Promise.all(many);
    const { out } = await operated.run("clear", "--subscription", "billing", "--dry-run");
    expect(out).toMatch(/\nAll rows: STATE committed, .*\nand 8 more\n\nNothing/);
  });

  it.each([
    [[], "Select the keys to clear: one event, filters such as --subscription, or --all"],
    [["--state", "any"], "Select the keys to clear"],
    [["billing", "1", "--owner", "web"], "Name one event or give filters, not both"],
    [["billing", "1", "--all"], "Name one event or give filters, not both"],
    [["--all", "--workspace", "acme"], "--all selects all keys"],
    [["billing"], "`billing` is not a key"],
    [["--all", "--yes", "--dry-run"], "cannot be used with"],
  ])("refuses %j", async (argv, sentence) => {
    const { exitCode, out, err } = await operated.run("clear", ...argv);
    expect([exitCode, out, err]).toEqual([2, "", expect.stringContaining(sentence)]);
  });

  it("reports its progress when it fails", async () => {
    const reader = `{ user: reader, password: x, permissions: { publish: "$JS.API.>", subscribe: "_INBOX.>" } }`;
    await using guarded = await startNats({
      config: `authorization { users: [{ user: admin, password: x }, ${reader}] }`,
    });
    await using admin = await connected(guarded, { user: "admin", pass: "x" });
    await makeBucket(admin, "dedup");
    await admin.request(`$KV.dedup.${resolveIdentity(billing("1")).storeKey}`, "rubbish");
    const argv = ["clear", "--bucket", "dedup", "--all", "--state", "any", "--yes"];
    const { exitCode, err } = await run([...argv, "--nats", `reader:x@127.0.0.1:${guarded.port}`]);
    expect(exitCode).toBe(2);
    expect(err).toMatch(
      /^latchkey: Cleared 0 of 1 key before a failure: Bucket dedup cannot be written: the connection may not publish to \$KV\./,
    );
  });
});
