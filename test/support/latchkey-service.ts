import type * as Latchkey from "../../src/index.ts";
import type { HandlerUnderTest } from "../../src/testing/sim/handler.ts";

/** The exports that the properties use. A planted bug supplies its own copy. */
export type Package = Pick<typeof Latchkey, "Deduplicator">;

export const LEASE_MS = 1_000;
export const SKEW_MS = 200;

/** Returns a trigger service as a user would write it: it guards each delivery and returns the outcome. */
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
