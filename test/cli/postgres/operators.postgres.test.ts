import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/index.ts";
import { postgresStore } from "../../../src/postgres/index.ts";
import { type TestDatabase, testDatabase } from "../../support/postgres-database.ts";
import { run } from "../support/fake-io.ts";

describe("keys in PostgreSQL", () => {
  let database: TestDatabase;
  let dedup: Deduplicator;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());
  beforeEach(async () => {
    await database.pool.query("truncate latchkey.keys");
    dedup = new Deduplicator({ store: await postgresStore(database.pool), owner: "web-1" });
    const keepResult = { keepResult: true };
    await dedup.guard({ subscriptionId: "billing", eventId: "done" }, () => ({ invoice: 7 }), keepResult);
    await dedup.reserve({ subscriptionId: "billing", eventId: "running" });
    await dedup.guard({ workspaceId: "acme", subscriptionId: "mail", eventId: "done" }, () => {});
  });

  const latchkey = (...argv: string[]) => run([...argv, "--postgres", database.url]);
  const statesOf = async (): Promise<string[]> => {
    const { objects } = await latchkey("list", "--json");
    return objects().map(({ eventId, state }) => `${String(eventId)} ${String(state)}`);
  };

  it("are listed with their state, owner and times, in the order of their last writes", async () => {
    expect(await statesOf()).toEqual(["done committed", "running reserved", "done committed"]);
    const reserved = await latchkey("list", "--state", "reserved", "--json");
    expect(reserved.objects()).toMatchObject([
      { state: "reserved", eventId: "running", owner: "web-1", bucket: "postgres" },
    ]);
    const billing = await latchkey("list", "--subscription", "billing");
    expect(billing.err).toContain("2 keys");
    const acme = await latchkey("list", "--workspace", "acme", "--json");
    expect(acme.objects()).toMatchObject([{ workspaceId: "acme", eventId: "done" }]);
  });

  it("are listed completely, however many there are", async () => {
    await database.pool.query(
      `insert into latchkey.keys select 'k' || n, 'no record', now(), latchkey.next_revision(), now() + interval '1 hour'
       from generate_series(1, 2500) n`,
    );
    const { objects } = await latchkey("list", "--state", "unreadable", "--json");
    expect(objects()).toHaveLength(2_500);
    const subjects = new Set(objects().map(({ subject }) => subject));
    expect(subjects.size).toBe(2_500);
  });

  it("report since when a renewed reservation is held", async () => {
    await database.pool.query(
      `update latchkey.keys set written_at = now(), revision = latchkey.next_revision(),
         record = (record::jsonb || jsonb_build_object('fence', revision, 'heldMs', 3600000))::text
         where record like '%running%'`,
    );
    const { objects } = await latchkey("show", "billing", "running", "--json");
    expect(Number(objects()[0]?.["heldMs"])).toBeGreaterThan(3_500_000);
    const listed = await latchkey("list", "--older-than", "50m", "--state", "reserved", "--json");
    expect(listed.objects()).toMatchObject([{ eventId: "running" }]);
  });

  it("explain why an event is a duplicate, pending, or would be dispatched", async () => {
    const done = await latchkey("show", "billing", "done");
    expect(done.exitCode).toBe(0);
    expect(done.out).toMatch(
      /^● committed {2}billing {2}done\n\n {2}web-1 committed the event .* ago at attempt 1\. Deliveries are suppressed/,
    );
    expect(done.out).toContain("stored, 13 bytes");
    const running = await latchkey("show", "billing", "running", "--json");
    expect(running.objects()).toMatchObject([{ state: "reserved", delivery: "pending", owner: "web-1" }]);
    const absent = await latchkey("show", "biling", "absent");
    expect([absent.exitCode, absent.out]).toEqual([1, expect.stringContaining("key is empty")]);
    expect(absent.err).toContain("did you mean `billing`?");
    const payload = await latchkey("show", "billing", "done", "--payload", "--json");
    expect(payload.objects()).toMatchObject([{ result: { invoice: 7 } }]);
  });

  it("are found by workspace, dedup key, store key and the beginning of a key", async () => {
    const [mail = {}] = (await latchkey("list", "--subscription", "mail", "--json")).objects();
    const { key, storeKey } = mail;
    const start = String(storeKey).split(".")[2]?.slice(0, 12) ?? "";
    for (const names of [
      ["mail", "done", "--workspace", "acme"],
      ["mail", "done"],
      [String(key)],
      [String(storeKey)],
      [start],
    ]) {
      const { objects } = await latchkey("show", ...names, "--json");
      expect(objects(), names.join(" ")).toMatchObject([{ workspaceId: "acme", eventId: "done" }]);
    }
    const other = await latchkey("show", "mail", "done", "--workspace", "other");
    expect(other.exitCode).toBe(1);
    // LIKE would read `_` and `%` of a name as wildcards.
    expect((await latchkey("show", `${start.slice(0, 8)}____`)).exitCode).not.toBe(0);
  });

  it("are cleared, so that their events are dispatched again on every replica", async () => {
    const other = new Deduplicator({ store: await postgresStore(database.pool) });
    const event = { subscriptionId: "billing", eventId: "done" };
    expect(await other.guard(event, () => {})).toMatchObject({ outcome: "duplicate" });
    const dry = await latchkey("clear", "--subscription", "billing", "--dry-run");
    expect(dry.out).toContain("In PostgreSQL 2 keys match");
    const { exitCode, out } = await latchkey("clear", "--subscription", "billing", "--yes");
    expect([exitCode, out]).toEqual([0, expect.stringContaining("Cleared 1 key.")]);
    expect((await statesOf()).toSorted()).toEqual(["done committed", "running reserved"]);
    expect(await other.guard(event, () => {})).toMatchObject({ outcome: "dispatched" });
  });

  it("are cleared by name, and counted as JSON", async () => {
    const { exitCode, objects } = await latchkey(
      "clear",
      "billing",
      "running",
      "--state",
      "reserved",
      "--yes",
      "--json",
    );
    expect([exitCode, objects()]).toMatchObject([0, [{ bucket: "postgres", end: "cleared", cleared: 1, changed: 0 }]]);
    expect(await statesOf()).toHaveLength(2);
  });

  it("are not found in a server that does not answer, or without tables", async () => {
    for (const command of [["list"], ["show", "a", "b"], ["clear", "--all"]]) {
      const absent = await run([...command, "--postgres", "postgres://127.0.0.1:1/none"]);
      expect([absent.exitCode, absent.err]).toEqual([2, expect.stringContaining("PostgreSQL gave no connection")]);
      const missing = await latchkey(...command, "--schema", "elsewhere");
      expect([missing.exitCode, missing.err]).toEqual([2, expect.stringContaining("latchkey postgres schema")]);
    }
    const wrong = await latchkey("list", "--schema", "A b");
    expect([wrong.exitCode, wrong.err]).toEqual([2, expect.stringContaining("Expected `schema`")]);
  });

  it("are not mixed with those of a bucket", async () => {
    for (const flag of [
      ["--bucket", "dedup"],
      ["--nats", "127.0.0.1:1"],
      ["--shards", "2"],
    ]) {
      const { exitCode, err } = await latchkey("list", ...flag);
      expect([exitCode, err]).toEqual([2, expect.stringContaining(`cannot be used with option '${flag[0]}`)]);
    }
  });

  it("never show a password", async () => {
    const url = Object.assign(new URL(database.url), { port: "1", password: "hunter2" }).href;
    for (const command of [["list"], ["doctor"]]) {
      const { out, err } = await run([...command, "--postgres", url]);
      expect(out + err).not.toContain("hunter2");
    }
  });
});
