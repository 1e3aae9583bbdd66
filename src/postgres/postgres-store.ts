import { LatchkeyError, RecordUnreadableError, StoreUnavailableError } from "../errors.ts";
import { type Clock, systemClock } from "../internal/clock.ts";
import { errorMessage } from "../internal/error-message.ts";
import { objectWith, wholeNumber } from "../internal/validate.ts";
import { type KeyFilter, parseStoreKey, type StoreKey, storeKeyPattern } from "../model/identity.ts";
import { type DedupRecord, decodeRecord, encodeRecord } from "../model/record.ts";
import {
  type Change,
  conflict,
  type Entry,
  type Put,
  type Removal,
  type Revision,
  type Store,
} from "../model/store.ts";
import { CacheEpoch } from "../stores/cache-epoch.ts";
import { ExpiredKeys } from "./expired-keys.ts";
import { watchKeys } from "./key-watch.ts";
import { Connections, isLost, type PgPool } from "./pool.ts";
import { checkSchema, DEFAULT_SCHEMA } from "./schema.ts";
import { checkPostgresServer } from "./server-check.ts";
import { explained } from "./set-up-error.ts";
import { type SqlRow, type SqlValue, sqlStateOf } from "./sql.ts";

/** Options of {@link postgresStore}. */
export interface PostgresStoreOptions {
  /** Schema of the tables. @default "latchkey" */
  readonly schema?: string;
  /** Time limit of one statement and of the wait for a connection, in milliseconds, at least 1. @default 5_000 */
  readonly timeoutMs?: number;
}

/** A store in PostgreSQL, shared by any number of replicas. It does not end the pool. */
export type PostgresStore = Required<Omit<Store, "failure" | "failures">>;

const DEFAULT_TIMEOUT_MS = 5_000;
/** A hundred years. */
const MAX_WINDOW_MS = 100 * 365 * 86_400_000;
const PAGE = 1_000;

/**
 * Opens a {@link Store} in PostgreSQL, and checks that the server keeps the guarantees. `latchkey postgres schema` prints its tables.
 * A watch uses one connection of the pool while it runs.
 * @param pool a `Pool` of `pg`. Give it an `error` listener, or a lost idle connection ends the process.
 * @throws {TypeError | RangeError} that names the wrong argument.
 * @throws {StoreMisconfiguredError} if tables or rights are missing, or a setting loses acknowledged writes.
 * @throws {StoreUnavailableError} if the server is out of reach.
 */
export async function postgresStore(pool: PgPool, options: PostgresStoreOptions = {}): Promise<PostgresStore> {
  objectWith("pool", pool, "connect");
  objectWith("options", options);
  const schema = checkSchema(options.schema ?? DEFAULT_SCHEMA);
  const timeoutMs = wholeNumber("timeoutMs", options.timeoutMs ?? DEFAULT_TIMEOUT_MS, 1);
  const connections = new Connections(pool, systemClock, timeoutMs);
  await checkPostgresServer(connections, schema);
  return keyStore(connections, schema, systemClock);
}

function keyStore(connections: Connections, schema: string, clock: Clock): PostgresStore {
  const table = `"${schema}".keys`;
  const next = `"${schema}".next_revision()`;
  const notify = `"${schema}".notify_watchers`;
  const expiresAt = "statement_timestamp() + $3::float8 * interval '1 millisecond'";
  const lives = "expires_at > statement_timestamp()";
  const entry = "key, record, revision, round(extract(epoch from expires_at) * 1000) as ends_at_ms";
  // Each write is one statement, so its check and its change are atomic. The primary key decides between concurrent inserts.
  const putOverNothing = `
    with written as (
      insert into ${table} as held (key, record, revision, written_at, expires_at)
      values ($1, $2, ${next}, statement_timestamp(), ${expiresAt})
      on conflict (key) do update set record = excluded.record, revision = ${next},
        written_at = excluded.written_at, expires_at = excluded.expires_at
      where held.expires_at <= statement_timestamp() returning revision
    ) select revision, ${notify}('put ' || $1 || ' ' || revision) from written`;
  const putOverRevision = `
    with written as (
      update ${table} set record = $2, revision = ${next}, written_at = statement_timestamp(), expires_at = ${expiresAt}
      where key = $1 and revision = $4 and ${lives} returning revision
    ) select revision, ${notify}('put ' || $1 || ' ' || revision) from written`;
  const removeRevision = `
    with removed as (
      delete from ${table} where key = $1 and revision = $2 and ${lives} returning ${next} as revision
    ) select ${notify}('removed ' || $1 || ' ' || revision) from removed`;
  const expired = new ExpiredKeys(connections, table);

  const ask = (statement: string, values: SqlValue[]): Promise<readonly SqlRow[]> =>
    connections.run(statement, values).catch((error: unknown) => {
      throw refused(table, error);
    });
  /** Returns no row for a conflict, also if a stricter isolation level of the pool reports it as an error. */
  const write = (statement: string, values: SqlValue[]): Promise<readonly SqlRow[]> =>
    connections.run(statement, values).catch((error: unknown) => {
      if (isLost(error)) return [];
      throw refused(table, error);
    });
  const get = async (key: StoreKey): Promise<Entry | undefined> => {
    const [row] = await ask(`select ${entry} from ${table} where key = $1 and ${lives}`, [key]);
    return row && entryOf(row);
  };
  const list = (filter: KeyFilter): AsyncIterable<Entry> =>
    pagesOf(filter, (after, pattern) =>
      ask(`select ${entry} from ${table} where key > $1 and key like $2 and ${lives} order by key limit ${PAGE}`, [
        after,
        pattern,
      ]),
    );

  return {
    maxWindowMs: MAX_WINDOW_MS,

    async put(
      key: StoreKey,
      record: DedupRecord,
      how: { readonly expected: Revision; readonly ttlMs: number },
    ): Promise<Put> {
      const expected = wholeNumber("expected", how.expected, 0);
      const ttlMs = wholeNumber("ttlMs", how.ttlMs, 1, MAX_WINDOW_MS);
      const values = [key, encodeRecord(record), ttlMs];
      const [row] =
        expected === 0 ? await write(putOverNothing, values) : await write(putOverRevision, [...values, expected]);
      if (row === undefined) return conflict();
      if (expected === 0) expired.noteInsert();
      return { ok: true, revision: Number(row["revision"]) };
    },

    get,

    async remove(key: StoreKey, how: { readonly expected: Revision }): Promise<Removal> {
      const removed = await write(removeRevision, [key, wholeNumber("expected", how.expected, 0)]);
      return removed.length > 0 ? { ok: true } : conflict();
    },

    list,

    watch: (filter: KeyFilter, signal: AbortSignal): AsyncIterable<Change> =>
      watchKeys({ connections, schema, clock, get, list }, filter, signal),

    invalidation: new CacheEpoch(clock, {
      async read(): Promise<number> {
        const [row] = await ask(`select epoch from "${schema}".cleared`, []);
        return Number(row?.["epoch"] ?? 0);
      },
      async change(): Promise<number> {
        const [row] = await ask(
          `insert into "${schema}".cleared (epoch) values (${next})
           on conflict (is_only) do update set epoch = ${next} returning epoch`,
          [],
        );
        return Number(row?.["epoch"]);
      },
    }),

    close: () => expired.idle(),
  };
}

const DISK_FULL = "53100";

/** Returns the error of the store for a statement that failed. The server rolled it back unless the error is ambiguous. */
function refused(table: string, error: unknown): unknown {
  const known = explained(table, error);
  if (known instanceof LatchkeyError) return known;
  const message = `PostgreSQL refused a statement: ${errorMessage(error)}`;
  return new StoreUnavailableError(message, { ambiguous: false, full: sqlStateOf(error) === DISK_FULL, cause: error });
}

/** Returns the pattern of LIKE for the store keys that match. @throws {TypeError} for an invalid filter. */
function likePattern(filter: KeyFilter): string {
  return storeKeyPattern(filter)
    .map((part) => (part === "*" ? "%" : part.replaceAll("_", "\\_")))
    .join(".");
}

/** Yields every readable entry, then throws for the first unreadable record. */
async function* pagesOf(
  filter: KeyFilter,
  page: (after: string, pattern: string) => Promise<readonly SqlRow[]>,
): AsyncGenerator<Entry, void> {
  const pattern = likePattern(filter);
  let unreadable: RecordUnreadableError | undefined;
  for (let after = ""; ; ) {
    const rows = await page(after, pattern);
    for (const row of rows) {
      let entry: Entry;
      try {
        entry = entryOf(row);
      } catch (error) {
        if (!(error instanceof RecordUnreadableError)) throw error;
        unreadable ??= error;
        continue;
      }
      yield entry;
    }
    if (rows.length < PAGE) break;
    after = String(rows.at(-1)?.["key"]);
  }
  if (unreadable !== undefined) throw unreadable;
}

/** @throws {RecordUnreadableError} that names the key. */
function entryOf(row: SqlRow): Entry {
  const key = parseStoreKey(String(row["key"]));
  const record = decodeRecord(String(row["record"]), key);
  return { key, record, revision: Number(row["revision"]), endsAtMs: Number(row["ends_at_ms"]) };
}
