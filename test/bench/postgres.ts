import pg from "pg";
import { startPostgres } from "../support/postgres-server.ts";
import type { Contestant, Guarantees } from "./contestant.ts";
import { type Described, inOwnProcess } from "./contestant-process.ts";

const WORKER = new URL("postgres-worker.ts", import.meta.url);

/** Number of accounts, so that transactions seldom wait for each other. */
export const ACCOUNTS = 10_000;

/** What the process of a contestant runs. */
export interface PostgresSetup extends Described {
  readonly url: string;
  readonly runs: Exclude<keyof PostgresContestants, symbol>;
}

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

/** @param schema SQL that makes the tables of the package. */
export async function postgresContestants(events: number, schema: string): Promise<PostgresContestants> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startPostgres());
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(
    `${schema}
     create table bare (id text primary key, body text not null, expires_at timestamptz not null);
     create table accounts (id int primary key, cents bigint not null);
     insert into accounts select id, 0 from generate_series(0, ${ACCOUNTS - 1}) id`,
  );
  await client.end();
  const contestant = (runs: PostgresSetup["runs"], name: string, guaranteed: Omit<Guarantees, "storage">) => {
    const guarantees: Guarantees = { storage: "a server's disk", ...guaranteed };
    const setup: PostgresSetup = { name: `${name}, PostgreSQL`, guarantees, events, url: server.url, runs };
    return stack.use(inOwnProcess(WORKER, setup));
  };
  return {
    transaction: contestant("transaction", "a transaction", { fence: "no", lease: "none" }),
    effectOnce: contestant("effectOnce", "effectOnce in a transaction", { fence: "yes", lease: "none" }),
    guards: contestant("guards", "Latchkey", { fence: "yes", lease: "renewed, with a signal" }),
    insert: contestant("insert", "INSERT … ON CONFLICT", { fence: "no", lease: "fixed" }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
