import { findPostgres } from "../../scripts/postgres-server.mjs";
import { startPostgres } from "./postgres-server.ts";

/** Starts the server that the tests of a run share, unless LATCHKEY_POSTGRES_URL names one. The workers inherit the environment. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env["LATCHKEY_POSTGRES_URL"]) return undefined;
  const found = await findPostgres();
  if ("missing" in found) {
    process.env["LATCHKEY_POSTGRES_MISSING"] = found.missing;
    console.log(`Tests that need a PostgreSQL server will not run: ${found.missing}`);
    return undefined;
  }
  const server = await startPostgres();
  process.env["LATCHKEY_POSTGRES_URL"] = server.url;
  console.log(`PostgreSQL ${found.version} (${found.source}): ${server.url}`);
  return async () => {
    delete process.env["LATCHKEY_POSTGRES_URL"];
    await server[Symbol.asyncDispose]();
  };
}
