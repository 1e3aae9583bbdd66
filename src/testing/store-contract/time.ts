import assert from "node:assert/strict";
import type { Revision } from "../../model/store.ts";
import {
  type Aspect,
  assertAlive,
  assertConflict,
  assertExpires,
  assertHolds,
  commit,
  identity,
  LONG_MS,
  removal,
  remove,
  reservation,
  write,
} from "./fixture.ts";

/** Time to live. */
export const timeToLive: Aspect = (test) => {
  const of = identity("evt-1");
  const { storeKey: key } = of;

  test("G4 a key lives until its time to live ends, and is empty then", async (made) => {
    const sinceMs = made.monotonicMs();
    await write(made.store, key, reservation(of), { ttlMs: 2_000 });
    for (let look = 0; look < 4; look += 1) {
      await made.pass(450);
      await assertAlive(made, key, sinceMs, 2_000);
    }
    await assertExpires(made, key);
    await write(made.store, key, reservation(of, { attempt: 2 }));
  });

  test("a time to live with a fraction of a second is not shortened", async (made) => {
    const sinceMs = made.monotonicMs();
    await write(made.store, key, reservation(of), { ttlMs: 1_900 });
    await made.pass(1_600);
    await assertAlive(made, key, sinceMs, 1_900);
    await assertExpires(made, key);
  });

  test("an entry that reports when it ends, ends later by as much as its time to live is longer", async ({ store }) => {
    const longer = identity("evt-2");
    await write(store, key, commit(of), { ttlMs: 20_000 });
    await write(store, longer.storeKey, commit(longer), { ttlMs: 50_000 });
    const [early, late] = [(await store.get(key))?.endsAtMs, (await store.get(longer.storeKey))?.endsAtMs];
    if (early === undefined || late === undefined) return;
    assert.ok(Math.abs(late - early - 30_000) < 10_000, `the ends are ${late - early} ms apart, not about 30,000`);
  });

  test("G5 a late write does not change an entry written after its key expired", async (made) => {
    const { store } = made;
    const first = await write(store, key, reservation(of), { ttlMs: 1_000 });
    await assertExpires(made, key);
    await assertConflict(made, await store.put(key, commit(of), { expected: first, ttlMs: LONG_MS }), key, undefined);
    const record = reservation(of, { token: "token-2" });
    const revision = await write(store, key, record);
    const late = await store.put(key, commit(of), { expected: first, ttlMs: LONG_MS });
    await assertConflict(made, late, key, { record, revision });
  });

  test("G4 a renewal extends the life of a key", async (made) => {
    const { store } = made;
    const first = await write(store, key, reservation(of), { ttlMs: 2_000 });
    await made.pass(1_000);
    const sinceMs = made.monotonicMs();
    await write(store, key, reservation(of), { expected: first, ttlMs: 4_000 });
    await made.pass(2_500);
    await assertAlive(made, key, sinceMs, 4_000);
    await assertExpires(made, key);
  });

  test("a shorter time to live replaces a longer one", async (made) => {
    const first = await write(made.store, key, reservation(of), { ttlMs: LONG_MS * 60 });
    await write(made.store, key, reservation(of), { expected: first, ttlMs: 1_000 });
    await assertExpires(made, key);
  });

  test("G3 a commit outlives the lease of its reservation", async (made) => {
    const first = await write(made.store, key, reservation(of), { ttlMs: 1_000 });
    const sinceMs = made.monotonicMs();
    await write(made.store, key, commit(of), { expected: first, ttlMs: LONG_MS });
    await made.pass(3_000);
    await assertAlive(made, key, sinceMs, LONG_MS);
  });

  test("F3 a commit ends with its own window", async (made) => {
    const first = await write(made.store, key, reservation(of), { ttlMs: LONG_MS });
    await write(made.store, key, commit(of), { expected: first, ttlMs: 2_000 });
    await assertExpires(made, key);
    await write(made.store, key, reservation(of));
  });

  test("a conflicting write does not change the time to live of the entry", async (made) => {
    const { store } = made;
    const revision = await write(store, key, reservation(of), { ttlMs: 2_000 });
    const late = await store.put(key, commit(of), { expected: revision + 1, ttlMs: LONG_MS });
    assert.equal(late.ok, false);
    await assertExpires(made, key);
  });

  test("G5 revisions rise across expiries of a key", async (made) => {
    const { store } = made;
    const revisions: Revision[] = [];
    for (let round = 0; round < 3; round += 1) {
      const first = await write(store, key, reservation(of));
      const second = await write(store, key, reservation(of), { expected: first, ttlMs: 1_000 });
      revisions.push(first, second);
      await assertExpires(made, key);
    }
    assertRising(revisions);
  });

  test("a time to live beyond the store's maximum is a RangeError", async (made) => {
    const { store } = made;
    const { maxWindowMs = 1_000 * 365 * 86_400_000 } = store;
    if (store.maxWindowMs !== undefined) {
      const beyond = { expected: 0, ttlMs: maxWindowMs + 1 };
      await assert.rejects(async () => store.put(key, commit(of), beyond), RangeError);
      await assertHolds(made, key, undefined);
    }
    await write(store, key, commit(of), { ttlMs: maxWindowMs });
    await made.pass(2_000);
    await assertHolds(made, key, { record: commit(of), revision: (await store.get(key))?.revision ?? 0 });
  });
};

/** Removals and time to live together. */
export const removalInTime: Aspect = (test) => {
  const of = identity("evt-1");
  const { storeKey: key } = of;

  test("an entry after a removal lives its own time, whatever tombstone the removal left", async (made) => {
    const { store } = made;
    await remove(store, key, await write(store, key, reservation(of), { ttlMs: 1_000 }));
    const sinceMs = made.monotonicMs();
    await write(store, key, commit(of), { ttlMs: LONG_MS });
    await made.pass(3_500);
    await assertAlive(made, key, sinceMs, LONG_MS);
  });

  test("G5 revisions rise across removals, with the tombstone and after its end", async (made) => {
    const { store } = made;
    const revisions: Revision[] = [];
    for (const pauseMs of [0, 0, 2_500]) {
      const revision = await write(store, key, reservation(of));
      revisions.push(revision);
      await remove(store, key, revision);
      if (pauseMs > 0) await made.pass(pauseMs);
    }
    revisions.push(await write(store, key, reservation(of)));
    assertRising(revisions);
  });

  test("a removal of an expired key conflicts", async (made) => {
    const { store } = made;
    const first = await write(store, key, reservation(of), { ttlMs: 1_000 });
    await assertExpires(made, key);
    await assertConflict(made, await removal(store, key, first), key, undefined);
    const record = reservation(of, { token: "token-2" });
    const revision = await write(store, key, record);
    await assertConflict(made, await removal(store, key, first), key, { record, revision });
  });
};

function assertRising(revisions: readonly Revision[]): void {
  const sorted = [...new Set(revisions)].sort((a, b) => a - b);
  assert.deepEqual(revisions, sorted, "every later write of a key must have a larger revision");
}
