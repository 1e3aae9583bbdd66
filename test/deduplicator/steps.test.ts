import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Step, StepType } from "../../src/step.ts";
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

/** What a replica does until it has reported a step of each type, and what the last of that type says. */
const everyType: { readonly [Type in StepType]: (w: World, a: Replica) => Promise<Partial<Extract<Step, { type: Type }>>> } = {
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
  async unprotected(w) {
    const { dedup, steps, store } = w.replica("a", { onStoreUnavailable: "dispatch" });
    store.breakDown(outage);
    await unseen(dedup.reserve(event));
    const [trouble, unprotected] = steps;
    expect(trouble).toMatchObject({ type: "store-unavailable" });
    return { ...unprotected, type: "unprotected" };
  },
  async "store-unavailable"(_w, { dedup, store }) {
    store.breakDown(outage);
    await expect(dedup.reserve(event)).rejects.toThrow("away");
    return { ambiguous: false, error: expect.objectContaining({ code: "store-unavailable" }), fence: 0, revision: 0 };
  },
  async "result-not-kept"(_w, { dedup }) {
    const reservation = await unseen(dedup.reserve(event, { keepResult: true }));
    const { resultError } = await reservation.commit(1n);
    return { error: resultError, fence: 1 };
  },
};
