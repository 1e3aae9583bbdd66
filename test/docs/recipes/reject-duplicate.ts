import { Deduplicator, type DeduplicatorOptions, type Outcome, PermanentError } from "../../../src/index.ts";

/** Returns a function that runs each workflow once in a week, whether it succeeds or fails. */
export function startingOnce(
  options: DeduplicatorOptions,
): (workflowId: string, run: () => Promise<void>) => Promise<Outcome<void>> {
  const dedup = new Deduplicator({ ...options, onPermanentError: "remember", windowMs: 7 * 24 * 3_600_000 });
  return (workflowId, run) =>
    dedup.guard({ subscriptionId: "orders", eventId: workflowId }, () =>
      run().catch((cause: unknown) => {
        throw new PermanentError(`${workflowId} failed`, { cause });
      }),
    );
}
