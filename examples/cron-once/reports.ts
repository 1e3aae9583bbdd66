import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

// Waits for the reports of the next three ticks, and counts them.

const TICKS = 3;
const PERIOD_MS = 1_000;

const connection = await connect({ servers: process.env["NATS_URL"] ?? "127.0.0.1:4222" });
const reports = await (await jetstream(connection).consumers.get("REPORTS")).consume();
const firstMs = Math.ceil(Date.now() / PERIOD_MS) * PERIOD_MS;
const counts = new Map(Array.from({ length: TICKS }, (_, index) => [firstMs + index * PERIOD_MS, 0]));
let next = false;

for await (const report of reports) {
  const tickMs = Date.parse(report.json<{ readonly tick: string }>().tick);
  const count = counts.get(tickMs);
  if (count !== undefined) counts.set(tickMs, count + 1);
  // The tick after them shows that they are over.
  next ||= tickMs === firstMs + TICKS * PERIOD_MS;
  if (next && ![...counts.values()].includes(0)) break;
}
console.log(`${TICKS} ticks, ${[...counts.values()].reduce((sum, count) => sum + count)} reports`);
await connection.close();
