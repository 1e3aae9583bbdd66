import { setTimeout as pause } from "node:timers/promises";
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { Deduplicator } from "latchkey";
import { consume, natsStore } from "latchkey/nats";

// Starts one workflow run per order. Run any number of replicas: they share the consumer and the keys.

const LEASE_MS = 5_000;

const connection = await connect({
  servers: process.env["NATS_URL"] ?? "127.0.0.1:4222",
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
});
// Repeating this changes nothing. An operator can do it instead, and the service then needs fewer permissions.
const manager = await jetstreamManager(connection);
await manager.streams.add({ name: "EVENTS", subjects: ["events.>"] });
await manager.streams.add({ name: "DEAD", subjects: ["dead.>"] });
await manager.consumers.add("EVENTS", {
  durable_name: "trigger",
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(LEASE_MS),
});

const js = jetstream(connection);
const dedup = new Deduplicator({ store: await natsStore(connection, { bucket: "dedup" }), leaseMs: LEASE_MS });
const running = await consume(await js.consumers.get("EVENTS", "trigger"), {
  dedup,
  subscriptionId: "start-run",
  deadLetter: { subject: "dead.trigger", jetstream: js },
  async dispatch(message, { reservation, signal }) {
    const { order } = message.json<{ readonly order: string }>();
    // Replace it by the request that starts the run. Its receiver recognises a repeat by the idempotency key.
    await pause(500, undefined, { signal });
    console.log(`started the run of order ${order} under ${reservation.idempotencyKey.slice(0, 24)}…`);
  },
  onAudit(audit) {
    if (audit.type === "trigger.dispatch.failed") console.error(audit.type, audit.error);
    if (audit.type === "trigger.consumer.warning") console.warn(audit.finding.sentence);
  },
});
console.log("listening on EVENTS/trigger");

// Runs that have begun may end; the other replicas continue with the rest.
process.once("SIGTERM", () => void running.stop({ drainMs: 20_000 }));
try {
  await running.finished;
} finally {
  await dedup.close();
  await connection.close();
}
