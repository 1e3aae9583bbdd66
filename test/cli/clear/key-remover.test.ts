import { describe, expect, it } from "vitest";
import type { Candidate } from "../../../src/cli/clear/clear-plan.ts";
import { KeyRemover } from "../../../src/cli/clear/key-remover.ts";
import { resolveIdentity, type StoreKey } from "../../../src/model/identity.ts";
import type { Removal } from "../../../src/model/store.ts";

const candidates = Array.from({ length: 500 }, (_, index): Candidate => {
  const { storeKey } = resolveIdentity({ subscriptionId: "s", eventId: String(index) });
  return { bucket: "b", key: storeKey, revision: index + 1 };
});
const never = new AbortController().signal;

/** Returns a store whose `remove` answers asynchronously by the revision, and counts its calls. */
function storeOf(answer: (revision: number) => Removal) {
  const asked: number[] = [];
  return {
    asked,
    async remove(_: StoreKey, { expected }: { expected: number }): Promise<Removal> {
      asked.push(expected);
      await Promise.resolve();
      return answer(expected);
    },
  };
}

describe("the removal of keys", () => {
  it("removes each key once at its known revision, and counts changed keys", async () => {
    const store = storeOf((revision) => ({ ok: revision % 5 !== 0 }));
    const remover = new KeyRemover(new Map([["b", store]]));
    await remover.remove(candidates, never);
    expect(remover.removed).toEqual({ cleared: 400, changed: 100 });
    expect(store.asked.toSorted((one, other) => one - other)).toEqual(candidates.map(({ revision }) => revision));
  });

  it("starts no more removals after an interruption, and counts the running ones", async () => {
    const interruption = new AbortController();
    const store = storeOf((revision) => {
      if (revision === 100) interruption.abort();
      return { ok: true };
    });
    const remover = new KeyRemover(new Map([["b", store]]));
    await remover.remove(candidates, interruption.signal);
    expect(remover.removed.cleared).toBe(store.asked.length);
    expect(store.asked.length).toBeLessThan(candidates.length);
  });

  it("starts no more removals after a failure, and throws it", async () => {
    const failure = new Error("away");
    const store = storeOf((revision) => {
      if (revision >= 100) throw failure;
      return { ok: true };
    });
    const remover = new KeyRemover(new Map([["b", store]]));
    await expect(remover.remove(candidates, never)).rejects.toBe(failure);
    expect(remover.removed).toEqual({ cleared: 99, changed: 0 });
    expect(store.asked.length).toBeLessThan(candidates.length);
  });
});
