import { StoreForbiddenError, StoreMisconfiguredError } from "../errors.ts";
import { errorMessage } from "../internal/error-message.ts";
import { sqlStateOf } from "./sql.ts";

/** SQLSTATEs of a server that lacks a part of Latchkey's schema: schema, table, function, column, unique constraint. */
const MISSING = ["3F000", "42P01", "42883", "42703", "42P10"];
const FORBIDDEN = "42501";

/** Explains an error that says that the tables are missing, old, or may not be used. Returns any other error as it is. */
export function explained(table: string, cause: unknown): unknown {
  const state = sqlStateOf(cause);
  if (state !== FORBIDDEN && !MISSING.includes(state ?? "")) return cause;
  const found = errorMessage(cause);
  const advice =
    state === FORBIDDEN
      ? `${found}: grant the role its rights with \`latchkey postgres schema --role <name> | psql\``
      : `${found}: create the tables with \`latchkey postgres schema | psql\``;
  const message = `The table ${table} cannot be used: ${advice}`;
  return state === FORBIDDEN
    ? new StoreForbiddenError(message, { cause })
    : new StoreMisconfiguredError(message, [advice], { cause });
}
