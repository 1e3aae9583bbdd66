import type { Deduplicator } from "../../../src/index.ts";

/** Adds the job unless one with its id was added within the last `ttlMs`. */
export async function addThrottled(
  dedup: Deduplicator,
  id: string,
  ttlMs: number,
  add: () => Promise<void>,
): Promise<"added" | "ignored"> {
  const outcome = await dedup.guard({ subscriptionId: "paint", eventId: id }, add, { windowMs: ttlMs });
  return outcome.outcome === "dispatched" ? "added" : "ignored";
}
