import "reflect-metadata";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { MicroserviceOptions } from "@nestjs/microservices";
import { Deduplicator, optionsFromEnv } from "latchkey";
import { inspectorHandler, toNodeHandler } from "latchkey/inspect";
import { consume, natsStore } from "latchkey/nats";
import { instrument } from "latchkey/otel";
import { connectToNats } from "./connection.ts";
import { JetStreamTransport } from "./jetstream-transport.ts";
import { LatchkeyModule } from "./latchkey-module.ts";
import { OrdersModule } from "./orders.ts";

const { PORT = "8080", HOST = "127.0.0.1", INSPECTOR_TOKEN } = process.env;

const connection = await connectToNats(process.env);
const js = jetstream(connection);
const manager = await jetstreamManager(connection, { checkAPI: false }); // the check needs another permission
const consumer = await js.consumers.get("EVENTS", "trigger");
const dedup = new Deduplicator({ store: await natsStore(connection, { bucket: "dedup" }), ...optionsFromEnv() });
// Counts nothing unless the process was started with an SDK of OpenTelemetry.
const telemetry = instrument(dedup, {
  async storeUsage() {
    const { config, state } = await manager.streams.info("KV_dedup");
    return { usedBytes: state.bytes, limitBytes: config.max_bytes };
  },
});
const inspector = inspectorHandler({
  dedup,
  readOnly: true, // operators change keys with credentials of their own
  basePath: "/ops/latchkey",
  ...(INSPECTOR_TOKEN !== undefined && { token: INSPECTOR_TOKEN }), // otherwise a random one, which nobody knows
});

const strategy = new JetStreamTransport((dispatch) =>
  consume(consumer, {
    dedup,
    telemetry,
    dispatch,
    deadLetter: { subject: "dead.trigger", jetstream: js },
    onAudit(audit) {
      if (audit.type === "trigger.dead-lettered") console.log(`dead letter: ${audit.reason}`);
      if (audit.type === "trigger.consumer.warning") console.warn(audit.finding.sentence);
    },
  }),
);

@Module({
  imports: [
    LatchkeyModule.register({ connection, dedup, inspector }),
    OrdersModule.register((order, { idempotencyKey }) => {
      console.log(`charged order ${order} under ${idempotencyKey.slice(0, 24)}…`);
    }),
  ],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] });
app.connectMicroservice<MicroserviceOptions>({ strategy });
app.use("/ops/latchkey", toNodeHandler(inspector));
app.enableShutdownHooks(); // SIGTERM drains the transport, and then closes the rest
await app.listen(Number(PORT), HOST);
await app.startAllMicroservices();
console.log(`listening on http://${HOST}:${PORT} and EVENTS/trigger`);

// Rejects if the consumer was deleted or the connection closed. The process then ends, and Kubernetes starts it again.
await strategy.finished;
