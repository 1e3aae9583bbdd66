import { expect, it } from "vitest";
import { EventRing } from "../../../src/inspect/trace/event-ring.ts";
import { failedEvents } from "../../../src/inspect/trace/failed-events.ts";
import { TRACE_TYPES } from "../../../src/inspect/trace/trace-event.ts";
import { traceEvent } from "./trace-events.ts";

it("an event counts as failed until anything but its release happens", () => {
  const after = ["released", "nak", "expired", "store-unavailable", "delivered", "acknowledged", "failed"];
  for (const type of TRACE_TYPES) {
    const trace = new EventRing(9);
    for (const event of [traceEvent("failed", "a"), traceEvent("failed", "b"), traceEvent(type, "a")])
      trace.push(event);
    const failed = [...failedEvents(trace)].map(({ identity }) => identity.eventId).toSorted();
    expect(failed, type).toEqual(after.includes(type) ? ["a", "b"] : ["b"]);
  }
});
