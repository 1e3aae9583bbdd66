import { randomUUID } from "node:crypto";
import { Deduplicator } from "latchkey";
import { effectOnce, postgresStore, schemaSql } from "latchkey/postgres";
import pg from "pg";
import { startPostgres } from "../support/postgres-server.ts";
import { PAYLOAD, RESERVATION_S, WINDOW_S } from "./bare-client.ts";
import { type Contestant, type Guarantees, guards, oneByOne } from "./contestant.ts";

/** Number of connections, and of accounts, so that transactions seldom wait for each other. */
const CONNECTIONS = 16;
const ACCOUNTS = 10_000;

/** Effects in a transaction, and keys in PostgreSQL. Every commit waits for the disk. */
export interface PostgresContestants extends AsyncDisposable {
  /** A transaction that changes a balance. */
  readonly transaction: Contestant;
  /** The same transaction with `effectOnce`. */
  readonly effectOnce: Contestant;
  readonly guards: Contestant;
  /** Two plain statements: `INSERT … ON CONFLICT` before the dispatch, `UPDATE` after it. */
  readonly insert: Contestant;
}

export async function postgresContestants(events: number): Promise<PostgresContestants> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url, max: CONNECTIONS });
  pool.on("error", () => {});
  await pool.query(
    `${schemaSql()}
     create table bare (id text primary key, body text not null, expires_at timestamptz not null);
     create table accounts (id int primary key, cents bigint not null);
     insert into accounts select id, 0 from generate_series(0, ${ACCOUNTS - 1}) id`,
  );
  const dedup = new Deduplicator({ store: await postgresStore(pool) });
  const effects: Guarantees = { storage: "a server's disk", fence: "yes", lease: "none" };
  const pay = (tx: pg.PoolClient, index: number) =>
    tx.query("update accounts set cents = cents + 1 where id = $1", [index % ACCOUNTS]);
  const inTransaction = async (work: (tx: pg.PoolClient) => Promise<unknown>): Promise<void> => {
    const tx = await pool.connect();
    try {
      await tx.query("begin");
      await work(tx);
      await tx.query("commit");
    } finally {
      tx.release();
    }
  };
  return {
    transaction: oneByOne({
      name: "a transaction, PostgreSQL",
      guarantees: { ...effects, fence: "no" },
      events,
      once: (_, index) => inTransaction((tx) => pay(tx, index)),
    }),
    effectOnce: oneByOne({
      name: "effectOnce in a transaction, PostgreSQL",
      guarantees: effects,
      events,
      once: (_, index) =>
        inTransaction((tx) =>
          effectOnce(tx, { idempotencyKey: randomUUID(), fence: 1 }, async () => {
            await pay(tx, index);
          }),
        ),
    }),
    guards: oneByOne({
      name: "Latchkey, PostgreSQL",
      guarantees: { storage: "a server's disk", fence: "yes", lease: "renewed, with a signal" },
      events,
      once: guards(dedup),
    }),
    insert: oneByOne({
      name: "INSERT … ON CONFLICT, PostgreSQL",
      guarantees: { storage: "a server's disk", fence: "no", lease: "fixed" },
      events,
      async once(id) {
        await pool.query(
          `insert into bare values ($1, $2, now() + $3 * interval '1 second') on conflict (id) do update
           set expires_at = excluded.expires_at where bare.expires_at < now()`,
          [id, PAYLOAD, RESERVATION_S],
        );
        await pool.query(`update bare set body = $2, expires_at = now() + $3 * interval '1 second' where id = $1`, [
          id,
          PAYLOAD,
          WINDOW_S,
        ]);
      },
    }),
    async [Symbol.asyncDispose]() {
      await dedup.close();
      await pool.end();
      await server[Symbol.asyncDispose]();
    },
  };
}
