import { counted } from "../../internal/counted.ts";
import { EFFECT_TABLES, type SchemaProblem, STORE_TABLES, schemaProblems } from "../../postgres/schema-check.ts";
import { type RunSql, sqlOf } from "../../postgres/sql.ts";
import {
  cannotUse,
  clockDifference,
  connectPostgres,
  keyRows,
  type PostgresKeysFlags,
  schemaName,
} from "../connection/open-postgres.ts";
import { matchingKeys, withoutFailed } from "../stored-keys/matching-keys.ts";
import { POSTGRES_SOURCE } from "../stored-keys/postgres-keys.ts";
import { skewFrom } from "../stored-keys/verdict.ts";
import type { CliIo } from "../terminal/io.ts";
import { examineOwnClock } from "./examine-clocks.ts";
import { examineRecords } from "./examine-records.ts";
import { type Finding, findingsAbout } from "./finding.ts";
import { readServerFacts, readTableFacts, type ServerFacts } from "./postgres-facts.ts";
import { type ExpiringTable, examineExpiringTable, examinePostgresServer } from "./postgres-findings.ts";

const tables = findingsAbout("tables");
const permissions = findingsAbout("permissions");

/**
 * Examines a server and the tables of `postgresStore` and `effectOnce`. Changes nothing.
 * @throws {CommandError} if the server cannot be reached.
 */
export async function examinePostgres(
  { postgres, schema }: Required<Pick<PostgresKeysFlags, "postgres">> & PostgresKeysFlags,
  io: CliIo,
): Promise<readonly Finding[]> {
  const name = schemaName(schema);
  const skewMs = skewFrom(io);
  const pool = await connectPostgres(postgres);
  try {
    const run = sqlOf("pool", pool);
    const facts = await readServerFacts(run);
    const problems = await schemaProblems(run, name, [...STORE_TABLES, ...EFFECT_TABLES]);
    const difference = await clockDifference(pool, io.clock);
    const isUsable = (table: ExpiringTable): boolean => !problems.some((one) => one.name === `"${name}".${table}`);
    const serverMs = (): number => io.clock.wallMs() + difference.offsetMs;
    const rows = keyRows(pool, `"${name}".keys`, "%");
    const keys = withoutFailed(matchingKeys(rows, POSTGRES_SOURCE, {}, serverMs));
    return [
      ...examinePostgresServer(facts),
      ...schemaFindings(name, problems, facts),
      ...(await expiryFindings(run, name, facts, isUsable)),
      examineOwnClock(difference),
      ...(isUsable("keys") ? await examineRecords([{ keys, serverMs }], skewMs, io) : []),
    ];
  } catch (error) {
    throw cannotUse(error);
  } finally {
    await pool.end();
  }
}

function schemaFindings(schema: string, problems: readonly SchemaProblem[], { role }: ServerFacts): readonly Finding[] {
  const findings = problems.map(({ name, problem, remedy, kind }) =>
    (kind === "permission" ? permissions : tables).error(name.replace(`"${schema}".`, ""), problem, remedy),
  );
  const [broken, refused] = (["schema", "permission"] as const).map((kind) =>
    problems.some((one) => one.kind === kind),
  );
  const all = STORE_TABLES.length + EFFECT_TABLES.length;
  return [
    ...findings,
    ...(broken === true
      ? []
      : [tables.ok("schema", `${counted(all, "table")} of schema ${schema}, as the migration creates them`)]),
    ...(broken === true || refused === true ? [] : [permissions.ok("role", `${role} may read and write all tables`)]),
  ];
}

async function expiryFindings(
  run: RunSql,
  schema: string,
  facts: ServerFacts,
  isUsable: (table: ExpiringTable) => boolean,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const table of ["keys", "effects"] as const) {
    if (!isUsable(table)) continue;
    findings.push(...examineExpiringTable(table, await readTableFacts(run, `"${schema}".${table}`), facts));
  }
  return findings;
}
