import { setTimeout as pause } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";

// Publishes one event three times, as a producer that never saw the answers, and waits until the service has settled every copy.

const [order = "42"] = process.argv.slice(2);
const connection = await connect({ servers: process.env["NATS_URL"] ?? "127.0.0.1:4222" });
const js = jetstream(connection);
const attributes = headers();
attributes.set("ce-specversion", "1.0");
attributes.set("ce-source", "/shop");
attributes.set("ce-id", order);
attributes.set("ce-type", "order.placed");
attributes.set("content-type", "application/json");
for (let copy = 1; copy <= 3; copy += 1) {
  const { seq } = await js.publish("events.order", JSON.stringify({ order }), { headers: attributes });
  console.log(`published order ${order} as message ${seq}`);
}

const manager = await jetstreamManager(connection);
for (;;) {
  const { num_pending, num_ack_pending } = await manager.consumers.info("EVENTS", "trigger");
  if (num_pending + num_ack_pending === 0) break;
  await pause(100);
}
console.log("every message is settled");
await connection.close();
