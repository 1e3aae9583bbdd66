import {
  decodeRecord,
  encodeRecord,
  keyMatcher,
  parseStoreKey,
  type Store,
  StoreUnavailableError,
} from "../../../src/index.ts";

/** The part of a client that the store uses. `pg` and `@electric-sql/pglite` have it. */
export interface Sql {
  query(statement: string, values: unknown[]): Promise<{ rows: Array<Record<string, unknown>> }>;
}

export const schemaOf = (table: string): string => `
  create sequence if not exists dedup_revision;
  create table ${table} (
    key      text collate "C" primary key,
    record   text not null,
    revision bigint not null,
    ends_at  timestamptz not null
  )`;

/** Returns a store in a PostgreSQL table. */
export function postgresStore(sql: Sql, table = "dedup"): Required<Pick<Store, "put" | "get" | "remove" | "list">> {
  const ask = async (statement: string, ...values: unknown[]): Promise<Array<Record<string, unknown>>> => {
    try {
      return (await sql.query(statement, values)).rows;
    } catch (cause) {
      // An ambiguous write is repeated, and recognised if it was applied.
      throw new StoreUnavailableError(`The query failed: ${String(cause)}`, { ambiguous: true, cause });
    }
  };
  const entryOf = (row: Record<string, unknown>) => {
    const key = parseStoreKey(String(row["key"]));
    return { key, record: decodeRecord(String(row["record"]), key), revision: Number(row["revision"]) };
  };

  // Each write is one statement, so that its check and its change are atomic. An expired row counts as missing.
  const lives = "ends_at > now()";
  const endsAt = "now() + $3::float8 * interval '1 millisecond'";
  const writeOverNothing = `
    insert into ${table} as current (key, record, revision, ends_at)
    values ($1, $2, nextval('dedup_revision'), ${endsAt})
    on conflict (key) do update
      set record = excluded.record, revision = nextval('dedup_revision'), ends_at = excluded.ends_at
      where current.ends_at <= now()
    returning revision`;
  const writeOverRevision = `
    update ${table} set record = $2, revision = nextval('dedup_revision'), ends_at = ${endsAt}
    where key = $1 and revision = $4 and ${lives}
    returning revision`;

  return {
    async put(key, record, { expected, ttlMs }) {
      const values = [key, encodeRecord(record), ttlMs];
      const written =
        expected === 0 ? await ask(writeOverNothing, ...values) : await ask(writeOverRevision, ...values, expected);
      const [row] = written;
      return row === undefined ? { ok: false } : { ok: true, revision: Number(row["revision"]) };
    },

    async get(key) {
      const [row] = await ask(`select * from ${table} where key = $1 and ${lives}`, key);
      return row && entryOf(row);
    },

    async remove(key, { expected }) {
      const removed = await ask(
        `delete from ${table} where key = $1 and revision = $2 and ${lives} returning key`,
        key,
        expected,
      );
      return { ok: removed.length > 0 };
    },

    async *list(filter) {
      const matches = keyMatcher(filter);
      const page = `select * from ${table} where key > $1 and ${lives} order by key limit 1000`;
      for (let rows = await ask(page, ""); rows.length > 0; rows = await ask(page, rows.at(-1)?.["key"])) {
        yield* rows.map(entryOf).filter(({ key }) => matches(key));
      }
    },
  };
}
