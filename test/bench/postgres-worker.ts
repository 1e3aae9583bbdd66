import { randomUUID } from "node:crypto";
import { Deduplicator } from "latchkey";
import { effectOnce, postgresStore } from "latchkey/postgres";
import pg from "pg";
import { PAYLOAD, RESERVATION_S, WINDOW_S } from "./bare-client.ts";
import { guards, type OneByOne, oneByOne } from "./contestant.ts";
import { serveContestant } from "./contestant-process.ts";
import { ACCOUNTS, type PostgresSetup } from "./postgres.ts";

// The process of one contestant on PostgreSQL.

const CONNECTIONS = 16;

const { runs, url, ...described }: PostgresSetup = JSON.parse(process.argv[2] ?? "");
const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
pool.on("error", () => {});
serveContestant(oneByOne({ ...described, once: await task() }));

async function task(): Promise<OneByOne["once"]> {
  switch (runs) {
    case "transaction":
      return (_, index) => inTransaction((tx) => pay(tx, index));
    case "effectOnce":
      return (_, index) =>
        inTransaction((tx) =>
          effectOnce(tx, { idempotencyKey: randomUUID(), fence: 1 }, async () => {
            await pay(tx, index);
          }),
        );
    case "guards":
      return guards(new Deduplicator({ store: await postgresStore(pool) }));
    case "insert":
      return insertAndUpdate;
  }
}

function pay(tx: pg.PoolClient, index: number): Promise<unknown> {
  return tx.query("update accounts set cents = cents + 1 where id = $1", [index % ACCOUNTS]);
}

async function inTransaction(work: (tx: pg.PoolClient) => Promise<unknown>): Promise<void> {
  const tx = await pool.connect();
  try {
    await tx.query("begin");
    await work(tx);
    await tx.query("commit");
  } finally {
    tx.release();
  }
}

async function insertAndUpdate(id: string): Promise<void> {
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
}
