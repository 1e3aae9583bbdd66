import type * as Latchkey from "../../src/index.ts";
import type { Service } from "../../src/testing/simulate.ts";

/** What the properties need of the package; a planted bug brings its own. */
export type Package = Pick<typeof Latchkey, "Deduplicator">;

export const LEASE_MS = 1_000;
export const SKEW_MS = 200;

/** A trigger service as a user would write it: guards each delivery, and puts back what it could not dispatch. */
export function latchkeyService(
  { Deduplicator }: Package,
  options: Partial<Latchkey.DeduplicatorOptions> = {},
): Service {
  return ({ store, clock, newId, name, effect }) => {
    const dedup = new Deduplicator({
      store,
      clock,
      newId,
      owner: name,
      leaseMs: LEASE_MS,
      skewMs: SKEW_MS,
      ...options,
    });
    return async ({ event, count }) => {
      try {
        const outcome = await dedup.guard(
          { subscriptionId: "sub", eventId: event },
          ({ fence, signal }) => effect(event, { fence, signal }),
          { attempt: count },
        );
        if (outcome.outcome === "pending") {
          return { answer: "put back", because: "pending", afterMs: outcome.retryAfterMs };
        }
        return outcome.outcome === "duplicate"
          ? { answer: "acknowledged", because: "duplicate" }
          : { answer: "acknowledged", because: "dispatched", commit: outcome.commit };
      } catch (error) {
        const code = error instanceof Error && "code" in error ? { code: String(error.code) } : {};
        return { answer: "put back", because: "failed", afterMs: 100, error: String(error), ...code };
      }
    };
  };
}
