import { isObject } from "../internal/is-object.ts";
import { expected } from "../internal/validate.ts";

/** A value for a placeholder. */
export type SqlValue = string | number | null;

/** A row of a result, by the names of its columns. */
export type SqlRow = Readonly<Record<string, unknown>>;

/**
 * A connection of `pg`, or any object with such a method. A statement contains the placeholders `$1`, `$2` and so on, each once and
 * in order. So a short adapter suffices for a client that writes placeholders in another way.
 */
export interface QueryClient {
  /** Runs one statement. */
  query(text: string, values: SqlValue[]): PromiseLike<{ readonly rows: readonly object[] }>;
}

/** A connection or transaction of `postgres`. */
export interface UnsafeClient {
  /** Runs one statement. */
  unsafe(text: string, values: SqlValue[]): PromiseLike<readonly object[]>;
}

/** A client that runs SQL. */
export type SqlClient = QueryClient | UnsafeClient;

/** Runs one statement and returns its rows. */
export type RunSql = (text: string, values?: SqlValue[]) => Promise<readonly SqlRow[]>;

/** Returns a function that runs statements on a client. @throws {TypeError} that names the argument. */
export function sqlOf(field: string, client: SqlClient): RunSql {
  if (hasMethod(client, "unsafe")) return async (text, values = []) => rowsOf(await client.unsafe(text, values));
  if (hasMethod(client, "query")) return async (text, values = []) => rowsOf((await client.query(text, values)).rows);
  throw new TypeError(expected(field, "a client with a method `query` (pg) or `unsafe` (postgres)", client));
}

function hasMethod<Name extends "query" | "unsafe">(
  client: SqlClient,
  name: Name,
): client is Extract<SqlClient, Record<Name, unknown>> {
  const isClient = typeof client === "function" || isObject(client);
  return isClient && typeof Reflect.get(client, name) === "function";
}

/** A driver may return rows with a prototype or of a class. Each becomes a plain object of its columns. */
function rowsOf(rows: readonly object[]): readonly SqlRow[] {
  return Array.from(rows, (row) => ({ ...row }));
}

/** Returns the SQLSTATE of an error or of its nearest cause. A query builder wraps the driver's error. */
export function sqlStateOf(error: unknown): string | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const code: unknown = Reflect.get(one, "code");
    if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) return code;
  }
  return undefined;
}
