import { describe, expect, it } from "vitest";
import { postgresStore } from "../../src/postgres/index.ts";
import { EFFECT_TABLES, STORE_TABLES, schemaProblems, type TableName } from "../../src/postgres/schema-check.ts";
import { sqlOf } from "../../src/postgres/sql.ts";
import { type TestDatabase, testDatabase } from "../support/postgres-database.ts";

const TABLES = [...STORE_TABLES, ...EFFECT_TABLES];

/** Applies a change in a transaction, and returns the problems that it causes. */
async function problemsAfter(database: TestDatabase, change: string, tables: readonly TableName[] = TABLES) {
  const client = await database.pool.connect();
  try {
    await client.query(`begin; ${change}`);
    const problems = await schemaProblems(sqlOf("client", client), "latchkey", tables);
    return problems.map(({ name, problem }) => `${name.replace(/"latchkey"\./, "")} ${problem}`);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

describe("the schema check", () => {
  it("finds nothing in a new schema", async () => {
    await using database = await testDatabase();
    expect(await problemsAfter(database, "")).toEqual([]);
  });

  it("finds every column, table, function, sequence and trigger that is missing", async () => {
    await using database = await testDatabase();
    const { rows: columns } = await database.pool.query<{ table: string; column: string }>(
      `select table_name::text as table, column_name::text as column from information_schema.columns where table_schema = 'latchkey'
       and table_name <> 'revisions'`,
    );
    expect(columns.length).toBeGreaterThan(15);
    const drops = [
      ...columns.map(({ table, column }) => [table, `alter table latchkey.${table} drop column ${column} cascade`]),
      ...TABLES.map((table) => [table, `drop table latchkey.${table} cascade`]),
      ["next_revision", "drop function latchkey.next_revision"],
      ["notify_watchers", "drop function latchkey.notify_watchers"],
      ["revisions", "drop sequence latchkey.revisions cascade"],
      ["effects", "drop trigger require_finished_effect on latchkey.effects"],
      ["effects", "alter table latchkey.effects disable trigger require_finished_effect"],
    ];
    for (const [name = "", change = ""] of drops) {
      const problems = await problemsAfter(database, change);
      expect(problems, change).toEqual(expect.arrayContaining([expect.stringMatching(`^${name} `)]));
    }
  });

  it.each([
    [
      "a column of another type",
      "alter table latchkey.keys alter column revision type int",
      "must have `revision bigint`",
    ],
    ["no primary key", "alter table latchkey.effects drop constraint effects_pkey", "primary key (key, name)"],
    ["an unlogged table", "alter table latchkey.keys set unlogged", "a crash empties it"],
    ["no schema", "drop schema latchkey cascade", "keys does not exist"],
  ])("finds %s", async (_, change, text) => {
    await using database = await testDatabase();
    expect((await problemsAfter(database, change)).join("\n")).toContain(text);
  });

  it("finds each right that a role lacks", async () => {
    await using database = await testDatabase();
    const role = `checked_${process.pid}`;
    await database.pool.query(`create role ${role}`);
    const granted = `grant usage on schema latchkey to ${role}; grant all on all tables in schema latchkey to ${role};
      grant usage on all sequences in schema latchkey to ${role};`;
    try {
      expect(await problemsAfter(database, `${granted} set local role ${role}`)).toEqual([]);
      for (const [right, named] of [
        ["usage on schema latchkey", "keys may not"],
        ["select on latchkey.keys", "keys may not"],
        ["insert on latchkey.watchers", "watchers may not"],
        ["update on latchkey.cleared", "cleared may not"],
        ["delete on latchkey.effects", "effects may not"],
        ["usage on sequence latchkey.revisions", "revisions may not"],
      ]) {
        const problems = await problemsAfter(
          database,
          `${granted} revoke ${right} from ${role}; set local role ${role}`,
        );
        expect(problems.join("\n"), right).toContain(named);
      }
    } finally {
      await database.pool.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  it("lets the store start without the table of the effects", async () => {
    await using database = await testDatabase();
    await database.pool.query("drop table latchkey.effects");
    await postgresStore(database.pool);
  });
});
