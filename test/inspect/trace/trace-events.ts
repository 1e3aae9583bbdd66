import fc from "fast-check";
import { TRACE_TYPES, type TraceEvent } from "../../../src/inspect/trace/trace-event.ts";

/** Returns a trace event for an event that is identified by its id alone. */
export function traceEvent(type: TraceEvent["type"], eventId: string, more: Partial<TraceEvent> = {}): TraceEvent {
  return {
    type,
    identity: { storeKey: `key of ${eventId}`, workspaceId: "default", subscriptionId: "sub-1", eventId },
    atMs: 0,
    replica: "web-1",
    owner: "web-1",
    attempt: 1,
    fence: 0,
    revision: 0,
    durationMs: 0,
    forMs: type === "reserved" || type === "renewed" ? 30_000 : 0,
    cause: "",
    ...more,
  };
}

/** Generates trace events of a few events and replicas, in any order. */
export const anyTraceEvent: fc.Arbitrary<TraceEvent> = fc
  .record({
    type: fc.constantFrom(...TRACE_TYPES),
    event: fc.constantFrom("a", "b", "c"),
    replica: fc.constantFrom("web-1", "web-2"),
    atMs: fc.nat(100_000),
    fence: fc.nat(9),
    cause: fc.constantFrom("", "adopted", "shutdown", "superseded"),
  })
  .map(({ type, event, replica, ...more }) => traceEvent(type, event, { replica, owner: replica, ...more }));
