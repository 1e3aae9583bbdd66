import pg from "pg";
import { resolveIdentity } from "../../src/model/identity.ts";
import { postgresStore, schemaSql } from "../../src/postgres/index.ts";
import { ask, startPostgres } from "../support/postgres-server.ts";
import { table } from "./table.ts";

// Writes keys that expire soon, and measures the table: npm run bench:expiry -- 1000000

const KEYS = Number(process.argv[2] ?? 1_000_000);
const TTL_MS = 10_000;
const AT_ONCE = 64;
const SAMPLES = 10;

await using server = await startPostgres({ autovacuum_naptime: "10s" });
await ask(server.url, schemaSql());
const pool = new pg.Pool({ connectionString: server.url, max: AT_ONCE });
// A busy machine answers slowly, which is no failure here.
const store = await postgresStore(pool, { timeoutMs: 60_000 });
const rows: string[][] = [];
const startedMs = performance.now();
let written = 0;

async function write(until: number): Promise<void> {
  while (written < until) {
    written += 1;
    const { storeKey, ...ids } = resolveIdentity({ subscriptionId: "bench", eventId: `evt-${written}` });
    const record = { v: 1, state: "committed", owner: "bench", token: "bench", attempt: 1, fence: 1 } as const;
    const { workspaceId, subscriptionId, eventId } = ids;
    const full = { ...record, workspaceId, subscriptionId, eventId, leaseMs: 30_000, atMs: 0 };
    await store.put(storeKey, full, { expected: 0, ttlMs: TTL_MS });
  }
}

for (let sample = 1; sample <= SAMPLES; sample += 1) {
  const until = Math.round((KEYS * sample) / SAMPLES);
  await Promise.all(Array.from({ length: AT_ONCE }, () => write(until)));
  const [sizes] = await ask<Record<string, string>>(
    server.url,
    `select pg_size_pretty(pg_relation_size('latchkey.keys')) as table, pg_size_pretty(pg_indexes_size('latchkey.keys')) as index,
       (select count(*) from latchkey.keys)::text as rows,
       (select count(*) from latchkey.keys where expires_at > now())::text as live`,
  );
  const seconds = (performance.now() - startedMs) / 1_000;
  rows.push([
    String(written),
    seconds.toFixed(0),
    sizes?.["rows"] ?? "",
    sizes?.["live"] ?? "",
    sizes?.["table"] ?? "",
    sizes?.["index"] ?? "",
  ]);
  console.log(rows.at(-1)?.join("  "));
}
await store.close();
await pool.end();
console.log(table(["keys written", "seconds", "rows", "live", "table", "index"], rows));
