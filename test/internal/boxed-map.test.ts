import fc from "fast-check";
import { expect, it } from "vitest";
import { BoxedMap } from "../../src/internal/boxed-map.ts";

const change = fc.record({ set: fc.boolean(), key: fc.nat(5), value: fc.nat() });

it("holds what a Map holds", () => {
  const property = fc.property(fc.array(change), (changes) => {
    const [passing, map] = [new BoxedMap<number, number>(), new Map<number, number>()];
    for (const { set, key, value } of changes) {
      for (const one of [passing, map]) {
        if (set) one.set(key, value);
        else one.delete(key);
      }
      expect(passing.size).toBe(map.size);
      expect(passing.get(key)).toBe(map.get(key));
      expect([...passing].sort()).toEqual([...map].sort());
    }
  });
  fc.assert(property);
});

it("can be gone through by who deletes what it finds", () => {
  const passing = new BoxedMap<string, number>();
  for (const [key, value] of Object.entries({ a: 1, b: 2, c: 3 })) passing.set(key, value);
  const found: string[] = [];
  for (const [key] of passing) {
    found.push(key);
    passing.delete(key);
    passing.delete("c");
  }
  expect(found).toEqual(["a", "b"]);
  expect(passing.size).toBe(0);
});
