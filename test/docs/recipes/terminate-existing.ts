import type { Deduplicator, Outcome } from "../../../src/index.ts";

/** Ends the reservation of a running workflow, and runs it anew. */
export async function restart(
  dedup: Deduplicator,
  workflowId: string,
  run: (signal: AbortSignal) => Promise<void>,
): Promise<Outcome<void>> {
  // Without its workspace, `clear` matches the workflow of every tenant.
  const identity = { workspaceId: "default", subscriptionId: "orders", eventId: workflowId };
  await dedup.clear({ ...identity, state: "reserved" });
  return dedup.guard(identity, ({ signal }) => run(signal));
}
