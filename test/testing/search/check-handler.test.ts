import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/index.ts";
import type { CheckOptions } from "../../../src/testing/index.ts";
import { CounterexampleError, NotRepeatableError } from "../../../src/testing/report/counterexample.ts";
import { checkHandler } from "../../../src/testing/search/check-handler.ts";
import { exhaust } from "../../../src/testing/search/exhaust.ts";
import { replay } from "../../../src/testing/search/replay.ts";
import type { HandlerUnderTest } from "../../../src/testing/sim/handler.ts";
import { UncontrolledError } from "../../../src/testing/sim/uncontrolled-error.ts";
import { runCount } from "../../support/run-count.ts";
import { chargedOnce, charging, IdempotentProvider, Provider } from "../examples/charging.ts";
import { getThenPut } from "../examples/get-then-put.ts";
import { pendingIsDuplicate } from "../examples/pending-is-duplicate.ts";
import { withLatchkey } from "../examples/with-latchkey.ts";

const SEEDS = Array.from({ length: 8 }, (_, index) => index + 1);

/** Returns the counterexample. @throws {Error} If none is found. */
async function found(handler: HandlerUnderTest, options: CheckOptions): Promise<CounterexampleError> {
  const error: unknown = await checkHandler(fc, handler, options).then(
    () => "nothing was found",
    (reason: unknown) => reason,
  );
  if (error instanceof CounterexampleError) return error;
  throw error;
}

describe("checkHandler", () => {
  it.each(SEEDS)(
    "finds two dispatches after a get and a put: 2 deliveries, 2 context switches (seed %i)",
    async (seed) => {
      const { run } = await found(getThenPut, { seed });
      expect(["G1", "G3"]).toContain(run.violations[0]?.guarantee);
      expect([run.deliveries, run.faults, run.contextSwitches]).toEqual([2, [], 2]);
    },
  );

  it.each(SEEDS)("finds an acknowledged pending key: 2 deliveries, 2 context switches (seed %i)", async (seed) => {
    const { run } = await found(pendingIsDuplicate, { seed });
    expect(run.violations[0]?.guarantee).toBe("G2");
    expect([run.deliveries, run.faults, run.contextSwitches]).toEqual([2, [], 2]);
  });

  it.each(SEEDS)("finds a message that is lost with its process: 2 deliveries, 1 crash (seed %i)", async (seed) => {
    // A redelivery counts as a duplicate, although the first delivery may have died.
    const hopeful: HandlerUnderTest =
      ({ kv, effect }) =>
      async ({ event, count }) => {
        const claim = await kv.put(event, "claimed", { expected: 0 });
        if (!claim.ok) return { outcome: count > 1 ? "duplicate" : "pending" };
        await effect(event);
        return { outcome: "dispatched" };
      };
    const { run } = await found(hopeful, {
      seed,
      deliveries: 1,
      crashes: 2,
      redeliveries: 2,
      concurrency: 1,
      replicas: 1,
    });
    expect(run.violations[0]?.guarantee).toBe("G2");
    expect([run.deliveries, run.faults]).toEqual([2, ["crash"]]);
  });

  it("finds an event that is never dispatched because its key is never released", async () => {
    const stuck: HandlerUnderTest =
      ({ kv, effect }) =>
      async ({ event }) => {
        const claim = await kv.put(event, "pending", { expected: 0 });
        if (!claim.ok) return { outcome: (await kv.get(event))?.value === "done" ? "duplicate" : "pending" };
        await effect(event);
        await kv.put(event, "done", { expected: claim.revision });
        return { outcome: "dispatched" };
      };
    const error = await found(stuck, { crashes: 1, seed: 1 });
    expect(error.run.violations[0]?.guarantee).toBe("G4");
    expect(error.message).toMatch(/… and the same again, \d+ times\n/);
  });

  it("finds a reservation that is renewed without end after a failed dispatch", async () => {
    const careless: HandlerUnderTest = (replica) => {
      const dedup = new Deduplicator(replica);
      return async ({ event }) => {
        const decision = await dedup.reserve({ subscriptionId: "s", eventId: event });
        if (decision.decision !== "unseen") return { outcome: decision.decision };
        await replica.effect(event, decision);
        await decision.commit();
        return { outcome: "dispatched" };
      };
    };
    const { run } = await found(careless, { failingEffects: 1, seed: 6 });
    expect(run.violations[0]).toMatchObject({
      guarantee: "G4",
      why: expect.stringMatching(
        /^R1 kept renewing its reservation of E1 after it had answered the delivery in line \d+/,
      ),
    });
  });

  it("finds one of two effects that is left out", async () => {
    const forgetful: HandlerUnderTest =
      ({ kv, effect }) =>
      async ({ event }) => {
        const claim = await kv.put(event, "pending", { expected: 0 });
        if (!claim.ok) return { outcome: (await kv.get(event))?.value === "done" ? "duplicate" : "pending" };
        try {
          await effect(event, { name: "charge" });
        } catch {
          await kv.delete(event, { expected: claim.revision });
          return { outcome: "pending", retryAfterMs: 10 };
        }
        await effect(event, { name: "email" }).catch(() => {});
        await kv.put(event, "done", { expected: claim.revision });
        return { outcome: "dispatched" };
      };
    const { run } = await found(forgetful, { failingEffects: 1, seed: 1 });
    expect(run.violations[0]).toMatchObject({
      guarantee: "G2",
      why: "R1 acknowledged E1, and its email had not succeeded",
    });
  });

  it("finds a world that breaks the condition in `holds`", async () => {
    const options = { world: () => new Provider(), holds: chargedOnce, seed: 7 };
    await expect(checkHandler(fc, charging, options)).rejects.toThrow(
      "The handler breaks the condition in `holds`: charged 2 times",
    );
    const right = { ...options, world: () => new IdempotentProvider(), numRuns: runCount(300) };
    expect(await checkHandler(fc, charging, right)).toMatchObject({ runs: right.numRuns });
  });

  it("finds nothing in a handler that uses Latchkey", async () => {
    const numRuns = runCount(500);
    const { runs, faults } = await checkHandler(fc, withLatchkey, { numRuns, jumpMs: 8_000, ackWaitMs: 10_000 });
    expect(runs).toBe(numRuns);
    expect(faults).toBeGreaterThan(numRuns / 5);
  });
});

describe("a counterexample", () => {
  it("shows the run, its violation, and how to repeat it", async () => {
    const { message, run } = await found(getThenPut, { seed: 1 });
    expect(message.split("\n")[0]).toBe(
      "The handler breaks G3 (no second dispatch): R1 began the effect of E1 after it had been acknowledged in line 12",
    );
    expect(message).toContain(run.lanes);
    expect(message).toContain(`await replay("${run.schedule}", handler, options)`);
    expect(message).toMatch(/2 deliveries, no fault and 2 context switches/);
  });

  it("names a schedule that gives the same run again", async () => {
    const { run } = await found(pendingIsDuplicate, { seed: 3 });
    const again: unknown = await replay(run.schedule, pendingIsDuplicate).catch((error: unknown) => error);
    expect(again).toBeInstanceOf(CounterexampleError);
    expect(again).toMatchObject({ run: { history: run.history, violations: run.violations, schedule: run.schedule } });
  });
});

describe("a handler that the simulation does not control", () => {
  const remedy = /Replace:\n {2}- `setTimeout` and `Date` by the replica's `clock`/;

  it("is reported when a timer wakes it", async () => {
    const impatient: HandlerUnderTest =
      ({ effect }) =>
      async ({ event }) => {
        await pause(1);
        await effect(event);
      };
    const error: unknown = await checkHandler(fc, impatient).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UncontrolledError);
    expect(String(error)).toMatch(/The handler on R\d (was woken by|has not answered)/);
    expect(String(error)).toMatch(remedy);
  });

  it("is reported with its next action when an immediate wakes it", async () => {
    const immediate: HandlerUnderTest =
      ({ effect }) =>
      async ({ event }) => {
        await new Promise((resolve) => setImmediate(resolve));
        await effect(event);
      };
    await expect(checkHandler(fc, immediate)).rejects.toThrow(
      "woken by something that the simulation does not control, and then ran `effect of E1 begins`",
    );
  });

  it("is reported when it awaits a socket", async () => {
    const server = createServer((_, response) => response.end("ok"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const address = server.address();
      const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
      const fetching: HandlerUnderTest = () => async () => {
        await (await fetch(url, { headers: { connection: "close" } })).text();
      };
      await expect(checkHandler(fc, fetching)).rejects.toThrow(UncontrolledError);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("is reported when nothing ever wakes it", async () => {
    const waiting: HandlerUnderTest = () => () => new Promise(() => {});
    await expect(checkHandler(fc, waiting)).rejects.toThrow(
      /The handler on R\d has not answered its delivery of E1, and nothing else can happen/,
    );
  });

  it("is reported when it tries again at once and without end", async () => {
    const stubborn: HandlerUnderTest = (replica) => {
      const dedup = new Deduplicator(replica);
      return async ({ event }) => {
        let outcome: string;
        do ({ outcome } = await dedup.guard({ subscriptionId: "s", eventId: event }, () => replica.effect(event)));
        while (outcome !== "dispatched");
      };
    };
    // Which of the two depends on the schedule: an attempt may ask the store, which takes time.
    await expect(checkHandler(fc, stubborn)).rejects.toThrow(
      /repeats its work without end, and waits for nothing that takes time\. Return `pending`, or wait with `clock`|It tries again without end/,
    );
  });

  it("is not reported for a long chain of promises", async () => {
    const roundabout: HandlerUnderTest =
      ({ effect }) =>
      async ({ event }) => {
        for (let hop = 0; hop < 200; hop += 1) await new Promise<void>((resolve) => process.nextTick(resolve));
        await effect(event);
      };
    expect(await exhaust(roundabout, { deliveries: 1, preemptions: 0 })).toEqual({ schedules: 1 });
  });

  it("is reported when it behaves differently in a repeated run", async () => {
    let runs = 0;
    const random: HandlerUnderTest = ({ effect }) => {
      runs += 1;
      const name = `effect ${runs}`;
      return async ({ event }) => effect(event, { name });
    };
    const error: unknown = await checkHandler(fc, random).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NotRepeatableError);
    expect(String(error)).toMatch(/the second time, from line \d+ on:[\s\S]*by the replica's `newId`/);
  });
});

describe("checkHandler with wrong arguments", () => {
  const handler: HandlerUnderTest = () => async () => {};

  it.each([
    [{ replicas: 0 }, "Expected `replicas` to be a whole number of at least 1, got `0` (number)"],
    [{ crashes: -1 }, "Expected `crashes` to be a whole number of at least 0"],
    [{ jumpMs: 1 }, "Expected `jumpMs`"],
    [{ numRuns: 0 }, "Expected `numRuns`"],
  ])("refuses the wrong options %o", async (options, message) => {
    await expect(checkHandler(fc, handler, options)).rejects.toThrow(message);
  });

  it("refuses a value that is not a reply", async () => {
    // @ts-expect-error A reply has an outcome.
    const wrong: HandlerUnderTest = () => async () => ({ ok: true });
    await expect(checkHandler(fc, wrong)).rejects.toThrow(
      "Expected `the handler's reply` to be undefined or an object with an `outcome`, got `…` (object)",
    );
  });

  it("refuses a first argument that is not fast-check", async () => {
    // @ts-expect-error fast-check is required.
    await expect(checkHandler({}, handler)).rejects.toThrow("Expected `fc.nat` to be a function");
  });
});
