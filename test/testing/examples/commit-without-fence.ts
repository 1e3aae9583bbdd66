import type { HandlerUnderTest } from "../../../src/testing/index.ts";

const LEASE_MS = 10_000;

export const commitWithoutFence: HandlerUnderTest =
  ({ kv, clock, effect }) =>
  async ({ event }) => {
    const lease = new AbortController();
    const cancel = clock.schedule(LEASE_MS, () => lease.abort());
    const claim = await kv.put(event, "pending", { expected: 0, ttlMs: LEASE_MS });
    if (!claim.ok) return { outcome: (await kv.get(event))?.value === "done" ? "duplicate" : "pending" };
    await effect(event, { signal: lease.signal }); // the signal fires when the lease ends
    cancel();
    await kv.put(event, "done"); // even if another delivery holds the key now
    return { outcome: "dispatched" };
  };
