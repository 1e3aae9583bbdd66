import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { Deduplicator, PermanentError } from "latchkey";
import { consume, natsStore } from "latchkey/nats";

// Bills orders. An order of an unknown customer becomes a dead letter at once, because no retry can cure it.

const connection = await connect({
  servers: process.env["NATS_URL"] ?? "127.0.0.1:4222",
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
});
const js = jetstream(connection);
const customers = await new Kvm(connection).open("customers");
const dedup = new Deduplicator({ store: await natsStore(connection, { bucket: "dedup" }) });

const running = await consume(await js.consumers.get("ORDERS", "billing"), {
  dedup,
  subscriptionId: "billing",
  deadLetter: { subject: "dead.billing", jetstream: js },
  async dispatch(message) {
    const { order, customer } = message.json<{ readonly order: string; readonly customer: string }>();
    if ((await customers.get(customer)) === null) throw new PermanentError(`There is no customer ${customer}`);
    console.log(`billed ${customer} for order ${order}`);
  },
  onAudit(audit) {
    if (audit.type === "trigger.dead-lettered") console.log(`dead letter: ${audit.reason}`);
    if (audit.type === "trigger.consumer.warning") console.warn(audit.finding.sentence);
  },
});
console.log("listening on ORDERS/billing");

process.once("SIGTERM", () => void running.stop());
try {
  await running.finished;
} finally {
  await dedup.close();
  await connection.close();
}
