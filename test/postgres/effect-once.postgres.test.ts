import fc from "fast-check";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { Deferred } from "../../src/internal/deferred.ts";
import { resolveIdentity } from "../../src/model/identity.ts";
import { effectOnce, type SqlClient, schemaSql } from "../../src/postgres/index.ts";
import { type TestDatabase, testDatabase } from "../support/postgres-database.ts";
import { type Client, clients, LEVELS, poolTransact, type Transact } from "./clients.ts";

let database: TestDatabase;
let pool: pg.Pool;
let transact: Transact;
let event = 0;
let reservation: { readonly idempotencyKey: string; readonly fence: number };

beforeAll(async () => {
  database = await testDatabase("create table accounts (name text primary key, cents bigint not null);");
  pool = database.pool;
  transact = poolTransact(pool);
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => {
  event += 1;
  reservation = { idempotencyKey: `event-${event}`, fence: 10 };
});

/** Adds one cent to the account of the current event, and returns the balance. */
async function addCent(tx: SqlClient): Promise<number> {
  const statement = `insert into accounts values ($1, 1) on conflict (name) do update set cents = accounts.cents + 1
    returning cents::int`;
  const values = [reservation.idempotencyKey];
  const rows = "query" in tx ? (await tx.query(statement, values)).rows : await tx.unsafe(statement, values);
  return Number(Reflect.get(rows[0] ?? {}, "cents"));
}

async function balance(): Promise<number> {
  const { rows } = await pool.query<{ cents: number }>("select cents::int from accounts where name = $1", [
    reservation.idempotencyKey,
  ]);
  return rows[0]?.cents ?? 0;
}

async function markers(): Promise<number> {
  const { rows } = await pool.query<{ count: number }>("select count(*)::int from latchkey.effects where key = $1", [
    reservation.idempotencyKey,
  ]);
  return rows[0]?.count ?? 0;
}

describe.each(Object.entries(clients))("G11 effectOnce with %s", (_name, open) => {
  let client: Client;
  beforeAll(() => {
    client = open(database.url);
  });
  afterAll(() => client[Symbol.asyncDispose]());

  it("runs the effect once, and returns the kept value afterwards", async () => {
    const once = () => client.transact((tx) => effectOnce(tx, reservation, async () => ({ cents: await addCent(tx) })));
    expect([await once(), await once(), await once()]).toEqual([{ cents: 1 }, { cents: 1 }, { cents: 1 }]);
    expect(await balance()).toBe(1);
  });

  it("returns undefined twice for an effect without a value", async () => {
    const effect = vi.fn<() => void>();
    const once = () => client.transact((tx) => effectOnce(tx, reservation, effect));
    await expect(once()).resolves.toBeUndefined();
    await expect(once()).resolves.toBeUndefined();
    expect(effect).toHaveBeenCalledOnce();
  });

  it("passes on the error of the effect, and runs it again after the rollback", async () => {
    const boom = new Error("boom");
    const failing = client.transact((tx) =>
      effectOnce(tx, reservation, async () => {
        await addCent(tx);
        throw boom;
      }),
    );
    await expect(failing).rejects.toBe(boom);
    expect([await balance(), await markers()]).toEqual([0, 0]);
    expect(await client.transact((tx) => effectOnce(tx, reservation, () => addCent(tx)))).toBe(1);
  });

  it.each(LEVELS)("runs the effect once in concurrent %s transactions", async (level) => {
    const attempts = Array.from({ length: 12 }, () =>
      client.transact((tx) => effectOnce(tx, reservation, () => addCent(tx)), level),
    );
    const results = await Promise.allSettled(attempts);
    expect(await balance()).toBe(1);
    for (const result of results) {
      if (result.status === "fulfilled") expect(result.value).toBe(1);
      else expect([level, sqlState(result.reason)]).toEqual([expect.not.stringMatching("read committed"), "40001"]);
    }
  });

  it("refuses a lower fence before the effect runs", async () => {
    await client.transact((tx) => effectOnce(tx, reservation, () => addCent(tx)));
    const effect = vi.fn<() => void>();
    const late = client.transact((tx) => effectOnce(tx, { ...reservation, fence: 9 }, effect));
    await expect(late).rejects.toMatchObject({ code: "fenced", fence: 9, storedFence: 10 });
    expect(effect).not.toHaveBeenCalled();
    expect(await balance()).toBe(1);
  });
});

describe("G11 effectOnce", () => {
  it("returns the kept value to an equal fence, a higher one, and a dispatch without a fence", async () => {
    for (const fence of [10, 10, 11, 0, 4_611_686_018_427_387]) {
      expect(await transact((tx) => effectOnce(tx, { ...reservation, fence }, () => addCent(tx)))).toBe(1);
    }
  });

  it("runs again for a dispatch without a fence whose transaction was rolled back", async () => {
    const unprotected = { ...reservation, fence: 0 };
    await expect(
      transact((tx) => effectOnce(tx, unprotected, () => Promise.reject(new Error("no")))),
    ).rejects.toThrow();
    expect(await transact((tx) => effectOnce(tx, unprotected, () => addCent(tx)))).toBe(1);
  });

  it("keeps the effects of two tenants apart", async () => {
    const keys = ["tenant-a", "tenant-b"].map(
      (workspaceId) => resolveIdentity({ workspaceId, subscriptionId: "sub", eventId: "one" }).idempotencyKey,
    );
    for (const idempotencyKey of keys) {
      await transact((tx) => effectOnce(tx, { idempotencyKey, fence: 1 }, () => addCent(tx)));
    }
    expect(await balance()).toBe(2);
  });

  it("runs each named effect of an event once, in one transaction or several", async () => {
    const both = () =>
      transact(async (tx) => [
        await effectOnce(tx, reservation, () => addCent(tx), { name: "charge" }),
        await effectOnce(tx, reservation, () => addCent(tx), { name: "bonus" }),
      ]);
    expect([await both(), await both()]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(await transact((tx) => effectOnce(tx, reservation, () => addCent(tx)))).toBe(3);
  });

  it("refuses a second effect of the same name in one transaction instead of dropping it", async () => {
    const twice = transact(async (tx) => {
      await effectOnce(tx, reservation, () => addCent(tx));
      await effectOnce(tx, reservation, () => addCent(tx));
    });
    await expect(twice).rejects.toThrow(/^Expected `name` to be different for each effect of an event in one trans/);
    expect(await balance()).toBe(0);
  });

  it("refuses an effect inside itself", async () => {
    const nested = transact((tx) => effectOnce(tx, reservation, () => effectOnce(tx, reservation, () => addCent(tx))));
    await expect(nested).rejects.toThrow(TypeError);
    expect(await balance()).toBe(0);
  });

  it("refuses a lower fence for another effect of the same event", async () => {
    await transact((tx) => effectOnce(tx, reservation, () => addCent(tx), { name: "first" }));
    const late = { ...reservation, fence: 3 };
    const second = transact((tx) => effectOnce(tx, late, () => addCent(tx), { name: "second" }));
    await expect(second).rejects.toMatchObject({ code: "fenced" });
    expect(await balance()).toBe(1);
  });

  it("refuses a pool, whose statements commit one by one, before the effect runs", async () => {
    const effect = vi.fn<() => void>();
    const outside = effectOnce(pool, reservation, effect);
    await expect(outside).rejects.toThrow(/^Expected `tx` to be inside a transaction/);
    await expect(outside).rejects.toBeInstanceOf(TypeError);
    expect(effect).not.toHaveBeenCalled();
    expect(await markers()).toBe(0);
  });

  it("does not let a caller commit after the effect threw", async () => {
    const swallowed = transact(async (tx) => {
      await effectOnce(tx, reservation, () => Promise.reject(new Error("swallowed"))).catch(() => {});
    });
    await expect(swallowed).rejects.toMatchObject({ code: "LK001", message: expect.stringContaining("not finished") });
    expect(await markers()).toBe(0);
  });

  it("does not let a caller commit while the effect runs", async () => {
    const effect = new Deferred<void>();
    let running: Promise<void> | undefined;
    const early = transact(async (tx) => {
      // The marker is sent before the commit.
      running = effectOnce(tx, reservation, () => effect.promise);
    });
    await expect(early).rejects.toMatchObject({ code: "LK001" });
    effect.resolve();
    await expect(running).rejects.toThrow("disappeared while its effect ran");
    expect(await markers()).toBe(0);
  });

  it("survives the rollback to a savepoint: the effect runs again", async () => {
    const client = await pool.connect();
    try {
      await client.query("begin; savepoint before");
      await effectOnce(client, reservation, () => addCent(client));
      await client.query("rollback to before");
      expect(await effectOnce(client, reservation, () => addCent(client))).toBe(1);
      await client.query("commit");
    } finally {
      client.release();
    }
    expect(await balance()).toBe(1);
  });

  it("waits for a concurrent transaction, and runs the effect if that one rolls back", async () => {
    const first = await pool.connect();
    try {
      await first.query("begin");
      await effectOnce(first, reservation, () => addCent(first));
      const second = transact((tx) => effectOnce(tx, { ...reservation, fence: 11 }, () => addCent(tx)));
      await blockedTransactions();
      await first.query("rollback");
      expect(await second).toBe(1);
    } finally {
      first.release();
    }
    expect(await balance()).toBe(1);
  });

  it("leaves neither effect nor marker if the connection is lost before the commit", async () => {
    const lost = transact(async (tx) => {
      await effectOnce(tx, reservation, () => addCent(tx));
      const { rows } = "query" in tx ? await tx.query("select pg_backend_pid() as pid", []) : { rows: [] };
      await pool.query("select pg_terminate_backend($1)", [Reflect.get(rows[0] ?? {}, "pid")]);
    });
    await expect(lost).rejects.toThrow();
    expect([await balance(), await markers()]).toEqual([0, 0]);
  });

  it("passes on a deadlock and a serialisation failure with the server's code", async () => {
    const other = { idempotencyKey: `${reservation.idempotencyKey}-other`, fence: 1 };
    const both = [new Deferred<void>(), new Deferred<void>()];
    const inOrder = (one: typeof other, two: typeof other) =>
      transact(async (tx) => {
        await effectOnce(tx, one, () => 1);
        both[one === other ? 0 : 1]?.resolve();
        await Promise.all(both.map(({ promise }) => promise));
        await effectOnce(tx, two, () => addCent(tx));
      });
    const results = await Promise.allSettled([inOrder(reservation, other), inOrder(other, reservation)]);
    const failed = results.flatMap((result) => (result.status === "rejected" ? [sqlState(result.reason)] : []));
    expect(failed).toEqual(["40P01"]);
    expect(await balance()).toBe(1);
  });

  it("returns the same JSON from every run", async () => {
    let sample = 0;
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (value) => {
        sample += 1;
        const of = { idempotencyKey: `${reservation.idempotencyKey}/${sample}`, fence: 1 };
        const first = await transact((tx) => effectOnce(tx, of, () => value));
        const second = await transact((tx) => effectOnce(tx, of, () => "another"));
        expect(first).toStrictEqual(JSON.parse(JSON.stringify(value)));
        expect(second).toStrictEqual(first);
      }),
      { numRuns: 40 },
    );
  });

  it("accepts the result of a query as the value", async () => {
    const update = () =>
      transact((tx) => effectOnce(tx, reservation, async () => ("query" in tx ? tx.query("select 1 as one", []) : {})));
    const [first, second] = [await update(), await update()];
    expect(first).toMatchObject({ rowCount: 1, rows: [{ one: 1 }] });
    expect(second).toStrictEqual(first);
  });

  it.each([
    ["a value without a JSON form", () => 1n, /no JSON form/],
    ["a function", () => () => {}, /no JSON form/],
    ["a value of more than 64 KiB", () => "x".repeat(70_000), /70002 bytes/],
  ])("rolls the effect back for %s", async (_what, value, message) => {
    const lost = transact((tx) =>
      effectOnce(tx, reservation, async () => {
        await addCent(tx);
        return value();
      }),
    );
    await expect(lost).rejects.toMatchObject({ code: "result-not-kept", message: expect.stringMatching(message) });
    expect([await balance(), await markers()]).toEqual([0, 0]);
  });

  it("says how to create the table if it is missing", async () => {
    const missing = transact((tx) => effectOnce(tx, reservation, () => 1, { schema: "elsewhere" }));
    await expect(missing).rejects.toMatchObject({
      code: "store-misconfigured",
      message: expect.stringContaining("latchkey postgres schema"),
      cause: { code: "42P01" },
    });
  });

  it("says which rights a role lacks", async () => {
    const forbidden = transact(async (tx) => {
      if ("query" in tx) await tx.query("create role latchkey_stranger", []);
      if ("query" in tx) await tx.query("set local role latchkey_stranger", []);
      return effectOnce(tx, reservation, () => 1);
    });
    await expect(forbidden).rejects.toMatchObject({
      code: "store-forbidden",
      message: expect.stringMatching(/permission denied.*grant/),
    });
  });

  it("uses the schema that it is given", async () => {
    await pool.query(schemaSql({ schema: "other_schema" }));
    const options = { schema: "other_schema" };
    expect(await transact((tx) => effectOnce(tx, reservation, () => addCent(tx), options))).toBe(1);
    expect(await transact((tx) => effectOnce(tx, reservation, () => addCent(tx), options))).toBe(1);
    expect(await markers()).toBe(0);
  });

  it.each([
    [{}, { idempotencyKey: "" }, "reservation.idempotencyKey"],
    [{}, { idempotencyKey: "a\0b" }, "reservation.idempotencyKey"],
    [{}, { idempotencyKey: "x".repeat(513) }, "reservation.idempotencyKey"],
    [{}, { fence: -1 }, "reservation.fence"],
    [{}, { fence: 1.5 }, "reservation.fence"],
    [{ name: "" }, {}, "name"],
    [{ keepMs: 999 }, {}, "keepMs"],
    [{ schema: 'a"b' }, {}, "schema"],
    [{ schema: "pg_catalog" }, {}, "schema"],
  ])("names the wrong argument: %j %j", async (options, part, field) => {
    const wrong = effectOnce(pool, { ...reservation, ...part }, () => 1, options);
    await expect(wrong).rejects.toThrow(`Expected \`${field}\` to be`);
  });

  it("creates its tables again without an error", async () => {
    await pool.query(schemaSql());
    await pool.query(schemaSql());
  });
});

/** Waits until a transaction waits for another one's lock. */
async function blockedTransactions(): Promise<void> {
  for (;;) {
    const { rows } = await pool.query(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    if (rows.length > 0) return;
  }
}

function sqlState(error: unknown): unknown {
  for (let one = error; one instanceof Error; one = one.cause) if ("code" in one) return one.code;
  return error;
}
