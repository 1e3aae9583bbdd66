import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Deduplicator, optionsFromEnv } from "latchkey";
import { consume, natsStore } from "latchkey/nats";

// Dispatches each event of the stream once, to the endpoint. Run any number of them.

const endpoint = process.env["ENDPOINT"] ?? "http://127.0.0.1:8081/runs";
const connection = await connect({
  servers: process.env["NATS_URL"] ?? "127.0.0.1:4222",
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
});
const js = jetstream(connection);
const dedup = new Deduplicator({
  store: await natsStore(connection, { bucket: "dedup" }),
  leaseMs: 5_000,
  ...optionsFromEnv(),
});

const running = await consume(await js.consumers.get("WEBHOOKS", "trigger"), {
  dedup,
  subscriptionId: "github",
  deadLetter: { subject: "dead.webhooks", jetstream: js },
  async dispatch(message, { reservation, signal }) {
    const response = await fetch(endpoint, {
      method: "POST",
      // `fetch` types its body as bytes of an ArrayBuffer; a message may share its memory with others.
      body: new Uint8Array(message.data),
      signal,
      headers: {
        "content-type": "application/json",
        "idempotency-key": reservation.idempotencyKey,
        "latchkey-fence": String(reservation.fence),
      },
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`The endpoint answered ${response.status}`);
  },
  onAudit(audit) {
    if (audit.type === "trigger.consumer.warning") console.warn(audit.finding.sentence);
    else console.log(audit.type);
  },
});
console.log(`listening on WEBHOOKS/trigger, for ${endpoint}`);

process.once("SIGTERM", () => void running.stop());
try {
  await running.finished;
} finally {
  await dedup.close();
  await connection.close();
}
