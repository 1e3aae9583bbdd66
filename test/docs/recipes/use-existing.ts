import { type Deduplicator, idempotent } from "../../../src/index.ts";

/** Returns a function that runs a workflow, or waits for the one that runs, and returns the result of that one. */
export function startOrJoin<Value>(
  dedup: Deduplicator,
  run: (workflowId: string) => Promise<Value>,
): (workflowId: string) => Promise<Value> {
  return idempotent(run, { dedup, name: "orders", key: (workflowId) => workflowId, onPending: "wait" });
}
