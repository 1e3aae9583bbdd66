import type { NatsConnection } from "@nats-io/nats-core";
import { type Lanes, ONE_BY_ONE, type WayChoice } from "../../src/nats/kv/batching-policy.ts";
import type { NatsStore, Sending } from "../../src/nats/kv/bucket-store.ts";
import { openNatsStore } from "../../src/nats/kv/nats-store.ts";
import type { NatsStoreOptions } from "../../src/nats/kv/store-options.ts";
import { type BatchOutcome, sendBatch } from "../../src/nats/wire/batch.ts";

/** One by one, whether that pays or not. */
export const alwaysSingly: Sending = { chooseWays: () => ONE_BY_ONE, sendBatch };

const LANE_IN_BATCHES: WayChoice = { ...ONE_BY_ONE.overOwn, wayFor: () => "in batches" };
const ALWAYS_IN_BATCHES: Lanes = { overNothing: LANE_IN_BATCHES, overOwn: LANE_IN_BATCHES };

/** In batches whenever there is more than one write, whether it pays or not. */
export const alwaysInBatches: Sending = { chooseWays: () => ALWAYS_IN_BATCHES, sendBatch };

/** As `natsStore`, but in batches whenever there is more than one write. */
export function batchingStore(connection: NatsConnection, options: NatsStoreOptions): Promise<NatsStore> {
  return openNatsStore(connection, options, alwaysInBatches);
}

/** What can be wrong with a batch, or with how its answer is read. */
const flaws = {
  "a batch that was refused counts as stored": (outcome, size) =>
    outcome.type === "refused"
      ? { type: "stored", revisions: Array.from({ length: size }, (_, index) => index + 1) }
      : outcome,
  "revisions are counted from the last message on": (outcome) =>
    changed(outcome, (revisions) => revisions.map((revision) => revision + revisions.length - 1)),
  "revisions are given out in the wrong order": (outcome) => changed(outcome, (revisions) => [...revisions].reverse()),
  "a conflict is told to all": (outcome) => (outcome.type === "refused" ? { type: "stored", revisions: [] } : outcome),
  "silence is taken for a refusal": (outcome) =>
    outcome.type === "unknown" ? { type: "refused", certain: true } : outcome,
  "silence is taken for success": (outcome, size) =>
    outcome.type === "unknown"
      ? { type: "stored", revisions: Array.from({ length: size }, (_, index) => index + 1) }
      : outcome,
} satisfies Record<string, (outcome: BatchOutcome, size: number) => BatchOutcome>;

export type BatchFlaw = keyof typeof flaws | "the first message is left out";

/** Batches with one thing wrong. */
export function flawedBatches(flaw: BatchFlaw): Sending {
  return {
    ...alwaysInBatches,
    sendBatch(inbox, terms, writes, onOutcome) {
      if (flaw !== "the first message is left out") {
        sendBatch(inbox, terms, writes, (outcome) => onOutcome(flaws[flaw](outcome, writes.length)));
      } else {
        sendBatch(inbox, terms, writes.slice(1), (outcome) =>
          onOutcome(changed(outcome, (revisions) => [Math.min(...revisions) - 1, ...revisions])),
        );
      }
    },
  };
}

function changed(outcome: BatchOutcome, change: (revisions: readonly number[]) => readonly number[]): BatchOutcome {
  return outcome.type === "stored" ? { type: "stored", revisions: change(outcome.revisions) } : outcome;
}
