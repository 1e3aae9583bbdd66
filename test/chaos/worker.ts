import { join } from "node:path";
import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { hasCode } from "../../src/errors.ts";
import type { Audit } from "../../src/nats/index.ts";
import { alwaysInBatches } from "../support/nats-sending.ts";
import { deliveryNumber } from "./delivery-number.ts";
import { perform, planEffect } from "./effect.ts";
import { HistoryFile } from "./history-file.ts";
import { runConsumers, untilStarted } from "./run-consumers.ts";
import { type ConsumerPlan, parseWorkerConfig } from "./worker-config.ts";

// A replica of a trigger service in a process of its own, which the nemesis kills, pauses and disconnects.

const config = parseWorkerConfig(process.argv[2] ?? "");
const { name, urls, stream, bucket, endpoint, effects, seed, leaseMs, skewMs } = config;
const core: typeof import("../../src/index.ts") = await import(join(config.root, "src/index.ts"));
const nats: typeof import("../../src/nats/index.ts") = await import(join(config.root, "src/nats/index.ts"));
const stores: typeof import("../../src/nats/kv/nats-store.ts") = await import(
  join(config.root, "src/nats/kv/nats-store.ts")
);
const bucketStores: typeof import("../../src/nats/kv/bucket-store.ts") = await import(
  join(config.root, "src/nats/kv/bucket-store.ts")
);

const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort());
const file = new HistoryFile(config.file);
const recorder = file.recorder(name);
let effectCount = 0;
await work();
file.close();

async function work(): Promise<void> {
  const connection = await started(() =>
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
  if (connection === undefined) return;
  const sending = config.inBatches ? alwaysInBatches : bucketStores.adaptiveSending;
  const store = await started(() => stores.openNatsStore(connection, { bucket, timeoutMs: 2_000 }, sending));
  if (store !== undefined) await consumeAll(jetstream(connection), recorder.store(store));
  await connection.close();
}

/** The cluster may be out of service, so a failed step is repeated until the worker is stopped. */
function started<Value>(attempt: () => Promise<Value>): Promise<Value | undefined> {
  return untilStarted(attempt, stopping.signal, console.error);
}

async function consumeAll(client: JetStreamClient, store: ReturnType<typeof recorder.store>): Promise<void> {
  const consumers = config.consumers.map((plan) => {
    const dedup = new core.Deduplicator({ store, owner: name, leaseMs, skewMs, windowMs: plan.windowMs });
    return { dedup, start: consumerOf(client, plan, dedup) };
  });
  await runConsumers(
    consumers.map(({ start }) => start),
    { stop: stopping.signal, onStartFailed: console.error, onAllStarted: () => process.send?.("consuming") },
  );
  await Promise.all(consumers.map(({ dedup }) => dedup.close({ drainMs: 1_000 })));
}

function consumerOf(
  client: JetStreamClient,
  { durable, concurrency }: ConsumerPlan,
  dedup: InstanceType<typeof core.Deduplicator>,
) {
  /** The last error of each delivery that failed here. */
  const failures = new Map<number, unknown>();
  return async () => {
    const consumer = await client.consumers.get(stream, durable);
    return nats.consume(consumer, {
      dedup,
      concurrency,
      // Failures here are random, so each event succeeds after enough attempts.
      maxDeliver: Number.MAX_SAFE_INTEGER,
      backoffMs: { firstMs: 100, longestMs: 2_000 },
      deadLetter: { subject: config.deadSubject, jetstream: client },
      signal: stopping.signal,
      identify(message, subscriptionId) {
        const event = message.headers?.get("ce-id") ?? "";
        recorder.note({ type: "delivered", event, delivery: deliveryNumber(message.seq, message.info.deliveryCount) });
        return { subscriptionId, eventId: event };
      },
      dispatch(message, { identity, reservation, signal }) {
        const { attempt, fence } = reservation;
        const event = identity.eventId;
        const delivery = deliveryNumber(message.seq, message.info.deliveryCount);
        const context = { event, effect: ++effectCount, fence, attempt, delivery, signal };
        return perform(planEffect(effects, seed, event, attempt, leaseMs), context, {
          process: name,
          endpoint,
          recorder,
        });
      },
      onAudit: (audit) => note(audit, failures),
    });
  };
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
    // No message of a campaign should be dead-lettered, so the judge counts its event as lost.
    case "trigger.dead-lettered":
    case "trigger.dead-letter.lost":
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
      recorder.note({ ...answered, answer: "nak", because, afterMs: audit.delayMs, ...code });
      break;
    }
    case "trigger.dead-letter.failed":
    case "trigger.termination.lost":
    case "trigger.ack.unconfirmed":
    // The workers of a campaign schedule no retries.
    case "trigger.retry.scheduled":
    case "trigger.schedule.failed":
      break;
  }
}
