import { setTimeout as pause } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Deduplicator } from "latchkey";
import { natsStore } from "latchkey/nats";

// Publishes a report every second, once per tick, however many replicas run.

const PERIOD_MS = 1_000;

const connection = await connect({
  servers: process.env["NATS_URL"] ?? "127.0.0.1:4222",
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
});
await (await jetstreamManager(connection)).streams.add({ name: "REPORTS", subjects: ["reports"] });
const js = jetstream(connection);
// The window is longer than the clocks of any two replicas differ.
const dedup = new Deduplicator({
  store: await natsStore(connection, { bucket: "dedup" }),
  windowMs: 3_600_000,
});

/** Runs the job of a tick. All replicas name the tick by its planned time, never by their own clocks. */
async function run(tick: string): Promise<void> {
  await dedup.guard(
    { subscriptionId: "report", eventId: tick },
    // A replica may die between the job and its commit, so pass the idempotency key on.
    ({ idempotencyKey, owner }) => js.publish("reports", JSON.stringify({ tick, owner, idempotencyKey })),
    // A replica that waits takes over if the job fails or its replica dies.
    { onPending: "wait" },
  );
}

const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort());

/** Waits until a tick, and returns false if the replica stops before. */
function reached(tickMs: number): Promise<boolean> {
  return pause(tickMs - Date.now(), true, { signal: stopping.signal }).catch(() => false);
}

console.log("listening on the clock: one tick per second");
for (let tickMs = Math.ceil(Date.now() / PERIOD_MS) * PERIOD_MS; await reached(tickMs); tickMs += PERIOD_MS) {
  const tick = new Date(tickMs).toISOString();
  run(tick).catch((error: unknown) => console.error(`The job of ${tick} failed:`, error));
}
await dedup.close({ drainMs: 10_000 });
await connection.drain();
