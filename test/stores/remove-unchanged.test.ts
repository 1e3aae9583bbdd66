import { describe, expect, it } from "vitest";
import { resolveIdentity, type StoreKey } from "../../src/model/identity.ts";
import type { Removal } from "../../src/model/store.ts";
import { removeUnchanged } from "../../src/stores/remove-unchanged.ts";

const seen = Array.from({ length: 200 }, (_, index) => ({
  key: resolveIdentity({ subscriptionId: "s", eventId: String(index) }).storeKey,
  revision: index + 1,
}));

/** Returns a store that answers removals by their revision, and counts calls. */
function storeOf(answer: (revision: number) => Removal) {
  const calls = { removals: 0, running: 0, most: 0, invalidations: 0, runningAtInvalidation: 0 };
  return {
    calls,
    async remove(_: StoreKey, { expected }: { readonly expected: number }): Promise<Removal> {
      calls.removals += 1;
      calls.running += 1;
      calls.most = Math.max(calls.most, calls.running);
      await Promise.resolve();
      calls.running -= 1;
      return answer(expected);
    },
    invalidation: {
      epoch: () => 0,
      async invalidate(): Promise<void> {
        calls.invalidations += 1;
        calls.runningAtInvalidation += calls.running;
      },
    },
  };
}

describe("the removal of unchanged keys", () => {
  it("returns the removed keys in their order, and invalidates the caches once", async () => {
    const store = storeOf((revision) => ({ ok: revision % 3 !== 0 }));
    const notes: boolean[] = [];
    const removed = await removeUnchanged(store, seen, { note: (isRemoved) => void notes.push(isRemoved) });
    expect(removed).toEqual(seen.filter(({ revision }) => revision % 3 !== 0));
    expect(notes.filter(Boolean)).toHaveLength(removed.length);
    expect(store.calls).toMatchObject({ removals: 200, invalidations: 1, runningAtInvalidation: 0 });
    expect(store.calls.most).toBeLessThanOrEqual(64);
  });

  it("invalidates the caches after a failure, starts no more removals, and throws the failure", async () => {
    const failure = new Error("away");
    const store = storeOf((revision) => {
      if (revision >= 70) throw failure;
      return { ok: true };
    });
    await expect(removeUnchanged(store, seen)).rejects.toBe(failure);
    expect(store.calls.removals).toBeLessThan(seen.length);
    expect(store.calls).toMatchObject({ invalidations: 1, runningAtInvalidation: 0 });
  });

  it("throws a failed invalidation", async () => {
    const failure = new Error("away");
    const store = {
      ...storeOf(() => ({ ok: true })),
      invalidation: { epoch: () => 0, invalidate: () => Promise.reject(failure) },
    };
    await expect(removeUnchanged(store, seen)).rejects.toBe(failure);
  });

  it("invalidates the caches without keys", async () => {
    const store = storeOf(() => ({ ok: true }));
    expect(await removeUnchanged(store, [])).toEqual([]);
    expect(store.calls.invalidations).toBe(1);
  });
});
