import type { NatsConnection } from "@nats-io/nats-core";
import { type BucketPolicy, type QueuePolicy, SINGLE_WRITES } from "../../src/nats/kv/batching-policy.ts";
import type { NatsStore, Sending } from "../../src/nats/kv/bucket-store.ts";
import { openNatsStore } from "../../src/nats/kv/nats-store.ts";
import type { NatsStoreOptions } from "../../src/nats/kv/store-options.ts";
import { QUEUE_LIMITS } from "../../src/nats/kv/write-queue.ts";
import { type BatchOutcome, sendBatch } from "../../src/nats/wire/batch.ts";

/** Sends every write as a single message. */
export const alwaysSingly: Sending = { policyFor: () => SINGLE_WRITES, sendBatch, queueLimits: QUEUE_LIMITS };

const ALWAYS_BATCH: QueuePolicy = { ...SINGLE_WRITES.updates, modeFor: () => "batch" };
const BATCHED_WRITES: BucketPolicy = { creates: ALWAYS_BATCH, updates: ALWAYS_BATCH };

/** Sends a batch whenever more than one write is queued, even if single writes are faster. */
export const alwaysInBatches: Sending = { policyFor: () => BATCHED_WRITES, sendBatch, queueLimits: QUEUE_LIMITS };

/** Opens a store like `natsStore` that sends a batch whenever more than one write is queued. */
export function batchingStore(connection: NatsConnection, options: NatsStoreOptions): Promise<NatsStore> {
  return openNatsStore(connection, options, alwaysInBatches);
}

/** Planted bugs in the sending of a batch or the reading of its answer. */
const flaws = {
  "a refused batch counts as stored": (outcome, size) =>
    outcome.type === "refused"
      ? { type: "stored", revisions: Array.from({ length: size }, (_, index) => index + 1) }
      : outcome,
  "revisions are counted from the last message": (outcome) =>
    changed(outcome, (revisions) => revisions.map((revision) => revision + revisions.length - 1)),
  "revisions are assigned in reverse order": (outcome) => changed(outcome, (revisions) => [...revisions].reverse()),
  "a conflict is reported as stored": (outcome) =>
    outcome.type === "refused" ? { type: "stored", revisions: [] } : outcome,
  "a missing answer counts as a refusal": (outcome) =>
    outcome.type === "unknown" ? { type: "refused", certain: true } : outcome,
  "a missing answer counts as success": (outcome, size) =>
    outcome.type === "unknown"
      ? { type: "stored", revisions: Array.from({ length: size }, (_, index) => index + 1) }
      : outcome,
} satisfies Record<string, (outcome: BatchOutcome, size: number) => BatchOutcome>;

export type BatchFlaw = keyof typeof flaws | "the first message is not sent";

/** Sends batches with one planted bug. */
export function flawedBatches(flaw: BatchFlaw): Sending {
  return {
    ...alwaysInBatches,
    sendBatch(requests, terms, writes, onOutcome) {
      if (flaw !== "the first message is not sent") {
        sendBatch(requests, terms, writes, (outcome) => onOutcome(flaws[flaw](outcome, writes.length)));
      } else {
        sendBatch(requests, terms, writes.slice(1), (outcome) =>
          onOutcome(changed(outcome, (revisions) => [Math.min(...revisions) - 1, ...revisions])),
        );
      }
    },
  };
}

function changed(outcome: BatchOutcome, change: (revisions: readonly number[]) => readonly number[]): BatchOutcome {
  return outcome.type === "stored" ? { type: "stored", revisions: change(outcome.revisions) } : outcome;
}
