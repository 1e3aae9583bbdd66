import { describe, expect, it } from "vitest";
import { PermanentError } from "../../src/errors.ts";
import { outage } from "../support/faulty-store.ts";
import {
  commitEvent,
  event,
  LEASE_MS,
  resolved,
  SKEW_MS,
  task,
  unseen,
  WINDOW_MS,
  watched,
  world,
} from "../support/replicas.ts";

const remember = { onPermanentError: "remember" } as const;
const invalid = new PermanentError("The payload is invalid");
const failsForGood = () => {
  throw invalid;
};
const refusal = {
  name: "PermanentError",
  code: "permanent",
  message: expect.stringContaining("failed for good before"),
};

describe("an event whose handler threw a PermanentError", () => {
  it("is dispatched again by default", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await expect(a.dedup.guard(event, failsForGood)).rejects.toBe(invalid);
    await commitEvent(b);
  });

  it("G7 is never dispatched again if it is remembered: each copy gets a PermanentError, the first one its own", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a", remember), replica("b")];
    await expect(a.dedup.guard(event, failsForGood, { keepResult: true })).rejects.toBe(invalid);
    expect(a.trail()).toEqual(["reserved", "failed", "committed"]);
    expect(await memory.get(resolved.storeKey)).toMatchObject({ record: { state: "committed", failed: true } });
    await pass(WINDOW_MS - 1);
    for (const { dedup } of [a, b, a, b]) {
      const again = task();
      await expect(dedup.guard(event, again.handler)).rejects.toMatchObject(refusal);
      await expect(dedup.reserve(event)).rejects.toMatchObject(refusal);
      expect(again.runs()).toBe(0);
    }
    // A record that was read counts as current for 250 ms.
    await pass(250);
    await commitEvent(b);
  });

  it("is dispatched again once an operator cleared it, as a redrive does", async () => {
    const { replica } = world();
    const a = replica("a", remember);
    await expect(a.dedup.guard(event, failsForGood)).rejects.toBe(invalid);
    expect(await a.dedup.clear(event)).toBe(1);
    await commitEvent(a);
  });

  it("is remembered by its process while the commit is unconfirmed", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a", { ...remember, renew: false });
    const work = task();
    const outcome = watched(a.dedup.guard(event, work.handler));
    outcome.promise.catch(() => {});
    await work.reservation;
    a.store.breakDown(outage);
    work.fail(invalid);
    await pass(LEASE_MS + SKEW_MS);
    await expect(outcome.promise).rejects.toBe(invalid);
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
    a.store.heal();
    const again = task();
    await expect(a.dedup.guard(event, again.handler)).rejects.toMatchObject(refusal);
    expect(again.runs()).toBe(0);
    expect(await memory.get(resolved.storeKey)).toMatchObject({ record: { failed: true } });
  });

  it("wakes a waiting call with the error", async () => {
    const { replica } = world();
    const { dedup } = replica("a", remember);
    const work = task();
    const outcome = expect(dedup.guard(event, work.handler)).rejects.toBe(invalid);
    const waiting = expect(dedup.guard(event, () => "never", { onPending: "wait" })).rejects.toMatchObject(refusal);
    await work.reservation;
    work.fail(invalid);
    await outcome;
    await waiting;
  });
});

describe("any other error", () => {
  it("releases the key, even if permanent ones are remembered", async () => {
    const { replica } = world();
    const { dedup, trail } = replica("a", remember);
    await expect(dedup.guard(event, () => Promise.reject(new Error("busy")))).rejects.toThrow("busy");
    expect(trail()).toEqual(["reserved", "failed", "released"]);
    await unseen(dedup.reserve(event));
  });
});
