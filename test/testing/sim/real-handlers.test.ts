import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deduplicator, PermanentError } from "../../../src/index.ts";
import {
  CounterexampleError,
  checkHandler,
  exhaust,
  type HandlerSetup,
  type HandlerUnderTest,
  replay,
} from "../../../src/testing/index.ts";
import { runCount } from "../../support/run-count.ts";

const leaseMs = 5_000;
const of = (event: string) => ({ subscriptionId: "billing", eventId: event });

const guarding: HandlerUnderTest<string[]> = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) =>
    dedup.guard(of(event), (reservation) => replica.effect(event, reservation, () => void replica.world.push(event)));
};

async function found(checked: Promise<unknown>): Promise<CounterexampleError> {
  const error: unknown = await checked.then(
    () => "nothing was found",
    (reason: unknown) => reason,
  );
  if (error instanceof CounterexampleError) return error;
  throw error;
}

describe("a handler with an asynchronous setup", () => {
  const slow: HandlerSetup = async (replica) => {
    await pause(1);
    const dedup = new Deduplicator({ ...replica, leaseMs });
    return ({ event }) => dedup.guard(of(event), (reservation) => replica.effect(event, reservation));
  };

  it("is set up in real time, also after a crash", async () => {
    expect((await checkHandler(fc, slow, { crashes: 1, numRuns: 30 })).runs).toBe(30);
  });
});

describe("`host`", () => {
  it("runs work of the host, and the run is still repeatable", async () => {
    const digesting: HandlerUnderTest = (replica) => {
      const dedup = new Deduplicator({ ...replica, leaseMs });
      return async ({ event }) => {
        const digest = await replica.host(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(event)));
        return dedup.guard(of(Buffer.from(digest).toString("hex")), (one) => replica.effect(event, one));
      };
    };
    expect((await checkHandler(fc, digesting, { numRuns: 50 })).runs).toBe(50);
  });

  it("passes the error of the work on", async () => {
    const failing: HandlerUnderTest = (replica) => async () => {
      await expect(replica.host(() => Promise.reject(new Error("no key")))).rejects.toThrow("no key");
      throw new PermanentError("gives up");
    };
    await replay("", failing);
  });
});

describe("the option `message`", () => {
  it("gives payloads and headers to deliveries, so that fingerprints can differ", async () => {
    const seen = new Set<string>();
    const handler: HandlerUnderTest = (replica) => {
      const dedup = new Deduplicator({ ...replica, leaseMs });
      return async ({ event, payload, headers }) => {
        const work = (): Promise<void> => replica.effect(event);
        const outcome = await dedup
          .guard(of(headers["id"] ?? ""), work, {
            fingerprint: JSON.stringify(payload),
          })
          .catch((error: unknown) => String(error));
        if (typeof outcome !== "string") return outcome;
        seen.add(outcome.split(":")[0] ?? "");
        throw new PermanentError("another payload");
      };
    };
    const message = (event: string, copy: number) => ({ payload: { amount: copy }, headers: { id: event } });
    await replay("", handler, { message });
    expect([...seen]).toEqual(["FingerprintMismatchError"]);
  });

  it("orders the messages of a key", async () => {
    const message = (event: string) => ({ orderingKey: "account-1", payload: event });
    const order = (world: string[]): void => expect([...new Set(world)]).toEqual([...new Set(world)].toSorted());
    const options = { events: 3, deliveries: 1, world: (): string[] => [], numRuns: 100 };
    await checkHandler(fc, guarding, { ...options, message, invariant: order });
    const { run } = await found(checkHandler(fc, guarding, { ...options, invariant: order }));
    expect(run.violations[0]?.guarantee).toBe("holds");
  });
});

const RUNS = runCount(300);

describe("the option `maxDeliver`", () => {
  const refusing: HandlerUnderTest = () => async () => {
    throw new Error("refused");
  };

  it("turns a message into a dead letter, which is not lost", async () => {
    const run = await replay("", refusing, { maxDeliver: 3 });
    expect(run.deliveries).toBe(6);
    expect(run.history.at(-1)).toMatchObject({ type: "settled", deadLettered: ["E1"] });
    const endless = await found(replay("", refusing));
    expect(endless.run.violations[0]?.guarantee).toBe("G4");
  });

  it("is not needed for a permanent error", async () => {
    const permanent: HandlerUnderTest = () => async () => {
      throw new PermanentError("never");
    };
    expect((await replay("", permanent)).deliveries).toBe(2);
  });
});

describe("the option `clocksAheadMs`", () => {
  it("sets the wall clock of each process apart from the others", async () => {
    const clocks = new Map<string, number>();
    const looking: HandlerUnderTest = ({ owner, clock, effect }) => {
      clocks.set(owner, clock.wallMs());
      return ({ event }) => effect(event);
    };
    await replay("", looking, { deliveries: 1, clocksAheadMs: [0, 60_000] });
    expect((clocks.get("R2") ?? 0) - (clocks.get("R1") ?? 0)).toBe(60_000);
  });

  it("finds a lease that is compared with the clock of another machine", async () => {
    const trusting: HandlerUnderTest =
      ({ kv, clock, effect }) =>
      async ({ event }) => {
        const claim = await kv.put(event, { untilMs: clock.wallMs() + 30_000 }, { expected: 0 });
        if (!claim.ok) {
          const entry = await kv.get(event);
          const value = entry?.value;
          if (value === "done") return { outcome: "duplicate" };
          const untilMs = typeof value === "object" && value !== null && "untilMs" in value ? Number(value.untilMs) : 0;
          if (untilMs > clock.wallMs()) return { outcome: "pending" };
        }
        await effect(event);
        await kv.put(event, "done");
        return { outcome: "dispatched" };
      };
    const { run } = await found(exhaust(trusting, { clocksAheadMs: [0, 60_000], ackWaitMs: 1_000_000 }));
    expect(run.faults).toEqual([]);
    expect(["G1", "G3"]).toContain(run.violations[0]?.guarantee);
  });
});

describe("the option `effects`", () => {
  it("finds a subscription without its effect", async () => {
    const half: HandlerUnderTest = (replica) => {
      const dedup = new Deduplicator({ ...replica, leaseMs });
      return ({ event }) => dedup.guard(of(event), (one) => replica.effect(event, { ...one, name: "billing" }));
    };
    await checkHandler(fc, half, { effects: ["billing"], numRuns: 50 });
    const { run } = await found(checkHandler(fc, half, { effects: ["billing", "shipping"], numRuns: 50 }));
    expect(run.violations[0]).toMatchObject({
      guarantee: "G2",
      why: "R1 acknowledged E1, and its shipping never succeeded",
    });
  });
});

describe("the option `invariant`", () => {
  it("ends the run at the step that breaks it", async () => {
    const invariant = (world: readonly string[]): void => {
      if (world.length > 0) throw new Error("something was charged");
    };
    const { run, message } = await found(
      checkHandler(fc, guarding, { world: (): string[] => [], invariant, numRuns: 50 }),
    );
    expect(message).toContain("something was charged");
    expect(run.history.filter(({ type }) => type === "answered")).toEqual([]);
  });
});

describe("`effectOnce`", () => {
  /** The second effect of an event, after a crash or a takeover, has no effect. */
  const once: HandlerUnderTest<string[]> = (replica) => {
    const dedup = new Deduplicator({ ...replica, leaseMs });
    return ({ event }) =>
      dedup.guard(of(event), (reservation) =>
        replica.effectOnce(event, reservation, () => {
          replica.world.push(event);
          return "receipt";
        }),
      );
  };
  const atMostOnce = (world: readonly string[]): void => expect(world.length).toBeLessThanOrEqual(1);

  it("changes the world once, under every fault", async () => {
    expect(
      (await checkHandler(fc, once, { world: (): string[] => [], invariant: atMostOnce, numRuns: RUNS })).runs,
    ).toBe(RUNS);
    await exhaust(once, { crashes: 1, preemptions: 1, world: (): string[] => [], invariant: atMostOnce });
  });

  it("is needed: the same effect without it happens twice", async () => {
    await found(checkHandler(fc, guarding, { world: (): string[] => [], invariant: atMostOnce }));
  });
});
