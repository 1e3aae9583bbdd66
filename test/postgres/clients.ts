import { sql as drizzleSql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import knex from "knex";
import { CompiledQuery, Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import postgres from "postgres";
import type { SqlClient } from "../../src/postgres/index.ts";

/** Isolation levels of PostgreSQL that differ. */
export const LEVELS = ["read committed", "repeatable read", "serializable"] as const;
export type Level = (typeof LEVELS)[number];

/** Runs `work` in one transaction of a client, and gives it what `effectOnce` takes. Rolls back if it throws. */
export type Transact = <Value>(work: (tx: SqlClient) => Promise<Value>, level?: Level) => Promise<Value>;

/** A client or query builder under test. */
export interface Client extends AsyncDisposable {
  readonly transact: Transact;
}

/** One way to open each client. The functions show how its transactions are passed to `effectOnce`. */
export const clients: Readonly<Record<string, (url: string) => Client>> = {
  pg(url) {
    const pool = new pg.Pool({ connectionString: url, max: 30 });
    return { transact: poolTransact(pool), [Symbol.asyncDispose]: () => pool.end() };
  },

  postgres(url) {
    const sql = postgres(url, { max: 30, onnotice: () => {} });
    return {
      transact: async (work, level = "read committed") => {
        let value: { readonly is: Awaited<ReturnType<typeof work>> } | undefined;
        await sql.begin(`isolation level ${level}`, async (tx) => {
          value = { is: await work(tx) };
        });
        if (value === undefined) throw new Error("the transaction did not run");
        return value.is;
      },
      [Symbol.asyncDispose]: () => sql.end(),
    };
  },

  kysely(url) {
    const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 30 }) }) });
    return {
      transact: (work, level = "read committed") =>
        db
          .transaction()
          .setIsolationLevel(level)
          .execute((trx) =>
            work({ query: (text, values) => trx.executeQuery<object>(CompiledQuery.raw(text, values)) }),
          ),
      [Symbol.asyncDispose]: () => db.destroy(),
    };
  },

  drizzle(url) {
    const pool = new pg.Pool({ connectionString: url, max: 30 });
    const db = drizzle({ client: pool });
    return {
      transact: (work, isolationLevel = "read committed") =>
        db.transaction(
          (trx) =>
            work({
              query(text, values) {
                const parts = text.split(/\$\d+/).map((part) => drizzleSql.raw(part));
                const chunks = parts.flatMap((part, at) => (at === 0 ? [part] : [drizzleSql`${values[at - 1]}`, part]));
                return trx.execute(drizzleSql.join(chunks));
              },
            }),
          { isolationLevel },
        ),
      [Symbol.asyncDispose]: () => pool.end(),
    };
  },

  knex(url) {
    const db = knex({ client: "pg", connection: url, pool: { min: 0, max: 30 } });
    return {
      transact: (work, isolationLevel = "read committed") =>
        db.transaction(
          (trx) =>
            work({
              query: (text, values) => trx.raw<{ rows: object[] }>(text.replaceAll(/\$\d+/g, "?"), values),
            }),
          { isolationLevel },
        ),
      [Symbol.asyncDispose]: () => db.destroy(),
    };
  },
};

export function poolTransact(pool: pg.Pool): Transact {
  return async (work, level = "read committed") => {
    const client = await pool.connect();
    let broken: Error | undefined;
    const onError = (error: Error): void => {
      broken = error;
    };
    client.on("error", onError);
    try {
      await client.query(`begin isolation level ${level}`);
      const value = await work(client);
      await client.query("commit");
      return value;
    } catch (error) {
      await client.query("rollback").catch((cause: unknown) => {
        broken = new Error("the rollback failed", { cause });
      });
      throw error;
    } finally {
      client.off("error", onError);
      client.release(broken);
    }
  };
}
