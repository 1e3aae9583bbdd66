import type { RunSql } from "../../postgres/sql.ts";

/** Settings that the findings use. Times are in milliseconds. */
const SETTINGS = [
  "autovacuum",
  "default_transaction_isolation",
  "default_transaction_read_only",
  "fsync",
  "full_page_writes",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
  "lock_timeout",
  "max_connections",
  "statement_timeout",
  "synchronous_commit",
  "synchronous_standby_names",
  "transaction_timeout",
] as const;

export type SettingName = (typeof SETTINGS)[number];

/** State of a server, as a session of the current role sees it. */
export interface ServerFacts {
  /** Version as `server_version_num`: 180004 is 18.4. */
  readonly version: number;
  readonly versionText: string;
  readonly role: string;
  readonly isStandby: boolean;
  /** Settings of this session. A server lacks those of later versions. */
  readonly settings: Readonly<Partial<Record<SettingName, string>>>;
  readonly connections: number;
  /** Number of connected standbys. */
  readonly standbys: number;
  /** Age of the oldest transaction whose client is idle, in milliseconds. 0 if there is none, or the role may not see it. */
  readonly idleTransactionMs: number;
}

export async function readServerFacts(run: RunSql): Promise<ServerFacts> {
  const settings = await run("select name, setting from pg_settings where name = any (string_to_array($1, ','))", [
    SETTINGS.join(","),
  ]);
  const [row = {}] = await run(
    `select current_setting('server_version_num')::int as version, current_setting('server_version') as version_text,
       current_user::text as role, pg_is_in_recovery() as is_standby,
       (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as connections,
       (select count(*)::int from pg_stat_replication) as standbys,
       (select coalesce(extract(epoch from max(now() - xact_start)), 0)::float8 * 1000 from pg_stat_activity
        where state like 'idle in transaction%' and datname = current_database()) as idle_transaction_ms`,
  );
  return {
    version: Number(row["version"]),
    versionText: String(row["version_text"]),
    role: String(row["role"]),
    isStandby: row["is_standby"] === true,
    settings: Object.fromEntries(settings.map(({ name, setting }) => [String(name), String(setting)])),
    connections: Number(row["connections"]),
    standbys: Number(row["standbys"]),
    idleTransactionMs: Number(row["idle_transaction_ms"]),
  };
}

/** Content of a table, estimated from a sample if it is large. */
export interface TableFacts {
  readonly bytes: number;
  readonly rows: number;
  /** Rows that have expired and are not yet deleted. */
  readonly expired: number;
  /** Rows that expired more than two days ago. */
  readonly overdue: number;
  /** Rows that were deleted or replaced, and whose space was not yet reclaimed. */
  readonly deadRows: number;
}

/** Blocks that a sample reads: 80 MiB. */
const SAMPLED_BLOCKS = 10_240;

/** @param table qualified name. */
export async function readTableFacts(run: RunSql, table: string): Promise<TableFacts> {
  const [size = {}] = await run(
    `select pg_relation_size($1::regclass)::float8 as bytes,
       pg_relation_size($2::regclass)::float8 / current_setting('block_size')::int as blocks,
       (select n_dead_tup::float8 from pg_stat_all_tables where relid = $3::regclass) as dead`,
    [table, table, table],
  );
  const share = Math.min(1, SAMPLED_BLOCKS / Math.max(1, Number(size["blocks"])));
  const [counts = {}] = await run(
    `select count(*)::float8 as rows, (count(*) filter (where expires_at <= now()))::float8 as expired,
       (count(*) filter (where expires_at <= now() - interval '2 days'))::float8 as overdue
     from ${table} tablesample system ($1::float4)`,
    [share * 100],
  );
  const estimated = (name: string): number => Math.round(Number(counts[name]) / share);
  return {
    bytes: Number(size["bytes"]),
    rows: estimated("rows"),
    expired: estimated("expired"),
    overdue: estimated("overdue"),
    deadRows: Number(size["dead"] ?? 0),
  };
}
