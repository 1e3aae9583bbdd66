import { LatchkeyError } from "../../errors.ts";
import { isObject } from "../../internal/is-object.ts";
import type { StoredMessage } from "../../nats/kv/stored-message.ts";
import { subjectOf } from "../../nats/wire/subject.ts";
import { type PostgresStore, postgresStore } from "../../postgres/postgres-store.ts";
import { checkSchema, DEFAULT_SCHEMA } from "../../postgres/schema.ts";
import { asCommandErrorAsync, CommandError } from "../terminal/command-error.ts";
import { errorMessage } from "../terminal/error-message.ts";
import type { CliIo } from "../terminal/io.ts";

/** Selects keys in PostgreSQL. */
export interface PostgresKeysFlags {
  /** URL of the server. Without it, the keys are in a NATS bucket. */
  readonly postgres?: string;
  readonly schema?: string;
}

/** Name that stands in place of a bucket's. */
export const POSTGRES_NAME = "postgres";

/** The keys of a `postgresStore` as an operator sees them. */
export interface OpenPostgres extends AsyncDisposable {
  readonly store: PostgresStore;
  /** Reads every key that has not expired, in the order of the keys. */
  messages(): AsyncIterable<StoredMessage>;
  /** Returns the time of the server. */
  readonly serverMs: () => number;
}

const PAGE = 1_000;

/**
 * Connects to PostgreSQL. Imports `pg` on demand, because it is an optional peer.
 * @throws {LatchkeyError} `missing-peer`, `store-misconfigured`, `store-unavailable`.
 * @throws {CommandError} if the server is unreachable or rejects the user.
 */
export async function openPostgres(
  url: string,
  schema: string | undefined,
  { clock }: Pick<CliIo, "clock">,
): Promise<OpenPostgres> {
  const { default: pg } = await import("pg").catch((cause: unknown) => {
    throw new LatchkeyError("missing-peer", "PostgreSQL needs a package: npm install pg", { cause });
  });
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 5_000, application_name: "latchkey" });
  pool.on("error", () => {});
  try {
    const name = await asCommandErrorAsync(async () => checkSchema(schema ?? DEFAULT_SCHEMA));
    const store = await postgresStore(pool, { schema: name });
    const { rows } = await pool.query("select extract(epoch from clock_timestamp())::float8 * 1000 as now");
    const offsetMs = numberIn(rows[0], "now") - clock.wallMs();
    return {
      store,
      serverMs: () => clock.wallMs() + offsetMs,
      async *messages() {
        for (let after = ""; ; ) {
          const page = await pool.query(
            `select key, record, revision, extract(epoch from written_at)::float8 * 1000 as stored,
               extract(epoch from expires_at - written_at)::float8 * 1000 as ttl
             from "${name}".keys where key > $1 and expires_at > statement_timestamp() order by key limit ${PAGE}`,
            [after],
          );
          for (const row of page.rows) yield messageOf(row);
          if (page.rows.length < PAGE) return;
          after = textIn(page.rows.at(-1), "key");
        }
      },
      [Symbol.asyncDispose]: () => pool.end(),
    };
  } catch (error) {
    await pool.end();
    if (error instanceof LatchkeyError || error instanceof CommandError) throw error;
    throw new CommandError(`Cannot use PostgreSQL: ${errorMessage(error)}`, { cause: error });
  }
}

function messageOf(row: unknown): StoredMessage {
  return {
    subject: subjectOf(POSTGRES_NAME, textIn(row, "key")),
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
