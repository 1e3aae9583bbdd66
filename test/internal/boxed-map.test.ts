import fc from "fast-check";
import { expect, it } from "vitest";
import { BoxedMap } from "../../src/internal/boxed-map.ts";

const change = fc.record({ set: fc.boolean(), key: fc.nat(5), value: fc.nat() });

it("BoxedMap contains the same entries as a Map", () => {
  const property = fc.property(fc.array(change), (changes) => {
    const [boxed, map] = [new BoxedMap<number, number>(), new Map<number, number>()];
    for (const { set, key, value } of changes) {
      for (const one of [boxed, map]) {
        if (set) one.set(key, value);
        else one.delete(key);
      }
      expect(boxed.size).toBe(map.size);
      expect(boxed.get(key)).toBe(map.get(key));
      expect([...boxed].sort()).toEqual([...map].sort());
    }
  });
  fc.assert(property);
});

it("BoxedMap can be iterated while its entries are deleted", () => {
  const boxed = new BoxedMap<string, number>();
  for (const [key, value] of Object.entries({ a: 1, b: 2, c: 3 })) boxed.set(key, value);
  const found: string[] = [];
  for (const [key] of boxed) {
    found.push(key);
    boxed.delete(key);
    boxed.delete("c");
  }
  expect(found).toEqual(["a", "b"]);
  expect(boxed.size).toBe(0);
});
