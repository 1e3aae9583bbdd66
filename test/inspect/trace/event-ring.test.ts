import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventRing } from "../../../src/inspect/trace/event-ring.ts";
import { anyTraceEvent, traceEvent } from "./trace-events.ts";

describe("the event ring", () => {
  it("keeps the latest events, complete and in order", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(anyTraceEvent, { maxLength: 20 }), (size, trace) => {
        const ring = new EventRing(size);
        for (const event of trace) ring.push(event);
        const kept = trace.slice(-size);
        expect(ring.last).toBe(trace.length);
        expect([...ring.after(0)]).toEqual(kept);
        expect([...ring.identities()]).toEqual(kept.map(({ identity }) => identity).reverse());
        for (const { identity } of kept) {
          const own = kept.filter((event) => event.identity.storeKey === identity.storeKey);
          expect(ring.of(identity.storeKey)).toEqual(own);
        }
        for (let seq = 0; seq <= trace.length; seq += 1) {
          expect(ring.reaches(seq)).toBe(trace.length - seq <= size);
          if (ring.reaches(seq)) expect([...ring.after(seq)]).toEqual(trace.slice(seq));
        }
        expect(ring.reaches(trace.length + 1)).toBe(false);
      }),
    );
  });

  it("copies an event, so the caller can reuse the object", () => {
    const ring = new EventRing(2);
    const event = { ...traceEvent("reserved", "a"), fence: 7 };
    ring.push(event);
    event.fence = 8;
    expect([...ring.after(0)]).toEqual([{ ...traceEvent("reserved", "a"), fence: 7 }]);
  });
});
