import { expected, objectWith, text } from "../internal/validate.ts";

/** Schema of Latchkey's tables. */
export const DEFAULT_SCHEMA = "latchkey";

/** SQLSTATE of the check that a marker's effect has finished. */
export const UNFINISHED_EFFECT = "LK001";

/**
 * A revision is the server's timeline and, in the lower 42 bits, the next value of a sequence. That is enough for 2,047 promotions and
 * 4 * 10^12 writes, which is 14 years at 10,000 a second.
 */
const TIMELINE_SHIFT = 42;

/** Options of {@link schemaSql}. */
export interface SchemaOptions {
  /** Schema of the tables. @default "latchkey" */
  readonly schema?: string;
  /** Existing role that gets the rights that Latchkey needs. @default none */
  readonly role?: string;
}

/**
 * Returns the SQL that creates Latchkey's tables. It changes nothing that exists, so it may run again. Nothing runs it for you. Needs
 * PostgreSQL 14 or later, and the right to create a schema.
 * @throws {TypeError} that names the wrong argument.
 */
export function schemaSql(options: SchemaOptions = {}): string {
  objectWith("options", options);
  const schema = checkSchema(options.schema ?? DEFAULT_SCHEMA);
  const grants = options.role === undefined ? "" : grantsTo(schema, text("role", options.role));
  return `begin;

create schema if not exists "${schema}";

-- Markers of effectOnce: one row for each effect that was committed.
create table if not exists "${schema}".effects (
  key        text collate "C" not null,
  name       text collate "C" not null,
  fence      bigint not null,
  xid        xid8 not null default pg_current_xact_id(),
  finished   boolean not null default false,
  value      text,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  primary key (key, name)
) with (fillfactor = 90);

-- A transaction cannot commit a marker whose effect did not finish. Outside a transaction, not even the marker can be written.
create or replace function "${schema}".require_finished_effect() returns trigger language plpgsql as $$
begin
  if exists (select from "${schema}".effects where key = new.key and name = new.name and not finished) then
    raise exception using
      errcode = '${UNFINISHED_EFFECT}',
      message = 'the effect of ' || new.key || ' has not finished: its marker cannot be committed',
      hint = 'Call effectOnce inside a transaction, await it, and roll back if it throws.';
  end if;
  return null;
end
$$;

do $$
begin
  if not exists (
    select from pg_trigger where tgrelid = '"${schema}".effects'::regclass and tgname = 'require_finished_effect'
  ) then
    create constraint trigger require_finished_effect after insert on "${schema}".effects
      deferrable initially deferred for each row execute function "${schema}".require_finished_effect();
  end if;
end
$$;

-- Keys of postgresStore. Its updates stay within their block: no index contains the time of expiry.
create table if not exists "${schema}".keys (
  key        text collate "C" primary key,
  record     text not null,
  written_at timestamptz not null,
  revision   bigint not null check (revision <= ${Number.MAX_SAFE_INTEGER}),
  expires_at timestamptz not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

create sequence if not exists "${schema}".revisions as bigint maxvalue ${2 ** TIMELINE_SHIFT - 1};

-- Revisions rise even if a promoted standby lost the last values of the sequence: a promotion begins a new timeline.
create or replace function "${schema}".next_revision() returns bigint language sql volatile as $$
  select (('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint << ${TIMELINE_SHIFT})
    + nextval('"${schema}".revisions')
$$;

-- Watches of postgresStore. Without a live one, writes send no notification: a commit that notifies waits for all others that do.
create table if not exists "${schema}".watchers (
  name       text primary key,
  expires_at timestamptz not null
);

create or replace function "${schema}".notify_watchers(change text) returns void language sql volatile as $$
  select pg_notify('latchkey:${schema}', change)
  where exists (select from "${schema}".watchers where expires_at > statement_timestamp())
$$;

-- Cache-invalidation epoch of postgresStore, in one row.
create table if not exists "${schema}".cleared (
  is_only boolean primary key default true check (is_only),
  epoch   bigint not null
);
${grants}
commit;
`;
}

function grantsTo(schema: string, role: string): string {
  const name = `"${role.replaceAll('"', '""')}"`;
  return `
grant usage on schema "${schema}" to ${name};
grant select, insert, update, delete on all tables in schema "${schema}" to ${name};
grant usage, select on sequence "${schema}".revisions to ${name};
`;
}

/** Returns a schema's name. It needs no quoting, so it is safe in any statement. @throws {TypeError} that names the argument. */
export function checkSchema(schema: unknown): string {
  if (typeof schema === "string" && /^[a-z_][a-z0-9_]{0,47}$/.test(schema) && !schema.startsWith("pg_")) return schema;
  const form = "a name of at most 48 lower-case letters, digits and `_` that does not begin with `pg_`";
  throw new TypeError(expected("schema", form, schema));
}
