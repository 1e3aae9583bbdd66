import { AckPolicy, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { nanos } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";

// Creates the streams, the consumer and the list of customers, once, as an operator does.

const connection = await connect({ servers: process.env["NATS_URL"] ?? "127.0.0.1:4222" });
const manager = await jetstreamManager(connection);
await manager.streams.add({ name: "ORDERS", subjects: ["orders.>"] });
// The letters have a stream of their own, which keeps them until they are redriven or dropped.
await manager.streams.add({ name: "DEAD", subjects: ["dead.>"] });
await manager.consumers.add("ORDERS", {
  durable_name: "billing",
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(30_000),
});
await new Kvm(connection).create("customers");
await connection.close();
console.log("created the streams ORDERS and DEAD, and the consumer billing");
