import type { NatsConnection } from "@nats-io/nats-core";
import { type BucketPolicy, type QueuePolicy, SINGLE_WRITES } from "../../src/nats/kv/batching-policy.ts";
import type { NatsStore, Sending } from "../../src/nats/kv/bucket-store.ts";
import { openNatsStore } from "../../src/nats/kv/nats-store.ts";
import type { NatsStoreOptions } from "../../src/nats/kv/store-options.ts";
import { QUEUE_LIMITS } from "../../src/nats/kv/write-queue.ts";
import { type AtomicBatchResult, sendBatch } from "../../src/nats/wire/batch.ts";

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
  "a refused batch counts as stored": (result, size) =>
    result.type === "refused"
      ? { type: "stored", revisions: Array.from({ length: size }, (_, index) => index + 1) }
      : result,
  "revisions are counted from the last message": (result) =>
    changed(result, (revisions) => revisions.map((revision) => revision + revisions.length - 1)),
  "revisions are assigned in reverse order": (result) => changed(result, (revisions) => [...revisions].reverse()),
  "a conflict is reported as stored": (result) =>
    result.type === "refused" ? { type: "stored", revisions: [] } : result,
  "a missing answer counts as a refusal": (result) =>
    result.type === "unknown" ? { type: "refused", certain: true } : result,
  "a missing answer counts as success": (result, size) =>
    result.type === "unknown"
      ? { type: "stored", revisions: Array.from({ length: size }, (_, index) => index + 1) }
      : result,
} satisfies Record<string, (result: AtomicBatchResult, size: number) => AtomicBatchResult>;

export type BatchFlaw = keyof typeof flaws | "the first message is not sent";

/** Sends batches with one planted bug. */
export function flawedBatches(flaw: BatchFlaw): Sending {
  return {
    ...alwaysInBatches,
    sendBatch(requests, terms, writes, onResult) {
      if (flaw !== "the first message is not sent") {
        sendBatch(requests, terms, writes, (result) => onResult(flaws[flaw](result, writes.length)));
      } else {
        sendBatch(requests, terms, writes.slice(1), (result) =>
          onResult(changed(result, (revisions) => [Math.min(...revisions) - 1, ...revisions])),
        );
      }
    },
  };
}

function changed(
  result: AtomicBatchResult,
  change: (revisions: readonly number[]) => readonly number[],
): AtomicBatchResult {
  return result.type === "stored" ? { type: "stored", revisions: change(result.revisions) } : result;
}
