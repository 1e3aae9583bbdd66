import type { Pool } from "pg";
import { LatchkeyError } from "../../errors.ts";
import type { Clock } from "../../internal/clock.ts";
import { isObject } from "../../internal/is-object.ts";
import type { StoredMessage } from "../../nats/kv/stored-message.ts";
import type { ClockDifference } from "../../nats/wire/server-clock.ts";
import { connectionProblem } from "../../postgres/pool.ts";
import { type PostgresStore, postgresStore } from "../../postgres/postgres-store.ts";
import { checkSchema, DEFAULT_SCHEMA } from "../../postgres/schema.ts";
import { asCommandError, CommandError } from "../terminal/command-error.ts";
import type { CliIo } from "../terminal/io.ts";

/** Selects keys in PostgreSQL. */
export interface PostgresKeysFlags {
  /** URL of the server. Without it, the keys are in a NATS bucket. */
  readonly postgres?: string;
  readonly schema?: string;
}

/** Name that is shown in place of a bucket's. */
export const POSTGRES_NAME = "postgres";

/** The keys of a `postgresStore` as an operator sees them. */
export interface OpenPostgres extends AsyncDisposable {
  readonly store: PostgresStore;
  /** Reads every key that has not expired and matches the pattern of LIKE, in the order of the revisions. */
  rows(like: string): AsyncIterable<StoredMessage>;
  /** Returns the time of the server. */
  readonly serverMs: () => number;
  readonly difference: ClockDifference;
}

const PAGE = 1_000;

/**
 * Opens the keys in PostgreSQL, and checks the server like `postgresStore`.
 * @throws {LatchkeyError} `missing-peer`, `store-misconfigured`, `store-unavailable`.
 * @throws {CommandError} if the server is unreachable or rejects the user.
 */
export async function openPostgres(
  url: string,
  schema: string | undefined,
  { clock }: Pick<CliIo, "clock">,
): Promise<OpenPostgres> {
  const pool = await connectPostgres(url);
  try {
    const table = `"${schemaName(schema)}".keys`;
    const store = await postgresStore(pool, schema === undefined ? {} : { schema });
    const difference = await clockDifference(pool, clock);
    return {
      store,
      difference,
      serverMs: () => clock.wallMs() + difference.offsetMs,
      rows: (like) => keyRows(pool, table, like),
      [Symbol.asyncDispose]: () => pool.end(),
    };
  } catch (error) {
    await pool.end();
    throw cannotUse(error);
  }
}

/**
 * Reads every row of a table of keys that has not expired and matches the pattern of LIKE, in the order of the revisions. Each has the
 * form of a message in a bucket, so that the commands read both in one way.
 */
export async function* keyRows(pool: Pool, table: string, like: string): AsyncGenerator<StoredMessage, void> {
  // A cursor sorts the rows once, and reads them as they were at its beginning.
  const client = await pool.connect();
  try {
    await client.query("begin read only");
    await client.query(
      `declare keys no scroll cursor for
         select key, record, revision, extract(epoch from written_at)::float8 * 1000 as stored,
           extract(epoch from expires_at - written_at)::float8 * 1000 as ttl
         from ${table} where key like ${client.escapeLiteral(like)} and expires_at > statement_timestamp()
         order by revision`,
    );
    for (let isLast = false; !isLast; ) {
      const page = await client.query(`fetch ${PAGE} from keys`);
      for (const row of page.rows) yield asMessage(row);
      isLast = page.rows.length < PAGE;
    }
  } finally {
    await client.query("rollback").catch(() => {});
    client.release();
  }
}

const NOT_A_URL = "--postgres needs the form postgres://user:password@host:port/database";
const POSTGRES_URL = /^(postgres(ql)?|socket):|^\//;

/**
 * Returns a pool of connections. Imports `pg` on demand, because it is an optional peer.
 * @throws {LatchkeyError} `missing-peer`.
 * @throws {CommandError} if the URL is not one of PostgreSQL. The message does not repeat it, because it may contain a password.
 */
export async function connectPostgres(url: string): Promise<Pool> {
  if (!POSTGRES_URL.test(url)) {
    throw new CommandError(NOT_A_URL);
  }
  const { default: pg } = await import("pg").catch((cause: unknown) => {
    throw new LatchkeyError(
      "missing-peer",
      "PostgreSQL needs a package that is not installed. Install it with: npm install pg",
      { cause },
    );
  });
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 5_000, application_name: "latchkey" });
  pool.on("error", () => {});
  return pool;
}

/** Returns the name of the schema. @throws {CommandError} if it is none. */
export function schemaName(schema: string | undefined): string {
  return asCommandError(() => checkSchema(schema ?? DEFAULT_SCHEMA));
}

/** Compares the clock of the server with ours. */
export async function clockDifference(pool: Pool, clock: Clock): Promise<ClockDifference> {
  const startWallMs = clock.wallMs();
  const startedMs = clock.monotonicMs();
  const { rows } = await pool.query("select extract(epoch from clock_timestamp())::float8 * 1000 as now");
  const uncertaintyMs = (clock.monotonicMs() - startedMs) / 2;
  return { offsetMs: numberIn(rows[0], "now") - (startWallMs + uncertaintyMs), uncertaintyMs };
}

/** Returns the error of a command for one of the server or of its driver. */
export function cannotUse(error: unknown): unknown {
  if (error instanceof LatchkeyError || error instanceof CommandError) return error;
  // The driver parses the URL when it connects.
  if (error instanceof TypeError && "code" in error && error.code === "ERR_INVALID_URL")
    return new CommandError(NOT_A_URL);
  return new CommandError(`Cannot use PostgreSQL: ${connectionProblem(error)}`, { cause: error });
}

function asMessage(row: unknown): StoredMessage {
  return {
    subject: textIn(row, "key"),
    revision: numberIn(row, "revision"),
    storedAtMs: numberIn(row, "stored"),
    ttlMs: numberIn(row, "ttl"),
    isTombstone: false,
    payload: textIn(row, "record"),
  };
}

function textIn(row: unknown, column: string): string {
  return isObject(row) ? String(row[column]) : "";
}

function numberIn(row: unknown, column: string): number {
  return Number(textIn(row, column));
}
