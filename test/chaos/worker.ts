import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { hasCode } from "../../src/errors.ts";
import type { Audit } from "../../src/nats/index.ts";
import { alwaysInBatches } from "../support/nats-sending.ts";
import { deliveryNumber } from "./delivery-number.ts";
import { perform, planEffect } from "./effect.ts";
import { HistoryFile } from "./history-file.ts";
import { type ConsumerPlan, isWorkerConfig } from "./worker-config.ts";

// A replica of a trigger service as a process of its own: what the nemesis kills, stops and cuts off.

const config: unknown = JSON.parse(process.argv[2] ?? "");
if (!isWorkerConfig(config)) throw new Error("Not a worker's configuration");
const { name, urls, stream, bucket, endpoint, effects, seed, leaseMs, skewMs } = config;
const core: typeof import("../../src/index.ts") = await import(join(config.root, "src/index.ts"));
const nats: typeof import("../../src/nats/index.ts") = await import(join(config.root, "src/nats/index.ts"));
const stores: typeof import("../../src/nats/kv/nats-store.ts") = await import(
  join(config.root, "src/nats/kv/nats-store.ts")
);
const ways: typeof import("../../src/nats/kv/bucket-store.ts") = await import(
  join(config.root, "src/nats/kv/bucket-store.ts")
);

const ending = new AbortController();
process.once("SIGTERM", () => ending.abort());
const file = new HistoryFile(config.file);
const recorder = file.recorder(name);
const connection = await untilItWorks(() =>
  connect({
    servers: [...urls],
    name,
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    reconnectJitter: 100,
    pingInterval: 2_000,
  }),
);
const sending = config.inBatches ? alwaysInBatches : ways.adaptiveSending;
const store = recorder.store(
  await untilItWorks(() => stores.openNatsStore(connection, { bucket, timeoutMs: 2_000 }, sending)),
);
const letters = { subject: config.deadSubject, jetstream: jetstream(connection) };
let begun = 0;

async function run({ durable, windowMs, concurrency }: ConsumerPlan) {
  const dedup = new core.Deduplicator({ store, owner: name, leaseMs, skewMs, windowMs });
  const consumer = await untilItWorks(() => jetstream(connection).consumers.get(stream, durable));
  /** With which error each delivery failed here last. */
  const failures = new Map<number, unknown>();
  const running = await untilItWorks(() =>
    nats.consume(consumer, {
      dedup,
      concurrency,
      // What fails here fails by chance: sooner or later it succeeds.
      maxDeliver: Number.MAX_SAFE_INTEGER,
      backoffMs: { firstMs: 100, longestMs: 2_000 },
      deadLetter: letters,
      signal: ending.signal,
      identify(message, subscriptionId) {
        const event = message.headers?.get("ce-id") ?? "";
        recorder.note({ type: "delivered", event, delivery: deliveryNumber(message.seq, message.info.deliveryCount) });
        return { subscriptionId, eventId: event };
      },
      dispatch(message, { identity, reservation, signal }) {
        const { attempt, fence } = reservation;
        const event = identity.eventId;
        begun += 1;
        const delivery = deliveryNumber(message.seq, message.info.deliveryCount);
        const terms = { event, effect: begun, fence, attempt, delivery, signal };
        return perform(planEffect(effects, seed, event, attempt, leaseMs), terms, {
          process: name,
          endpoint,
          recorder,
        });
      },
      onAudit: (audit) => note(audit, failures),
    }),
  );
  return { dedup, running };
}

function note(audit: Audit, failures: Map<number, unknown>): void {
  if (!("sequence" in audit) || audit.identity === undefined) return;
  const { sequence, deliveries, identity } = audit;
  const answered = {
    type: "answered",
    event: identity.eventId,
    delivery: deliveryNumber(sequence, deliveries),
  } as const;
  switch (audit.type) {
    case "trigger.dispatched":
      recorder.note({ ...answered, answer: "acknowledged", because: "dispatched", commit: audit.commit });
      break;
    case "trigger.deduped":
      recorder.note({ ...answered, answer: "acknowledged", because: "duplicate" });
      break;
    // Nothing in this harness deserves it: what is not dispatched is lost, and judged so.
    case "trigger.dead-lettered":
      recorder.note({ ...answered, answer: "acknowledged", because: "returned" });
      break;
    case "trigger.dispatch.failed":
    case "trigger.refused":
      failures.set(answered.delivery, audit.error);
      break;
    case "trigger.nakked": {
      const error = failures.get(answered.delivery);
      failures.delete(answered.delivery);
      const because = audit.delay === "pending" ? "pending" : "failed";
      const code = hasCode(error, "store-unavailable") ? { code: error.code } : {};
      recorder.note({ ...answered, answer: "put back", because, afterMs: audit.delayMs, ...code });
      break;
    }
    case "trigger.dead-letter.failed":
    case "trigger.ack.unconfirmed":
      break;
  }
}

/** The cluster may be out of service just now. A process that is told to end before it has begun does so at once. */
async function untilItWorks<Value>(attempt: () => Promise<Value>): Promise<Value> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      console.error(error);
      if (ending.signal.aborted) process.exit();
      await pause(200);
    }
  }
}

const all = await Promise.all(config.consumers.map(run));
process.send?.("consuming");
await Promise.all(all.map(({ running }) => running.finished));
await Promise.all(all.map(({ dedup }) => dedup.close({ drainMs: 1_000 })));
await connection.close();
file.close();
