import type { Deduplicator, Handler } from "../../../src/index.ts";

/** Runs the workflow unless one with its id is running or has succeeded. */
export async function startUnlessSucceeded<Value>(
  dedup: Deduplicator,
  workflowId: string,
  run: Handler<Value>,
): Promise<Value> {
  const outcome = await dedup.guard({ subscriptionId: "orders", eventId: workflowId }, run);
  switch (outcome.outcome) {
    case "dispatched":
      return outcome.value;
    case "pending":
      throw new Error(`${workflowId} is running on ${outcome.owner}`); // conflict policy: fail
    case "duplicate":
      throw new Error(`${workflowId} has succeeded before`);
  }
}
