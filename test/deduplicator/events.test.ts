import { describe, expect, it } from "vitest";
import type { DedupEvent, DedupEventType } from "../../src/model/event.ts";
import type { Measurement, Operation } from "../../src/model/measurement.ts";
import { outage } from "../support/faulty-store.ts";
import {
  commitEvent,
  event,
  LEASE_MS,
  pending,
  type Replica,
  resolved,
  SKEW_MS,
  task,
  unseen,
  type World,
  world,
} from "../support/replicas.ts";
import { uncaughtDuring } from "../support/uncaught.ts";

/** Functions that run a replica until it has published an event of a type. Each returns the fields that the last event must have. */
const everyType: Readonly<Record<DedupEventType, (w: World, a: Replica) => Promise<object>>> = {
  async reserved(_w, { dedup }) {
    await dedup.reserve(event, { leaseMs: 5_000, attempt: 3 });
    return { leaseMs: 5_000, attempt: 3, fence: 1, revision: 1, durationMs: 0 };
  },
  async renewed(w, { dedup }) {
    await unseen(dedup.reserve(event));
    await w.pass(LEASE_MS / 3);
    return { leaseMs: LEASE_MS, fence: 1, revision: 2, durationMs: LEASE_MS / 3 };
  },
  async dispatched(w, { dedup }) {
    const reservation = await unseen(dedup.reserve(event));
    await w.pass(5_000);
    await reservation.commit();
    return { fence: 1, revision: 1, durationMs: 5_000 };
  },
  async failed(w, { dedup }) {
    const error = new Error("no");
    const work = task();
    const outcome = expect(dedup.guard(event, work.handler)).rejects.toBe(error);
    await w.pass(5_000);
    work.fail(error);
    await outcome;
    return { error, fence: 1, revision: 1, durationMs: 5_000 };
  },
  async committed(w, { dedup }) {
    const reservation = await unseen(dedup.reserve(event));
    await w.pass(5_000);
    await reservation.commit();
    return { commit: "confirmed", fence: 1, revision: 2, durationMs: 5_000 };
  },
  async superseded(w, { dedup }) {
    const reservation = await unseen(dedup.reserve(event));
    await dedup.clear(event);
    await commitEvent(w.replica("b"));
    await reservation.commit();
    return { fence: 1, revision: 1 };
  },
  async unconfirmed(w, { dedup, store }) {
    const reservation = await unseen(dedup.reserve(event));
    store.breakDown(outage);
    const commit = reservation.commit();
    await w.pass(LEASE_MS);
    expect(await commit).toEqual({ commit: "unconfirmed" });
    return { error: expect.objectContaining({ code: "store-unavailable" }), fence: 1, durationMs: LEASE_MS };
  },
  async released(_w, { dedup }) {
    const reservation = await unseen(dedup.reserve(event));
    await reservation.release();
    return { left: "nothing", fence: 1 };
  },
  async expired(w, { dedup, store }) {
    await unseen(dedup.reserve(event));
    store.breakDown(outage);
    await w.pass(LEASE_MS);
    return { reason: "store-unavailable", fence: 1, revision: 1, durationMs: LEASE_MS };
  },
  async duplicate(w, { dedup }) {
    const b = w.replica("b");
    const committedAt = w.clock.wallMs();
    await commitEvent(b);
    await w.pass(5_000);
    await dedup.reserve(event);
    return { committedAt, owner: "b", attempt: 1, fence: 1, revision: 2, durationMs: 0 };
  },
  async pending(w, { dedup }) {
    await unseen(w.replica("b").dedup.reserve(event, { attempt: 2 }));
    await w.pass(10_000);
    const { retryAfterMs } = await pending(dedup.reserve(event));
    return { retryAfterMs, owner: "b", attempt: 2, fence: 1, revision: 2, durationMs: 0 };
  },
  async unprotected(_w, { dedup, store }) {
    store.breakDown(outage);
    await unseen(dedup.reserve(event));
    return { error: expect.objectContaining({ code: "store-unavailable" }), fence: 0, revision: 0, durationMs: 0 };
  },
  async "store-unavailable"(_w, { dedup, store }) {
    store.breakDown(outage);
    await expect(dedup.reserve(event)).rejects.toThrow("unreachable");
    return { ambiguous: false, error: expect.objectContaining({ code: "store-unavailable" }), fence: 0, revision: 0 };
  },
  async "result-not-kept"(_w, { dedup }) {
    const reservation = await unseen(dedup.reserve(event, { keepResult: true }));
    const { resultError } = await reservation.commit(1n);
    return { error: resultError, fence: 1 };
  },
};

/** The operation that is measured with each event of {@link everyType}. */
const operations: Readonly<Record<DedupEventType, Operation>> = {
  reserved: { stage: "reserve", outcome: "unseen" },
  renewed: { stage: "lease", outcome: "renewed" },
  dispatched: { stage: "dispatch", outcome: "returned" },
  failed: { stage: "dispatch", outcome: "threw" },
  committed: { stage: "commit", outcome: "confirmed" },
  superseded: { stage: "commit", outcome: "superseded" },
  unconfirmed: { stage: "commit", outcome: "unconfirmed" },
  released: { stage: "lease", outcome: "released" },
  expired: { stage: "lease", outcome: "expired" },
  duplicate: { stage: "reserve", outcome: "duplicate" },
  pending: { stage: "reserve", outcome: "pending" },
  unprotected: { stage: "reserve", outcome: "unprotected" },
  "store-unavailable": { stage: "store", outcome: "unavailable" },
  "result-not-kept": { stage: "commit", outcome: "result-not-kept" },
};

describe("a published event", () => {
  it.each(Object.entries(everyType))(
    "contains what happened, to which event, where and when, and is measured: `%s`",
    async (type, run) => {
      const w = world();
      const a = w.replica("a", type === "unprotected" ? { onStoreUnavailable: "dispatch" } : {});
      const measured: Measurement[] = [];
      a.dedup.measure((measurement) => measured.push(measurement));
      await w.pass(60_000);
      const fields = await run(w, a);
      const step = a.steps.findLast((one) => one.type === type);
      expect(step).toMatchObject({
        type,
        owner: "a",
        attempt: 1,
        identity: resolved,
        atMs: w.clock.wallMs(),
        ...fields,
      });
      expect(measured).toMatchObject(a.trail().map((one) => operations[one]));
    },
  );
});

describe("the published events of a delivery", () => {
  it("arrive in order, with rising fences and revisions", async () => {
    const { pass, replica } = world();
    const { dedup, steps, trail } = replica("a");
    const work = task();
    const outcome = dedup.guard(event, work.handler);
    await pass(LEASE_MS);
    work.succeed("done");
    await outcome;
    await dedup.guard(event, () => {});
    expect(trail()).toEqual(["reserved", "renewed", "renewed", "renewed", "dispatched", "committed", "duplicate"]);
    expect(steps.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 4, 5, 5]);
    expect(steps.map(({ fence }) => fence)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(steps.map(({ durationMs }) => durationMs)).toEqual([0, 10_000, 20_000, 30_000, 30_000, 30_000, 0]);
  });

  it("end with `released` after a failed dispatch, and start again with the next delivery", async () => {
    const { replica } = world();
    const { dedup, trail } = replica("a");
    await expect(dedup.guard(event, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await dedup.guard(event, () => {});
    expect(trail()).toEqual(["reserved", "failed", "released", "reserved", "dispatched", "committed"]);
  });

  it("distinguish a release without an error from a failure", async () => {
    const { replica } = world();
    const { dedup, trail } = replica("a");
    await (await unseen(dedup.reserve(event))).release();
    expect(trail()).toEqual(["reserved", "released"]);
  });

  it("include a waiting delivery once, and then its outcome", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const waiting = b.dedup.reserve(event, { onPending: "wait" });
    await pass(LEASE_MS);
    await reservation.commit();
    await pass(1_000);
    await waiting;
    expect(b.trail()).toEqual(["pending", "duplicate"]);
    expect(b.steps.at(-1)?.durationMs).toBeGreaterThanOrEqual(LEASE_MS);
  });

  it("F20 count every delivery once: concurrent deliveries are one `reserved` and the rest `pending`", async () => {
    const { replica } = world();
    const a = replica("a");
    const work = task();
    const outcomes = Array.from({ length: 5 }, () => a.dedup.guard(event, work.handler));
    await work.reservation;
    work.succeed("done");
    await Promise.all(outcomes);
    expect(a.trail().sort()).toEqual([
      "committed",
      "dispatched",
      "pending",
      "pending",
      "pending",
      "pending",
      "reserved",
    ]);
  });

  it("contain the new attempt number after a takeover", async () => {
    const { memory, pass, replica } = world();
    const put: typeof memory.put = (key, record, how) => memory.put(key, record, { ...how, ttlMs: 86_400_000 });
    const store = { ...memory, put };
    const [a, b] = [replica("a", { store, renew: false }), replica("b", { store })];
    await unseen(a.dedup.reserve(event));
    await pending(b.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    await b.dedup.guard(event, () => {});
    expect(b.steps.map(({ type, attempt, owner }) => ({ type, attempt, owner }))).toEqual([
      { type: "pending", attempt: 1, owner: "a" },
      { type: "reserved", attempt: 2, owner: "b" },
      { type: "dispatched", attempt: 2, owner: "b" },
      { type: "committed", attempt: 2, owner: "b" },
    ]);
  });

  it("contain nothing of the payload", async () => {
    const { replica } = world();
    const { dedup, steps } = replica("a", { keepResults: true });
    const reservation = await unseen(dedup.reserve(event, { fingerprint: "sha256:x" }));
    await reservation.commit({ secret: "s3cret" });
    await dedup.reserve(event);
    expect(JSON.stringify(steps)).not.toContain("s3cret");
  });
});

describe("subscribe", () => {
  it("calls every listener until it unsubscribes", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    const [one, two]: [string[], string[]] = [[], []];
    const leaveOne = dedup.subscribe(({ type }) => one.push(type));
    const leaveTwo = dedup.subscribe(({ type }) => two.push(type));
    const reservation = await unseen(dedup.reserve(event));
    leaveOne();
    leaveOne();
    await reservation.commit();
    leaveTwo();
    await dedup.reserve(event);
    expect(one).toEqual(["reserved"]);
    expect(two).toEqual(["reserved", "dispatched", "committed"]);
  });

  it("lets a listener unsubscribe or add another listener during a call", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    const received: string[] = [];
    const leave = dedup.subscribe(({ type }) => {
      received.push(`first ${type}`);
      leave();
      dedup.subscribe((later) => received.push(`second ${later.type}`));
    });
    await dedup.guard(event, () => {});
    expect(received.filter((line) => line.startsWith("first"))).toEqual(["first reserved"]);
    expect(received).toContain("second committed");
  });

  it("lets a listener start another delivery of the same event", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    const decisions: string[] = [];
    dedup.subscribe(({ type }) => {
      if (type === "reserved" || type === "committed") {
        void dedup.reserve(event).then(({ decision }) => decisions.push(decision));
      }
    });
    expect(await dedup.guard(event, () => "done")).toMatchObject({ commit: "confirmed" });
    expect(await dedup.reserve(event)).toMatchObject({ decision: "duplicate" });
    expect(decisions).toEqual(["pending", "duplicate"]);
  });

  it("reports a success only once the key can no longer be released", async () => {
    const { replica } = world();
    const { dedup, trail } = replica("a");
    const reservation = await unseen(dedup.reserve(event));
    dedup.subscribe(({ type }) => {
      if (type === "dispatched") void reservation.release();
    });
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
    expect(await dedup.reserve(event)).toMatchObject({ decision: "duplicate" });
    expect(trail()).toEqual(["reserved", "dispatched", "committed", "duplicate"]);
  });

  it("may be called twice with one function: each subscription ends separately", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    const received: string[] = [];
    const listener = ({ type }: DedupEvent): void => void received.push(type);
    const leaveOne = dedup.subscribe(listener);
    dedup.subscribe(listener);
    const reservation = await unseen(dedup.reserve(event));
    leaveOne();
    await reservation.commit();
    expect(received).toEqual(["reserved", "reserved", "dispatched", "committed"]);
  });

  it("turns an error thrown by a listener into an uncaught exception, and changes nothing else", async () => {
    const { replica } = world();
    const { dedup, trail } = replica("a");
    const error = new Error("the listener is broken");
    dedup.subscribe(() => {
      throw error;
    });
    const later: string[] = [];
    dedup.subscribe(({ type }) => later.push(type));
    const uncaught = await uncaughtDuring(async () => {
      expect(await dedup.guard(event, () => "done")).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    });
    expect(uncaught).toEqual([error, error, error]);
    expect(later).toEqual(trail());
  });
});
