import { describe, expect, it } from "vitest";
import { exhaust } from "../../../src/testing/search/exhaust.ts";
import type { HandlerUnderTest } from "../../../src/testing/sim/handler.ts";
import { chargedOnce, charging, IdempotentProvider, Provider } from "../examples/charging.ts";
import { getThenPut } from "../examples/get-then-put.ts";
import { pendingIsDuplicate } from "../examples/pending-is-duplicate.ts";
import { withLatchkey } from "../examples/with-latchkey.ts";

/** Runs the effect for every delivery. */
const once: HandlerUnderTest =
  ({ effect }) =>
  async ({ event }) => {
    await effect(event);
  };

describe("exhaust", () => {
  it.each([
    [{ deliveries: 1, replicas: 1, preemptions: 0 }, 1],
    // Time can pass before the effect begins, or before it ends.
    [{ deliveries: 1, replicas: 1, preemptions: 1, ackWaitMs: 1_000_000, events: 1 }, 3],
  ])("tries each schedule of %o exactly once", async (options, schedules) => {
    const forgiving: HandlerUnderTest = (replica) => {
      const handle = once(replica);
      let isBusy = false;
      return async (delivery) => {
        if (isBusy) return { outcome: "pending" };
        isBusy = true;
        await handle(delivery);
        return undefined;
      };
    };
    expect(await exhaust(forgiving, options)).toEqual({ schedules });
  });

  it.each([
    ["a get followed by a put", getThenPut],
    ["a pending key that is acknowledged", pendingIsDuplicate],
  ])("finds %s with two deliveries", async (_, handler) => {
    await expect(exhaust(handler)).rejects.toMatchObject({
      name: "CounterexampleError",
      run: { deliveries: 2 },
    });
  });

  it("finds nothing in a handler that uses Latchkey", async () => {
    expect((await exhaust(withLatchkey)).schedules).toBeGreaterThan(200);
    expect((await exhaust(withLatchkey, { preemptions: 1, crashes: 1 })).schedules).toBeGreaterThan(200);
  });

  it("judges the condition in `holds`", async () => {
    const scope = { preemptions: 0, crashes: 1, holds: chargedOnce };
    await expect(exhaust(charging, { ...scope, world: () => new Provider() })).rejects.toThrow("charged 2 times");
    const { schedules } = await exhaust(charging, { ...scope, world: () => new IdempotentProvider() });
    expect(schedules).toBeGreaterThan(5);
  });

  it("rejects when the scope has too many schedules", async () => {
    await expect(exhaust(withLatchkey, { mostSchedules: 10 })).rejects.toThrow(
      new RangeError("The scope has more than 10 schedules. Make it smaller, or `mostSchedules` larger"),
    );
  });

  it("refuses wrong options", async () => {
    await expect(exhaust(once, { preemptions: -1 })).rejects.toThrow("Expected `preemptions`");
    await expect(exhaust(once, { mostSchedules: 0 })).rejects.toThrow("Expected `mostSchedules`");
  });
});
