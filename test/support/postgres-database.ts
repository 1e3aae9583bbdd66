import { randomUUID } from "node:crypto";
import pg from "pg";
import { schemaSql } from "../../src/postgres/index.ts";
import { ask } from "./postgres-server.ts";

/** A database of its own on the server that the tests share, with Latchkey's tables. Dropped with its scope. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  /** Connections to the database. */
  pool: pg.Pool;
  /** Replaces the pool, so that changed settings of the database apply. */
  reconnect(): Promise<void>;
}

/** @param prepare SQL that runs after the schema, to add tables of the test. */
export async function testDatabase(prepare = ""): Promise<TestDatabase> {
  const server = process.env["LATCHKEY_POSTGRES_URL"];
  if (server === undefined) throw new Error("LATCHKEY_POSTGRES_URL is not set");
  const name = `latchkey_${randomUUID().replaceAll("-", "")}`;
  await ask(server, `create database ${name}`);
  const url = Object.assign(new URL(server), { pathname: name }).href;
  const open = (): pg.Pool => {
    const pool = new pg.Pool({ connectionString: url, max: 30 });
    pool.on("error", () => {});
    return pool;
  };
  const database = {
    url,
    pool: open(),
    async reconnect(): Promise<void> {
      await database.pool.end();
      database.pool = open();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await database.pool.end();
      await ask(server, `drop database ${name} with (force)`);
    },
  };
  await database.pool.query(schemaSql() + prepare);
  return database;
}
