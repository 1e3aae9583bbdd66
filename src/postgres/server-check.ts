import { StoreMisconfiguredError, StoreUnavailableError } from "../errors.ts";
import type { Connections } from "./pool.ts";
import { explained } from "./set-up-error.ts";

const MINIMUM_VERSION = 140_000;
const TABLES = ["keys", "watchers", "cleared"];

/**
 * Checks that a server can hold the keys and keeps what it acknowledges.
 * @throws {StoreMisconfiguredError} with one sentence for each difference.
 * @throws {StoreUnavailableError} if the server is out of reach or a standby.
 */
export async function checkServer(connections: Connections, schema: string): Promise<void> {
  const [row = {}] = await connections.run(
    `select current_setting('server_version_num')::int as version, current_setting('server_version') as version_text,
       current_setting('synchronous_commit') as synchronous_commit, current_setting('fsync') as fsync,
       pg_is_in_recovery() as is_standby`,
  );
  if (Number(row["version"]) < MINIMUM_VERSION) {
    throw misconfigured([`the server's version must be 14 or later, got ${String(row["version_text"])}`]);
  }
  if (row["is_standby"] === true) {
    throw new StoreUnavailableError("PostgreSQL is a read-only standby: connect to the primary", { ambiguous: false });
  }
  const tables = await connections
    .run(
      `select name, table_oid is not null as exists, coalesce(relpersistence = 'p', true) as is_logged,
         coalesce(has_schema_privilege(namespace, 'usage') and has_table_privilege(table_oid, 'select')
           and has_table_privilege(table_oid, 'insert') and has_table_privilege(table_oid, 'update')
           and has_table_privilege(table_oid, 'delete'), true) as is_allowed
       from unnest(string_to_array($1, ',')) as name
       left join pg_namespace on nspname = $2
       left join pg_class on relnamespace = pg_namespace.oid and relname = name
       cross join lateral (select pg_class.oid as table_oid, pg_namespace.oid as namespace) as found`,
      [TABLES.join(","), schema],
    )
    .catch((cause: unknown) => {
      throw explained(`"${schema}".keys`, cause);
    });
  const differences = tables.flatMap(({ name, exists, is_logged, is_allowed }) => {
    const table = `"${schema}".${String(name)}`;
    if (exists !== true) return [`${table} does not exist: create it with \`latchkey postgres schema | psql\``];
    return [
      ...(is_logged === true ? [] : [`${table} must not be unlogged: a crash empties it`]),
      ...(is_allowed === true
        ? []
        : [`the role may not use ${table}: run \`latchkey postgres schema --role <name> | psql\``]),
    ];
  });
  for (const setting of ["synchronous_commit", "fsync"]) {
    if (row[setting] === "off") differences.push(`${setting} must not be off: a crash loses acknowledged writes`);
  }
  if (differences.length > 0) throw misconfigured(differences);
}

function misconfigured(differences: readonly string[]): StoreMisconfiguredError {
  return new StoreMisconfiguredError(`PostgreSQL cannot hold the keys: ${differences.join("; ")}`, differences);
}
