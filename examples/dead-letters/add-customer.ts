import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";

// Adds a customer: add-customer.ts <customer>

const [customer = "grace"] = process.argv.slice(2);
const connection = await connect({ servers: process.env["NATS_URL"] ?? "127.0.0.1:4222" });
const customers = await new Kvm(connection).open("customers");
await customers.put(customer, "");
await connection.close();
console.log(`added ${customer}`);
