import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FirstKeys, KEY_ORDERS } from "../../../src/cli/stored-keys/key-order.ts";
import type { StoredKey } from "../../../src/cli/stored-keys/stored-key.ts";

const keys = fc.uniqueArray(
  fc.record({ revision: fc.nat(1_000), storedAtMs: fc.nat(5), endsAtMs: fc.option(fc.nat(5), { nil: undefined }) }),
  { selector: ({ revision }) => revision },
);

const NOW = { nowMs: 9, skewMs: 2_000 };

describe("the first keys of an order", () => {
  it("are a prefix of all keys in that order", () => {
    fc.assert(
      fc.property(keys, fc.constantFrom(...KEY_ORDERS), fc.integer({ min: 1, max: 10 }), (drawn, order, limit) => {
        const all = drawn.map((fields): StoredKey => {
          return { state: "unreadable", bucket: "b", subject: "s", key: undefined, reason: "r", ...fields };
        });
        const [some, every] = [new FirstKeys(order, limit, NOW), new FirstKeys(order, 0, NOW)];
        for (const one of all) {
          some.add(one);
          every.add(one);
        }
        expect(every.sorted()).toHaveLength(all.length);
        expect(some.sorted()).toEqual(every.sorted().slice(0, limit));
      }),
    );
  });
});
