import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { effectOnce, schemaSql } from "../../src/postgres/index.ts";
import { run } from "../cli/support/fake-io.ts";
import { type TestDatabase, testDatabase } from "../support/postgres-database.ts";

describe("the migration", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it("is printed by `latchkey postgres schema`, and may run again", async () => {
    const { exitCode, out } = await run(["postgres", "schema"]);
    expect([exitCode, out]).toEqual([0, schemaSql()]);
    await database.pool.query(out);
    await database.pool.query(out);
  });

  it("grants a role the rights that effectOnce needs", async () => {
    const role = `billing "${process.pid}"`;
    await database.pool.query(`create role ${pg.escapeIdentifier(role)}`);
    try {
      const { out } = await run(["postgres", "schema", "--schema", "money", "--role", role]);
      await database.pool.query(out);
      const client = await database.pool.connect();
      try {
        await client.query(`begin; set local role ${pg.escapeIdentifier(role)}`);
        const options = { schema: "money" };
        expect(await effectOnce(client, { idempotencyKey: "key", fence: 1 }, () => "done", options)).toBe("done");
        await client.query("commit");
      } finally {
        client.release();
      }
    } finally {
      await database.pool.query(`drop owned by ${pg.escapeIdentifier(role)}; drop role ${pg.escapeIdentifier(role)}`);
    }
  });

  it.each(["", "Money", "a b", 'a"; drop table x', "pg_x", "x".repeat(49)])("refuses the schema `%s`", async (name) => {
    const { exitCode, err } = await run(["postgres", "schema", "--schema", name]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("Expected `schema` to be a name")]);
  });
});
