import "reflect-metadata";
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { NestFactory } from "@nestjs/core";
import type { MicroserviceOptions } from "@nestjs/microservices";
import { Deduplicator } from "latchkey";
import { consume, natsStore } from "latchkey/nats";
import { JetStreamTransport } from "./jetstream-transport.ts";
import { ErrorsForTransport, OrdersModule } from "./orders.ts";

const LEASE_MS = 5_000;

const connection = await connect({
  servers: process.env["NATS_URL"] ?? "127.0.0.1:4222",
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
});
// Repeating this changes nothing. An operator can do it instead.
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
const consumer = await js.consumers.get("EVENTS", "trigger");
const strategy = new JetStreamTransport((dispatch) =>
  consume(consumer, {
    dedup,
    dispatch,
    deadLetter: { subject: "dead.trigger", jetstream: js },
    onAudit(audit) {
      if (audit.type === "trigger.dead-lettered") console.log(`dead letter: ${audit.reason}`);
      if (audit.type === "trigger.consumer.warning") console.warn(audit.finding.sentence);
    },
  }),
);

const app = await NestFactory.createMicroservice<MicroserviceOptions>(OrdersModule, {
  strategy,
  logger: ["error", "warn"],
});
app.useGlobalFilters(new ErrorsForTransport());
await app.listen();
console.log("listening on EVENTS/trigger");

process.once("SIGTERM", () => void strategy.close());
try {
  await strategy.finished;
} finally {
  await app.close();
  await dedup.close();
  await connection.close();
}
