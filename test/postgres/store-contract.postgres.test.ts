import type pg from "pg";
import { afterAll, beforeAll, describe, it } from "vitest";
import { postgresStore, schemaSql } from "../../src/postgres/index.ts";
import { storeContract } from "../../src/testing/index.ts";
import { type TestDatabase, testDatabase } from "../support/postgres-database.ts";

describe.each(["read committed", "serializable"])("F19 postgresStore keeps the contract of a store in %s", (level) => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let schemas = 0;
  beforeAll(async () => {
    database = await testDatabase();
    await database.pool.query(
      `alter database ${new URL(database.url).pathname.slice(1)} set default_transaction_isolation = '${level}'`,
    );
    await database.reconnect();
    pool = database.pool;
  });
  afterAll(() => database[Symbol.asyncDispose]());

  storeContract(it.concurrent, async () => {
    schemas += 1;
    const schema = `contract_${schemas}`;
    await pool.query(schemaSql({ schema }));
    // The tests of the contract share a pool, and on a busy machine they wait for a connection.
    return postgresStore(pool, { schema, timeoutMs: 60_000 });
  });
});
