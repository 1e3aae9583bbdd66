import type { Deduplicator } from "../../../src/index.ts";

/** Runs the job unless one with its id is running. */
export async function runUnlessRunning(
  dedup: Deduplicator,
  id: string,
  job: (signal: AbortSignal) => Promise<void>,
): Promise<"ran" | "ignored"> {
  const decision = await dedup.reserve({ subscriptionId: "paint", eventId: id });
  if (decision.decision !== "unseen") return "ignored";
  try {
    await job(decision.signal);
  } finally {
    await decision.release(); // free again, after a success too
  }
  return "ran";
}
