import { describe, expect, it } from "vitest";
import { FingerprintMismatchError } from "../../src/errors.ts";
import type { Measurement } from "../../src/model/measurement.ts";
import { duplicate, event, LEASE_MS, pending, resolved, SKEW_MS, task, unseen, world } from "../support/replicas.ts";

const one = { fingerprint: "sha256:one" };
const other = { fingerprint: "sha256:other" };
const mismatch = { name: "FingerprintMismatchError", code: "fingerprint-mismatch", key: resolved.key };

describe("a fingerprint", () => {
  it("changes nothing when it matches", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event, one));
    expect((await memory.get(resolved.storeKey))?.record.fingerprint).toBe(one.fingerprint);
    await pending(a.dedup.reserve(event, one));
    await pending(b.dedup.reserve(event, one));
    await pass(LEASE_MS);
    await reservation.commit();
    expect((await memory.get(resolved.storeKey))?.record.fingerprint).toBe(one.fingerprint);
    await duplicate(b.dedup.reserve(event, one));
  });

  it("causes an error, never a duplicate, when it differs from the committed one, and is measured", async () => {
    const { memory, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await a.dedup.guard(event, () => {}, one);
    const committed = await memory.get(resolved.storeKey);
    for (const { dedup } of [a, b]) {
      const again = task();
      const measured: Measurement[] = [];
      dedup.measure((measurement) => measured.push(measurement));
      const refused = dedup.guard(event, again.handler, other);
      await expect(refused).rejects.toBeInstanceOf(FingerprintMismatchError);
      await expect(refused).rejects.toMatchObject(mismatch);
      expect(again.runs()).toBe(0);
      expect(measured).toEqual([{ stage: "reserve", outcome: "mismatch", durationMs: 0, heldMs: undefined }]);
    }
    expect(await memory.get(resolved.storeKey)).toEqual(committed);
    await duplicate(b.dedup.reserve(event, one));
  });

  it("is not compared with the one in dispatch, which may never be committed", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event, one));
    await pending(a.dedup.reserve(event, other));
    await pending(b.dedup.reserve(event, other));
    const waiting = expect(b.dedup.reserve(event, { ...other, onPending: "wait" })).rejects.toMatchObject(mismatch);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
    await pass(1_000);
    await waiting;
    await expect(a.dedup.reserve(event, other)).rejects.toMatchObject(mismatch);
  });

  it("never rejects a delivery after a crashed attempt, before or after its lease ended", async () => {
    for (const passedMs of [0, 1_000, LEASE_MS - 1, LEASE_MS + SKEW_MS - 1, LEASE_MS + SKEW_MS, 2 * LEASE_MS]) {
      const { pass, replica } = world();
      await unseen(replica("a", { renew: false }).dedup.reserve(event, one));
      await pass(passedMs);
      const { decision } = await replica("b").dedup.reserve(event, other);
      expect(decision).toBe(passedMs < LEASE_MS + SKEW_MS ? "pending" : "unseen");
    }
  });

  it("is compared only when both sides have one", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event, one));
    await pending(b.dedup.reserve(event));
    await reservation.commit();
    await duplicate(b.dedup.reserve(event));
    const unmarked = { ...event, eventId: "evt-2" };
    await a.dedup.guard(unmarked, () => {});
    await duplicate(b.dedup.reserve(unmarked, other));
  });

  it("belongs to one attempt: after a release or a crash, another is accepted", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    await (await unseen(a.dedup.reserve(event, one))).release();
    await unseen(a.dedup.reserve(event, other));
    await pass(LEASE_MS + SKEW_MS);
    await unseen(b.dedup.reserve(event, one));
  });

  it("F12 does not let concurrent claims with the same fingerprint share a reservation", async () => {
    const { replica } = world();
    const replicas = ["a", "b", "c"].map((owner) => replica(owner));
    const decisions = await Promise.all(replicas.map(({ dedup }) => dedup.reserve(event, one)));
    expect(decisions.map(({ decision }) => decision).sort()).toEqual(["pending", "pending", "unseen"]);
  });
});
