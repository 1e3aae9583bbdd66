import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HistoryLine } from "../../../src/history/history.ts";
import { Deduplicator } from "../../../src/index.ts";
import type { HandlerUnderTest, Kv } from "../../../src/testing/index.ts";
import { checkHandler } from "../../../src/testing/search/check-handler.ts";
import { replay } from "../../../src/testing/search/replay.ts";
import type { FaultName } from "../../../src/testing/sim/faults.ts";
import { formatSchedule, parseSchedule } from "../../../src/testing/sim/schedule.ts";
import { type Scope, scenarioOf } from "../../../src/testing/sim/scope.ts";
import { simulate } from "../../../src/testing/sim/simulate.ts";

/** Runs `work` as the handler of a single delivery. */
async function inSimulation(work: (replica: Parameters<HandlerUnderTest>[0]) => Promise<void>): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const handler: HandlerUnderTest = (replica) => async () => {
    await work(replica).catch((error: unknown) => (failure = { error }));
  };
  await simulate(scenarioOf(handler, { replicas: 1, deliveries: 1 }, "none"), []);
  if (failure !== undefined) throw failure.error;
}

/** Runs all schedules with one deviation from the default run. Returns the first history that contains the fault. */
async function withFault(fault: keyof Scope, handler: HandlerUnderTest): Promise<readonly HistoryLine[]> {
  const scenario = scenarioOf(handler, { deliveries: 1, [fault]: 1 }, "none");
  let first: readonly HistoryLine[] = [];
  for (let calm = 0; calm < 12; calm += 1) {
    for (let choice = 1; choice < 9; choice += 1) {
      const { history } = await simulate(scenario, [...Array.from({ length: calm }, () => 0), choice]);
      if (first.length === 0 && history.some(({ type }) => type === "fault")) first = history;
    }
  }
  return first;
}

const touches: HandlerUnderTest =
  ({ kv, effect }) =>
  async ({ event }) => {
    await kv.put(event, 1);
    await kv.get(event);
    await effect(event);
  };

describe("the kv of a simulation", () => {
  const rows: ReadonlyArray<readonly [what: string, work: (kv: Kv) => Promise<void>]> = [
    [
      "returns what was put, and undefined for an empty key",
      async (kv) => {
        expect(await kv.get("a")).toBeUndefined();
        expect(await kv.put("a", { deep: [1, null] })).toEqual({ ok: true, revision: 1 });
        expect(await kv.get("a")).toEqual({ value: { deep: [1, null] }, revision: 1 });
        expect(await kv.put("a", undefined)).toEqual({ ok: true, revision: 2 });
        expect(await kv.get("a")).toEqual({ value: null, revision: 2 });
      },
    ],
    [
      "puts only over the expected revision",
      async (kv) => {
        expect(await kv.put("a", 1, { expected: 1 })).toEqual({ ok: false });
        expect(await kv.put("a", 1, { expected: 0 })).toEqual({ ok: true, revision: 1 });
        expect(await kv.put("a", 2, { expected: 0 })).toEqual({ ok: false });
        expect(await kv.put("a", 3, { expected: 1 })).toEqual({ ok: true, revision: 2 });
        expect(await kv.put("b", 4, { expected: 0 })).toEqual({ ok: true, revision: 3 });
      },
    ],
    [
      "deletes only the expected revision",
      async (kv) => {
        expect(await kv.delete("a")).toEqual({ ok: false });
        await kv.put("a", 1);
        expect(await kv.delete("a", { expected: 9 })).toEqual({ ok: false });
        expect(await kv.delete("a", { expected: 1 })).toEqual({ ok: true });
        await kv.put("a", 1);
        expect(await kv.delete("a")).toEqual({ ok: true });
        expect(await kv.get("a")).toBeUndefined();
      },
    ],
    [
      "refuses wrong arguments",
      async (kv) => {
        await expect(kv.get("")).rejects.toThrow("Expected `key`");
        await expect(kv.put("a", 1, { ttlMs: 0 })).rejects.toThrow("Expected `ttlMs`");
        await expect(kv.put("a", 1, { expected: -1 })).rejects.toThrow("Expected `expected`");
        await expect(kv.put("a", 1n)).rejects.toThrow(TypeError);
      },
    ],
  ];

  it.each(rows)("%s", async (_, work) => {
    await inSimulation(({ kv }) => work(kv));
  });

  it("expires a key at the end of its time to live", async () => {
    await inSimulation(async ({ kv, clock }) => {
      await kv.put("a", 1, { ttlMs: 1_000 });
      await new Promise<void>((resolve) => void clock.schedule(1_000, resolve));
      expect(await kv.get("a")).toBeUndefined();
      expect(clock.monotonicMs()).toBe(1_000);
    });
  });
});

describe("an effect of a simulation", () => {
  it("returns the result of `act`, and throws its error", async () => {
    await inSimulation(async ({ effect }) => {
      expect(await effect("E1", {}, () => 42)).toBe(42);
      await expect(
        effect("E1", {}, () => {
          throw new RangeError("no");
        }),
      ).rejects.toThrow(new RangeError("no"));
    });
  });

  it("does not begin when its signal has fired", async () => {
    await inSimulation(async ({ effect }) => {
      let count = 0;
      const signal = AbortSignal.abort(new Error("told"));
      await expect(effect("E1", { signal }, () => (count += 1))).rejects.toThrow("told");
      expect(count).toBe(0);
    });
  });

  it("fails before or after it takes effect", async () => {
    const happened = new Set<boolean>();
    const handler: HandlerUnderTest = ({ effect }) => {
      let isDone = false;
      return async ({ event }) => {
        await effect(event, {}, () => (isDone = true)).catch((error: unknown) => {
          expect(String(error)).toBe(
            `Error: Simulated: the effect of E1 failed ${isDone ? "after" : "before"} it happened`,
          );
          happened.add(isDone);
        });
      };
    };
    await withFault("failingEffects", handler);
    expect(happened).toEqual(new Set([true, false]));
  });
});

describe("a fault of a simulation", () => {
  const faults: ReadonlyArray<readonly [keyof Scope, FaultName]> = [
    ["crashes", "crash"],
    ["redeliveries", "redelivery"],
    ["lostAnswers", "lost answer"],
    ["lostRequests", "lost request"],
    ["lateWrites", "late write"],
    ["staleReads", "stale read"],
    ["refusals", "refusal"],
    ["outages", "outage"],
    ["freezes", "freeze"],
    ["clockJumps", "clock jump"],
    ["failingEffects", "failing effect"],
    ["amnesias", "amnesia"],
  ];

  it.each(faults)("happens once if `%s` names it, and is recorded", async (option, fault) => {
    const history = await withFault(option, touches);
    expect(history.flatMap((line) => (line.type === "fault" ? [line.fault] : []))).toEqual([fault]);
  });

  it("may be any but amnesia by default, and only a named one otherwise", () => {
    const all = scenarioOf(touches, {}, "all").faults;
    expect(Object.keys(all).sort()).toEqual(
      faults
        .map(([, fault]) => fault)
        .filter((fault) => fault !== "amnesia")
        .sort(),
    );
    expect(new Set(Object.values(all))).toEqual(new Set([1]));
    expect(scenarioOf(touches, { crashes: 2, refusals: 0 }, "all").faults).toEqual({ crash: 2, refusal: 0 });
    expect(scenarioOf(touches, {}, "none").faults).toEqual({});
  });

  it("replaces a crashed process by a new one", async () => {
    const started: string[] = [];
    const handler: HandlerUnderTest = (replica) => {
      started.push(replica.owner);
      return touches(replica);
    };
    const history = await withFault("crashes", handler);
    expect(history.some((line) => line.type === "died")).toBe(true);
    expect(started).toContain("R1'");
  });

  it("excuses every violation after the store lost a write", async () => {
    const forgotten: HandlerUnderTest =
      ({ kv, effect }) =>
      async ({ event }) => {
        const claim = await kv.put(event, 1, { expected: 0 });
        if (claim.ok) await effect(event);
        else if ((await kv.get(event))?.value !== 2) return { outcome: "pending" };
        if (claim.ok) await kv.put(event, 2, { expected: claim.revision });
        return { outcome: "dispatched" };
      };
    await checkHandler(fc, forgotten, { amnesias: 1, numRuns: 300 });
  });
});

describe("a process of a simulation", () => {
  it.each([1, 2])("handles up to %i deliveries at a time", async (concurrency) => {
    let most = 0;
    const handler: HandlerUnderTest = ({ effect }) => {
      let busy = 0;
      return async ({ event }) => {
        busy += 1;
        most = Math.max(most, busy);
        await effect(event);
        busy -= 1;
      };
    };
    const scope = { replicas: 1, deliveries: 4, concurrency };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(9)), async (schedule) => {
        await simulate(scenarioOf(handler, scope, "none"), schedule);
      }),
    );
    expect(most).toBe(concurrency);
  });

  it("has a name and unique ids", async () => {
    const ids: string[] = [];
    const handler: HandlerUnderTest = ({ owner, newId }) => {
      ids.push(owner, newId());
      return async () => {};
    };
    await simulate(scenarioOf(handler, { replicas: 3, deliveries: 1 }, "none"), []);
    expect(ids.filter((id) => id.startsWith("R"))).toEqual(["R1", "R2", "R3"]);
    expect(new Set(ids).size).toBe(6);
  });
});

describe("replay", () => {
  it("parses a formatted schedule", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(999)), (schedule) => {
        expect(parseSchedule(formatSchedule(schedule))).toEqual(schedule);
      }),
    );
  });

  it.each(["0,x", "1.5", "-1", "0,,1"])("refuses the schedule `%s`", async (text) => {
    await expect(replay(text, touches)).rejects.toThrow("Expected `schedule` to be whole numbers separated by commas");
  });

  it("returns a run that breaks nothing, to be drawn", async () => {
    const once: HandlerUnderTest =
      ({ effect }) =>
      async ({ event }) =>
        effect(event);
    const run = await replay("0", once, { deliveries: 1 });
    expect(run.violations).toEqual([]);
    expect(run.schedule).toBe("");
    expect(String(run)).toBe(
      [
        "   line       ms  R1                   store",
        "      2        0  ◂ E1, delivery 1",
        "      3           effect of E1 begins",
        "      4           effect of E1 ends",
        "      5           ▸ acknowledged",
      ].join("\n"),
    );
  });

  it("ends a run with endless background work once all deliveries are done", async () => {
    const restless: HandlerUnderTest =
      ({ clock, effect }) =>
      async ({ event }) => {
        const again = (): void => void clock.schedule(10, again);
        again();
        await effect(event);
      };
    expect((await replay("", restless, { deliveries: 1 })).violations).toEqual([]);
  });

  it("reports a delivery whose handler never answers", async () => {
    const waiting: HandlerUnderTest = (replica) => {
      const dedup = new Deduplicator(replica);
      return ({ event }) => dedup.guard({ subscriptionId: "s", eventId: event }, () => new Promise(() => {}));
    };
    await expect(replay("", waiting)).rejects.toThrow(
      /The handler on R1 has not answered its delivery of E1, and \d+ simulated seconds have passed\. It tries again without end, or awaits something/,
    );
  });
});
