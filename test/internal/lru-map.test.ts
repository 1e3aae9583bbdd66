import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LruMap } from "../../src/internal/lru-map.ts";

const KEYS = 12;
const use = fc.record({ how: fc.constantFrom("get", "set", "set", "peek", "delete"), key: fc.nat(KEYS - 1) });

describe("LruMap", () => {
  it("returns the last written value or nothing, within its limit, and always keeps the half used last", () => {
    const property = fc.property(fc.integer({ min: 1, max: 8 }), fc.array(use, { maxLength: 60 }), (max, uses) => {
      const map = new LruMap<number, number>(max);
      /** Content of an unlimited map, in the order of use. A deleted key keeps its place. */
      const written = new Map<number, number | undefined>();
      for (const [step, { how, key }] of uses.entries()) {
        const value = how === "set" ? step : how === "delete" ? undefined : written.get(key);
        if (how === "set") map.set(key, step);
        if (how === "delete") map.delete(key);
        const found = how === "get" ? map.get(key) : map.peek(key);
        const isUse = how === "set" || (how === "get" && found !== undefined);
        if (isUse) written.delete(key);
        if (isUse || written.has(key)) written.set(key, value);
        if (found !== undefined) expect(found).toBe(value);
        expect(map.size).toBeLessThanOrEqual(max);
        expect(new Set(map.keys()).size).toBe(map.size);
        const recent = [...written].slice(-Math.floor(max / 2));
        if (max > 1) for (const [used, last] of recent) expect(map.peek(used)).toBe(last);
      }
      map.clear();
      expect([map.size, [...map.keys()]]).toEqual([0, []]);
    });
    fc.assert(property);
  });
});
