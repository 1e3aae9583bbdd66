import { StoreMisconfiguredError, StoreUnavailableError } from "../errors.ts";
import type { Connections } from "./pool.ts";
import { STORE_TABLES, schemaProblems } from "./schema-check.ts";

/** Oldest version of PostgreSQL that Latchkey supports. */
const MINIMUM_MAJOR = 14;
/** The same version as `server_version_num`. */
export const MINIMUM_VERSION_NUMBER = MINIMUM_MAJOR * 10_000;
export const NEEDED_POSTGRES = `PostgreSQL ${MINIMUM_MAJOR} or later`;

/**
 * Checks that a server can hold the keys and keeps what it acknowledges.
 * @throws {StoreMisconfiguredError} with one sentence for each difference.
 * @throws {StoreUnavailableError} if the server is out of reach or a standby.
 */
export async function checkPostgresServer(connections: Connections, schema: string): Promise<void> {
  const run = connections.run.bind(connections);
  const [row = {}] = await run(
    `select current_setting('server_version_num')::int as version, current_setting('server_version') as version_text,
       current_setting('synchronous_commit') as synchronous_commit, current_setting('fsync') as fsync,
       pg_is_in_recovery() as is_standby`,
  );
  if (Number(row["version"]) < MINIMUM_VERSION_NUMBER) {
    throw misconfigured([`the server must be ${NEEDED_POSTGRES}, got ${String(row["version_text"])}`]);
  }
  if (row["is_standby"] === true) {
    throw new StoreUnavailableError("PostgreSQL is a read-only standby: connect to the primary", { ambiguous: false });
  }
  const problems = await schemaProblems(run, schema, STORE_TABLES);
  const differences = problems.map(({ name, problem, remedy }) => `${name} ${problem}: ${remedy}`);
  for (const setting of ["synchronous_commit", "fsync"]) {
    if (row[setting] === "off") differences.push(`${setting} must not be off: a crash loses acknowledged writes`);
  }
  if (differences.length > 0) throw misconfigured(differences);
}

function misconfigured(differences: readonly string[]): StoreMisconfiguredError {
  return new StoreMisconfiguredError(`PostgreSQL cannot hold the keys: ${differences.join("; ")}`, differences);
}
