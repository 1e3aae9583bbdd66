import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deleteExpiredEffects, effectOnce } from "../../src/postgres/index.ts";
import { type TestDatabase, testDatabase } from "../support/postgres-database.ts";
import { poolTransact } from "./clients.ts";

describe("deleteExpiredEffects", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  const count = async (): Promise<number> => {
    const { rows } = await database.pool.query<{ count: number }>("select count(*)::int from latchkey.effects");
    return rows[0]?.count ?? 0;
  };
  /** Adds finished markers, enough for several steps, and lets those with an even number expire. */
  const fill = (markers: number) =>
    database.pool.query(
      `insert into latchkey.effects (key, name, fence, finished, value, expires_at)
       select 'event-' || n, '', 1, true, repeat('x', 1000), now() + case when n % 2 = 0 then '-1 s' else '1 day' end::interval
       from generate_series(1, $1) n`,
      [markers],
    );

  it("deletes the expired markers of the whole table, and no other", async () => {
    await fill(3_000);
    expect(await deleteExpiredEffects(database.pool)).toBe(1_500);
    expect(await count()).toBe(1_500);
    expect(await deleteExpiredEffects(database.pool)).toBe(0);
  });

  it("ends after the current step if its signal aborts", async () => {
    await database.pool.query("truncate latchkey.effects");
    await fill(3_000);
    expect(await deleteExpiredEffects(database.pool, { signal: AbortSignal.abort() })).toBe(0);
    expect(await count()).toBe(3_000);
  });

  it("lets the effect run again once its marker is deleted, and not before", async () => {
    const transact = poolTransact(database.pool);
    const reservation = { idempotencyKey: "again", fence: 1 };
    let runs = 0;
    const once = () => transact((tx) => effectOnce(tx, reservation, () => ++runs, { keepMs: 1_000 }));
    await once();
    await database.pool.query("update latchkey.effects set expires_at = now() where key = 'again'");
    expect(await once()).toBe(1);
    await deleteExpiredEffects(database.pool);
    expect(await once()).toBe(2);
  });

  it("says how to create a missing table", async () => {
    const missing = deleteExpiredEffects(database.pool, { schema: "nowhere" });
    await expect(missing).rejects.toMatchObject({ code: "store-misconfigured" });
  });
});
