import { schemaSql } from "../../postgres/schema.ts";
import { asCommandError } from "../terminal/command-error.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import type { CliIo } from "../terminal/io.ts";

/** Topics that `latchkey postgres` can print. */
export const POSTGRES_TOPICS = ["schema"] as const;

export interface PostgresFlags {
  readonly schema?: string;
  readonly role?: string;
}

/** Prints the SQL that creates Latchkey's tables. @throws {CommandError} for a name that PostgreSQL would not take. */
export async function postgresCommand({ schema, role }: PostgresFlags, io: CliIo): Promise<ExitCode> {
  const options = { ...(schema === undefined ? {} : { schema }), ...(role === undefined ? {} : { role }) };
  await io.out.write(asCommandError(() => schemaSql(options)));
  return exitCodes.ok;
}
