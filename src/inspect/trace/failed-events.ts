import type { EventRing } from "./event-ring.ts";
import type { TraceEvent, TraceType } from "./trace-event.ts";

/** Events that say nothing about the outcome of a dispatch, or follow a failure. */
const UNDECIDED: readonly TraceType[] = [
  "released",
  "nak",
  "expired",
  "store-unavailable",
  "delivered",
  "acknowledged",
];

/** Yields the failed dispatch of every key on which nothing happened since, latest first. */
export function* failedEvents(trace: EventRing): Generator<TraceEvent, void> {
  const decided = new Set<string>();
  for (const event of trace.backwards()) {
    const { storeKey } = event.identity;
    if (decided.has(storeKey) || UNDECIDED.includes(event.type)) continue;
    decided.add(storeKey);
    if (event.type === "failed") yield event;
  }
}
