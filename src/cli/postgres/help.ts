import { NEEDED_POSTGRES } from "../../postgres/server-check.ts";

/** Text below the options of `latchkey postgres --help`, at most 80 columns wide. */
export const postgresHelp = `
The SQL creates what does not exist yet and changes nothing else, so it may run
again. The role that runs it owns the tables; --role names the role of the
service, which needs fewer rights. The server must be ${NEEDED_POSTGRES}.

Exit codes:
  0  printed
  2  wrong usage

Examples:
  latchkey postgres schema | psql "$DATABASE_URL"
  latchkey postgres schema --role billing | psql "$DATABASE_URL"`;
