import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

// Waits for the reports of three ticks, and counts them.

const TICKS = 3;
const PERIOD_MS = 1_000;

const connection = await connect({ servers: process.env["NATS_URL"] ?? "127.0.0.1:4222" });
const reports = await (await jetstream(connection).consumers.get("REPORTS")).consume();
const counts = new Map<number, number>();

for await (const report of reports) {
  const { tick } = report.json<{ readonly tick: string }>();
  const tickMs = Date.parse(tick);
  counts.set(tickMs, (counts.get(tickMs) ?? 0) + 1);
  const firstMs = Math.min(...counts.keys());
  const ticks = Array.from({ length: TICKS }, (_, index) => firstMs + index * PERIOD_MS);
  // The tick after them shows that each of them is over.
  if ([...ticks, firstMs + TICKS * PERIOD_MS].every((ms) => counts.has(ms))) {
    const total = ticks.reduce((sum, ms) => sum + (counts.get(ms) ?? 0), 0);
    console.log(`${TICKS} ticks in a row, ${total} reports`);
    break;
  }
}
await connection.close();
