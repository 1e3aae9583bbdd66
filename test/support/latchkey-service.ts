import type * as Latchkey from "../../src/index.ts";
import type { HandlerUnderTest } from "../../src/testing/sim/handler.ts";

/** What the properties need of the package; a planted bug brings its own. */
export type Package = Pick<typeof Latchkey, "Deduplicator">;

export const LEASE_MS = 1_000;
export const SKEW_MS = 200;

/** A trigger service as a user would write it: guards each delivery, and answers it with the outcome. */
export function latchkeyService(
  { Deduplicator }: Package,
  options: Partial<Latchkey.DeduplicatorOptions> = {},
): HandlerUnderTest {
  return (replica) => {
    const dedup = new Deduplicator({ ...replica, leaseMs: LEASE_MS, skewMs: SKEW_MS, ...options });
    return ({ event, count }) =>
      dedup.guard({ subscriptionId: "sub", eventId: event }, (reservation) => replica.effect(event, reservation), {
        attempt: count,
      });
  };
}
