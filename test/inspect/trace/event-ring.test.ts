import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventRing } from "../../../src/inspect/trace/event-ring.ts";
import { Recent } from "../../../src/inspect/trace/recent.ts";
import { anyStep, stepOf } from "./trace-events.ts";

describe("the ring of steps", () => {
  it("holds the latest, whole and in their order, however many there were", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(anyStep, { maxLength: 20 }), (size, steps) => {
        const ring = new EventRing(size);
        for (const step of steps) ring.push(step);
        const kept = steps.slice(-size);
        expect(ring.last).toBe(steps.length);
        expect([...ring.after(0)]).toEqual(kept);
        expect([...ring.events()]).toEqual(kept.map(({ identity }) => identity).reverse());
        for (const { identity } of kept) {
          const own = kept.filter((step) => step.identity.storeKey === identity.storeKey);
          expect(ring.of(identity.storeKey)).toEqual(own);
        }
        for (let seq = 0; seq <= steps.length; seq += 1) {
          expect(ring.reaches(seq)).toBe(steps.length - seq <= size);
          if (ring.reaches(seq)) expect([...ring.after(seq)]).toEqual(steps.slice(seq));
        }
        expect(ring.reaches(steps.length + 1)).toBe(false);
      }),
    );
  });

  it("keeps what a step said when it was recorded, though the object is used for another one", () => {
    const ring = new EventRing(2);
    const step = { ...stepOf("reserved", "a"), fence: 7 };
    ring.push(step);
    step.fence = 8;
    expect([...ring.after(0)]).toEqual([{ ...stepOf("reserved", "a"), fence: 7 }]);
  });
});

it("what is kept by key is what was set last", () => {
  const recent = new Recent<number>(2);
  recent.set("a", 1);
  recent.set("b", 2);
  recent.set("a", 3);
  recent.set("c", 4);
  expect([...recent.keys()]).toEqual(["a", "c"]);
  expect([recent.get("a"), recent.get("b"), recent.get("c")]).toEqual([3, undefined, 4]);
  recent.delete("a");
  expect([...recent.keys()]).toEqual(["c"]);
});
