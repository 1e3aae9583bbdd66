// Without a server, the runner skips these tests and the run lists them at its end. On CI they fail.
const missing = process.env["LATCHKEY_POSTGRES_MISSING"];
if (missing !== undefined && process.env["CI"]) throw new Error(`These tests need a PostgreSQL server: ${missing}`);
