import pg from "pg";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/index.ts";
import { postgresStore, schemaSql } from "../../src/postgres/index.ts";
import { eventually } from "../support/eventually.ts";
import { testDatabase } from "../support/postgres-database.ts";
import { startPostgres, startPromoted } from "../support/postgres-server.ts";
import { commit, identity, reservation } from "../support/store-contract-fixture.ts";
import { startProxy } from "../support/tcp-proxy.ts";

const of = identity("evt-1");
const key = of.storeKey;
const LONG = { expected: 0, ttlMs: 60_000 };

function poolOf(url: string, config: pg.PoolConfig = {}): pg.Pool & AsyncDisposable {
  const pool = new pg.Pool({ connectionString: url, ...config });
  pool.on("error", () => {});
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() });
}

describe("postgresStore", () => {
  it("is unavailable while the server is down, and works again after a restart, with all keys", async () => {
    await using server = await startPostgres();
    await using pool = poolOf(server.url);
    await pool.query(schemaSql());
    const store = await postgresStore(pool);
    const before = await store.put(key, reservation(of), LONG);
    await server.stop("fast");
    await expect(store.put(key, commit(of), LONG)).rejects.toMatchObject({ code: "store-unavailable" });
    await server.start();
    const after = await eventually("the store works again", () =>
      store.put(identity("evt-2").storeKey, commit(identity("evt-2")), LONG),
    );
    expect(after).toMatchObject({ ok: true });
    expect(await store.get(key)).toMatchObject({ revision: before.ok ? before.revision : 0 });
  });

  it("never repeats a revision after the server crashed", async () => {
    await using server = await startPostgres();
    await using pool = poolOf(server.url);
    await pool.query(schemaSql());
    const store = await postgresStore(pool);
    let highest = 0;
    for (let round = 0; round < 50; round += 1) {
      const put = await store.put(identity(`evt-${round}`).storeKey, reservation(identity(`evt-${round}`)), LONG);
      highest = put.ok ? put.revision : highest;
    }
    await server.stop("crash");
    await server.start();
    const put = await eventually("the store works again", () =>
      store.put(identity("after").storeKey, reservation(identity("after")), LONG),
    );
    expect(put.ok ? put.revision : 0).toBeGreaterThan(highest);
  });

  it("G5 raises revisions after a failover that loses acknowledged writes", async () => {
    await using primary = await startPostgres();
    await using pool = poolOf(primary.url);
    await pool.query(schemaSql());
    const store = await postgresStore(pool);
    await store.put(identity("before").storeKey, commit(identity("before")), LONG);
    await using standby = await startPromoted(primary);
    // The sequence is logged ahead by 32 values, so more writes than that are lost.
    let lost = 0;
    for (let round = 0; round < 100; round += 1) {
      const put = await store.put(key, reservation(of), { expected: lost, ttlMs: 60_000 });
      lost = put.ok ? put.revision : lost;
    }
    await primary.stop("crash");
    await using promotedPool = poolOf(standby.url);
    const promoted = await postgresStore(promotedPool);
    expect(await promoted.get(key)).toBeUndefined();
    expect(await promoted.get(identity("before").storeKey)).toMatchObject({ record: { state: "committed" } });
    const put = await promoted.put(key, reservation(of), LONG);
    expect(put.ok ? put.revision : 0).toBeGreaterThan(lost);
    expect(await promoted.put(key, commit(of), { expected: lost, ttlMs: 60_000 })).toEqual({ ok: false });
  });

  it("is unavailable, not in doubt, if its pool is exhausted", async () => {
    await using database = await testDatabase();
    await using pool = poolOf(database.url, { max: 1 });
    const store = await postgresStore(pool, { timeoutMs: 300 });
    const held = await pool.connect();
    await expect(store.put(key, reservation(of), LONG)).rejects.toMatchObject({
      code: "store-unavailable",
      ambiguous: false,
      message: expect.stringContaining("its pool is exhausted"),
    });
    held.release();
    expect(await store.put(key, reservation(of), LONG)).toMatchObject({ ok: true });
  });

  it("is unavailable, not in doubt, after a statement timeout of the server", async () => {
    await using database = await testDatabase();
    await using pool = poolOf(database.url, { options: "-c statement_timeout=300" });
    const store = await postgresStore(pool);
    const put = await store.put(key, reservation(of), LONG);
    const expected = put.ok ? put.revision : 0;
    const blocker = await database.pool.connect();
    await blocker.query("begin; select from latchkey.keys for update");
    await expect(store.put(key, commit(of), { expected, ttlMs: 60_000 })).rejects.toMatchObject({
      code: "store-unavailable",
      ambiguous: false,
      cause: { code: "57014" },
    });
    await blocker.query("rollback");
    blocker.release();
    expect(await store.put(key, commit(of), { expected, ttlMs: 60_000 })).toMatchObject({ ok: true });
  });

  it("G9 is in doubt about a write that it stopped waiting for, and the write may be applied", async () => {
    await using database = await testDatabase();
    const store = await postgresStore(database.pool, { timeoutMs: 300 });
    const put = await store.put(key, reservation(of), LONG);
    const expected = put.ok ? put.revision : 0;
    const blocker = await database.pool.connect();
    await blocker.query("begin; select from latchkey.keys for update");
    await expect(store.put(key, commit(of), { expected, ttlMs: 60_000 })).rejects.toMatchObject({ ambiguous: true });
    await blocker.query("rollback");
    blocker.release();
    await eventually("the late write is applied", async () => (await store.get(key))?.record.state === "committed");
  });

  it("G9 recognises a reservation and a commit whose answers were lost", async () => {
    await using database = await testDatabase();
    await using proxy = await startProxy(Number(new URL(database.url).port));
    await using pool = poolOf(Object.assign(new URL(database.url), { port: String(proxy.port) }).href);
    const store = await postgresStore(pool, { timeoutMs: 500 });
    const dedup = new Deduplicator({ store, leaseMs: 20_000 });
    const doubts: boolean[] = [];
    dedup.subscribe((event) => {
      if (event.type !== "store-unavailable") return;
      doubts.push(event.ambiguous);
      proxy.heal();
    });
    let runs = 0;
    proxy.swallowAnswersTo('"state":"reserved"');
    const outcome = await dedup.guard({ subscriptionId: "s", eventId: "e" }, () => {
      runs += 1;
      proxy.swallowAnswersTo('"state":"committed"');
    });
    expect(doubts).toEqual([true, true]);
    expect(outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    expect(runs).toBe(1);
    await dedup.close();
  });

  it("says that a read-only server must be left for the primary, and still reads", async () => {
    await using database = await testDatabase();
    const store = await postgresStore(database.pool);
    await store.put(key, reservation(of), LONG);
    const name = new URL(database.url).pathname.slice(1);
    await database.pool.query(`alter database ${name} set default_transaction_read_only = on`);
    await using pool = poolOf(database.url);
    const readOnly = await postgresStore(pool);
    await expect(readOnly.put(key, commit(of), LONG)).rejects.toMatchObject({
      code: "store-unavailable",
      ambiguous: false,
      message: expect.stringContaining("connect to the primary"),
    });
    expect(await readOnly.get(key)).toMatchObject({ key });
  });

  it("names missing tables, missing rights and settings that lose writes", async () => {
    await using database = await testDatabase();
    await expect(postgresStore(database.pool, { schema: "elsewhere" })).rejects.toMatchObject({
      code: "store-misconfigured",
      differences: expect.arrayContaining([expect.stringMatching(/elsewhere.*keys does not exist: .*postgres schema/)]),
    });
    await using unsafe = poolOf(database.url, { options: "-c synchronous_commit=off" });
    await expect(postgresStore(unsafe)).rejects.toThrow("synchronous_commit must not be off");
    const role = `stranger_${process.pid}`;
    await database.pool.query(`create role ${role}; grant usage on schema latchkey to ${role}`);
    try {
      await using stranger = poolOf(database.url, { options: `-c role=${role}` });
      await expect(postgresStore(stranger)).rejects.toThrow(`"latchkey".keys may not be read and written by this role`);
      await database.pool.query(schemaSql({ role }));
      const store = await postgresStore(stranger);
      expect(await store.put(key, reservation(of), LONG)).toMatchObject({ ok: true });
      await database.pool.query(`revoke update on latchkey.keys from ${role}`);
      await expect(store.put(key, commit(of), LONG)).rejects.toMatchObject({ code: "store-forbidden" });
    } finally {
      await database.pool.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  it("lists every readable record before it reports one that another program wrote", async () => {
    await using database = await testDatabase();
    const store = await postgresStore(database.pool);
    const keys = ["evt-1", "evt-2", "evt-3"].map((name) => identity(name));
    for (const one of keys) await store.put(one.storeKey, commit(one), LONG);
    const [first] = keys.map(({ storeKey }) => storeKey).sort();
    await database.pool.query("update latchkey.keys set record = 'not a record' where key = $1", [first]);
    const listed: string[] = [];
    const list = async (): Promise<void> => {
      for await (const entry of store.list({})) listed.push(entry.key);
    };
    await expect(list()).rejects.toMatchObject({ code: "record-unreadable" });
    expect(listed).toHaveLength(2);
  });

  it("refuses a server that is too old", async () => {
    const rows = [{ version: 130_021, version_text: "13.21" }];
    const client = { query: async () => ({ rows }), release: () => {}, on: () => {}, off: () => {} };
    await expect(postgresStore({ connect: async () => client })).rejects.toMatchObject({
      code: "store-misconfigured",
      differences: ["the server must be PostgreSQL 14 or later, got 13.21"],
    });
  });

  it("reports a change that was made while a watch was disconnected", async () => {
    await using database = await testDatabase();
    const store = await postgresStore(database.pool);
    const controller = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const change of store.watch({}, controller.signal)) {
        seen.push(change.type === "put" ? change.entry.record.token : change.type);
      }
    })();
    const listeners = () =>
      database.pool.query<{ pid: number }>(
        // Other test files watch in other databases of the server.
        `select pid from pg_stat_activity
         where datname = current_database() and query like '%next_revision() as revision'`,
      );
    const pid = await eventually("the watch listens", async () => (await listeners()).rows[0]?.pid);
    await store.put(key, reservation(of, { token: "before" }), LONG);
    await eventually("the first change is reported", () => seen.includes("before"));
    await database.pool.query("select pg_terminate_backend($1)", [pid]);
    await store.put(identity("evt-2").storeKey, reservation(identity("evt-2"), { token: "meanwhile" }), LONG);
    await eventually("the missed change is reported", () => seen.includes("meanwhile"));
    controller.abort();
    await watching;
  });

  it("does not notify anybody while there is no watch", async () => {
    await using database = await testDatabase();
    const store = await postgresStore(database.pool);
    const client = await database.pool.connect();
    let heard = 0;
    client.on("notification", () => (heard += 1));
    await client.query('listen "latchkey:latchkey"');
    await store.put(key, reservation(of), LONG);
    await client.query("select 1");
    expect(heard).toBe(0);
    client.release(true);
  });

  it("deletes expired keys while it writes, so that the table stays in proportion to its live keys", async () => {
    await using database = await testDatabase();
    const store = await postgresStore(database.pool);
    const size = async (): Promise<number> => {
      const { rows } = await database.pool.query<{ size: number }>(
        "select pg_relation_size('latchkey.keys')::int as size",
      );
      return rows[0]?.size ?? 0;
    };
    const sizes: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const all = Array.from({ length: 3_000 }, (_, at) => identity(`evt-${round}-${at}`));
      for (let from = 0; from < all.length; from += 30) {
        await Promise.all(
          all.slice(from, from + 30).map((one) => store.put(one.storeKey, commit(one), { expected: 0, ttlMs: 1 })),
        );
      }
      await store.close();
      await database.pool.query("vacuum latchkey.keys");
      sizes.push(await size());
    }
    // Without deletion, each round would add as much as the first one.
    expect(sizes.at(-1)).toBeLessThan(2.5 * (sizes[0] ?? 0));
  });
});
