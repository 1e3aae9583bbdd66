import { Argument, type Command } from "commander";
import { DEFAULT_SCHEMA } from "../../postgres/schema.ts";
import type { CommandContext } from "../command-context.ts";
import { postgresHelp } from "./help.ts";
import { POSTGRES_TOPICS, type PostgresFlags, postgresCommand } from "./postgres-command.ts";

/** Declares `latchkey postgres`. */
export function declarePostgres(program: Command, { run }: CommandContext): void {
  program
    .command("postgres")
    .summary("print the SQL that creates the tables in PostgreSQL")
    .description(
      "Prints the SQL that creates Latchkey's tables in PostgreSQL: the markers of `effectOnce` and the keys of `postgresStore`.",
    )
    .addArgument(new Argument("<topic>", "what to print").choices(POSTGRES_TOPICS))
    .option("--schema <name>", `schema of the tables (default: ${DEFAULT_SCHEMA})`)
    .option("--role <name>", "also grant this role the rights that a service needs")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", postgresHelp)
    .action((_topic: string, flags: PostgresFlags) => run((io) => postgresCommand(flags, io)));
}
