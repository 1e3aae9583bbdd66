import { jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";

// Publishes an order as a CloudEvent: order.ts <order> <customer>

const [order = "42", customer = "grace"] = process.argv.slice(2);
const connection = await connect({ servers: process.env["NATS_URL"] ?? "127.0.0.1:4222" });
const attributes = headers();
attributes.set("ce-specversion", "1.0");
attributes.set("ce-source", "/shop");
attributes.set("ce-id", order);
attributes.set("ce-type", "order.placed");
attributes.set("content-type", "application/json");
await jetstream(connection).publish("orders.placed", JSON.stringify({ order, customer }), { headers: attributes });
await connection.close();
console.log(`published order ${order} of ${customer}`);
