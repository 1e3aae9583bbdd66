import { isObject } from "../internal/is-object.ts";
import type { RunSql, SqlRow } from "./sql.ts";

interface ExpectedTable {
  readonly columns: Readonly<Record<string, string>>;
  readonly primaryKey: readonly string[];
}

/** Parts of `schemaSql` that the statements rely on. */
const EXPECTED = {
  keys: {
    columns: {
      key: "text",
      record: "text",
      written_at: "timestamp with time zone",
      revision: "bigint",
      expires_at: "timestamp with time zone",
    },
    primaryKey: ["key"],
  },
  watchers: { columns: { name: "text", expires_at: "timestamp with time zone" }, primaryKey: ["name"] },
  cleared: { columns: { is_only: "boolean", epoch: "bigint" }, primaryKey: ["is_only"] },
  effects: {
    columns: {
      key: "text",
      name: "text",
      fence: "bigint",
      xid: "xid8",
      finished: "boolean",
      value: "text",
      created_at: "timestamp with time zone",
      expires_at: "timestamp with time zone",
    },
    primaryKey: ["key", "name"],
  },
} as const satisfies Record<string, ExpectedTable>;

/** A table of Latchkey. */
export type TableName = keyof typeof EXPECTED;

/** Tables of `postgresStore`. */
export const STORE_TABLES: readonly TableName[] = ["keys", "watchers", "cleared"];
/** Table of `effectOnce`. */
export const EFFECT_TABLES: readonly TableName[] = ["effects"];

/** A difference between a database and `schemaSql`. */
export interface SchemaProblem {
  /** Table, function, sequence or trigger. */
  readonly name: string;
  readonly problem: string;
  readonly remedy: string;
  /** `permission` if the role lacks a right, `schema` if the object is wrong. */
  readonly kind: "schema" | "permission";
}

const MIGRATE = "run `latchkey postgres schema | psql`";
const GRANT = "run `latchkey postgres schema --role <name> | psql`";

/** Compares tables with `schemaSql`, and the rights of the current role with those that Latchkey needs. Reads only the catalogue. */
export async function schemaProblems(
  run: RunSql,
  schema: string,
  tables: readonly TableName[],
): Promise<readonly SchemaProblem[]> {
  const rows = await run(
    `select name, pg_class.oid is not null as exists, relpersistence = 'p' as is_logged,
       has_schema_privilege(pg_namespace.oid, 'usage') and has_table_privilege(pg_class.oid, 'select')
         and has_table_privilege(pg_class.oid, 'insert') and has_table_privilege(pg_class.oid, 'update')
         and has_table_privilege(pg_class.oid, 'delete') as is_allowed,
       (select jsonb_object_agg(attname, format_type(atttypid, atttypmod)) from pg_attribute
        where attrelid = pg_class.oid and attnum > 0 and not attisdropped) as columns,
       (select jsonb_agg(attname order by attname) from pg_attribute join pg_index on indrelid = attrelid
        where attrelid = pg_class.oid and indisprimary and attnum = any (indkey)) as primary_key
     from unnest(string_to_array($1, ',')) with ordinality as given (name, at)
     left join pg_namespace on nspname = $2
     left join pg_class on relnamespace = pg_namespace.oid and relname = name and relkind in ('r', 'p')
     order by at`,
    [tables.join(","), schema],
  );
  const [others = {}] = await run(
    `select pg_namespace.oid is not null as exists,
       exists (select from pg_proc where pronamespace = pg_namespace.oid and proname = 'next_revision') as next_revision,
       exists (select from pg_proc where pronamespace = pg_namespace.oid and proname = 'notify_watchers') as notify_watchers,
       exists (select from pg_class where relnamespace = pg_namespace.oid and relname = 'revisions' and relkind = 'S') as revisions,
       exists (select from pg_class where relnamespace = pg_namespace.oid and relname = 'revisions' and relkind = 'S'
         and has_sequence_privilege(oid, 'usage')) as may_use_revisions,
       exists (select from pg_trigger join pg_class on pg_class.oid = tgrelid
         where relnamespace = pg_namespace.oid and relname = 'effects' and tgname = 'require_finished_effect'
           and tgenabled in ('O', 'A') and tgdeferrable and tginitdeferred) as require_finished_effect
     from (values ($1)) as given (name) left join pg_namespace on nspname = given.name`,
    [schema],
  );
  const isStore = tables.includes("keys");
  const hasTables = rows.every(({ exists }) => exists === true);
  return [
    ...tables.flatMap((table, at) => problemsOfTable(`"${schema}".${table}`, EXPECTED[table], rows[at] ?? {})),
    // Without the tables, everything else is missing too.
    ...(hasTables && isStore ? problemsOfStore(schema, others) : []),
    ...(hasTables && tables.includes("effects") ? problemsOfEffects(schema, others) : []),
  ];
}

function problemsOfTable(name: string, { columns, primaryKey }: ExpectedTable, row: SqlRow): readonly SchemaProblem[] {
  if (row["exists"] !== true) return [{ name, problem: "does not exist", remedy: MIGRATE, kind: "schema" }];
  const found = isObject(row["columns"]) ? row["columns"] : {};
  const wrong = Object.entries(columns).filter(([column, type]) => found[column] !== type);
  const key = [...primaryKey].sort();
  const problems: SchemaProblem[] = [];
  if (row["is_logged"] !== true) {
    problems.push({
      name,
      problem: "must not be unlogged: a crash empties it",
      remedy: `alter table ${name} set logged`,
      kind: "schema",
    });
  }
  if (wrong.length > 0) {
    const all = wrong.map(([column, type]) => `\`${column} ${type}\``).join(", ");
    problems.push({
      name,
      problem: `is of another version: it must have ${all}`,
      remedy: `rename it and ${MIGRATE}`,
      kind: "schema",
    });
  }
  if (JSON.stringify(row["primary_key"]) !== JSON.stringify(key)) {
    const all = primaryKey.join(", ");
    problems.push({
      name,
      problem: `must have the primary key (${all}): without it, two writes of a key succeed`,
      remedy: `alter table ${name} add primary key (${all})`,
      kind: "schema",
    });
  }
  if (row["is_allowed"] !== true) {
    problems.push({ name, problem: "may not be read and written by this role", remedy: GRANT, kind: "permission" });
  }
  return problems;
}

function problemsOfStore(schema: string, row: SqlRow): readonly SchemaProblem[] {
  const missing = ["next_revision", "notify_watchers", "revisions"].filter((name) => row[name] !== true);
  if (missing.length > 0) {
    return missing.map((name) => ({
      name: `"${schema}".${name}`,
      problem: "does not exist",
      remedy: MIGRATE,
      kind: "schema",
    }));
  }
  if (row["may_use_revisions"] === true) return [];
  return [
    { name: `"${schema}".revisions`, problem: "may not be used by this role", remedy: GRANT, kind: "permission" },
  ];
}

function problemsOfEffects(schema: string, row: SqlRow): readonly SchemaProblem[] {
  if (row["require_finished_effect"] === true) return [];
  const problem =
    "lacks the trigger require_finished_effect, or it is disabled: a transaction can commit a marker without its effect";
  return [{ name: `"${schema}".effects`, problem, remedy: `${MIGRATE}, or enable the trigger`, kind: "schema" }];
}
