import { AckPolicy, jetstreamManager } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";

// Creates the streams and the consumer, once, as an operator does. Running it again changes nothing.

const connection = await connect({ servers: process.env["NATS_URL"] ?? "127.0.0.1:4222" });
const manager = await jetstreamManager(connection);
await manager.streams.add({ name: "WEBHOOKS", subjects: ["webhooks.>"] });
await manager.streams.add({ name: "DEAD", subjects: ["dead.>"] });
await manager.consumers.add("WEBHOOKS", {
  durable_name: "trigger",
  ack_policy: AckPolicy.Explicit,
  // A message whose consumer was killed comes back after this time, which is also the lease of the consumers.
  ack_wait: nanos(5_000),
});
await connection.close();
console.log("created the streams WEBHOOKS and DEAD, and the consumer trigger");
