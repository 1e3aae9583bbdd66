import { AckPolicy, jetstreamManager } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { natsStore } from "latchkey/nats";
import { connectToNats } from "./connection.ts";

// Creates the streams, the consumer and the bucket, once, as an operator does. Repeating it changes nothing.

const connection = await connectToNats(process.env);
const manager = await jetstreamManager(connection);
await manager.streams.add({ name: "EVENTS", subjects: ["events.>"] });
await manager.streams.add({ name: "DEAD", subjects: ["dead.>"] });
await manager.consumers.add("EVENTS", {
  durable_name: "trigger",
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(30_000), // at least the lease
});
await natsStore(connection, { bucket: "dedup" });
await connection.close();
console.log("created the streams EVENTS and DEAD, the consumer trigger and the bucket dedup");
