import type { TraceEvent } from "../../trace/trace-event.ts";

/** State of a replica between two events. `lost` means that its handler runs although it does not hold the key. */
export type LaneState = "idle" | "held" | "lost";

/** One replica's lane at one event. */
export interface LaneCell {
  readonly before: LaneState;
  readonly after: LaneState;
  /** True if the event happened on this replica. */
  readonly isHere: boolean;
}

export interface TimelineRow {
  readonly event: TraceEvent;
  /** Time since the first event, and since the previous event. */
  readonly sinceFirstMs: number;
  readonly sinceLastMs: number;
  /** Fence of the reservation that this one took over, because its holder did not settle it; otherwise undefined. */
  readonly tookOverFrom: number | undefined;
  /** Cells in the order of the lanes. */
  readonly cells: readonly LaneCell[];
}

/** Timeline of one key: a lane for each replica, a row for each event. */
export interface Timeline {
  readonly lanes: readonly string[];
  readonly rows: readonly TimelineRow[];
}

export function timelineOf(trace: readonly TraceEvent[]): Timeline {
  const lanes = [...new Set(trace.map(({ replica }) => replica))];
  const states = new Map<string, LaneState>();
  const firstMs = trace[0]?.atMs ?? 0;
  const takeovers = takeoversIn(trace);
  const rows = trace.map((event, index): TimelineRow => {
    const before = new Map(states);
    for (const lane of lanes) states.set(lane, stateAfter(event, lane, states.get(lane) ?? "idle"));
    return {
      event,
      sinceFirstMs: event.atMs - firstMs,
      sinceLastMs: event.atMs - (trace[index - 1]?.atMs ?? event.atMs),
      tookOverFrom: takeovers.get(event),
      cells: lanes.map((lane) => ({
        before: before.get(lane) ?? "idle",
        after: states.get(lane) ?? "idle",
        isHere: lane === event.replica,
      })),
    };
  });
  return { lanes, rows };
}

/** Returns the reservations that replaced an unsettled one, with the fence of that one. */
export function takeoversIn(trace: readonly TraceEvent[]): ReadonlyMap<TraceEvent, number> {
  const takeovers = new Map<TraceEvent, number>();
  let openFence = 0;
  for (const event of trace) {
    if (event.type === "reserved") {
      if (openFence !== 0 && openFence !== event.fence) takeovers.set(event, openFence);
      openFence = event.fence;
    } else if (event.type === "committed" || event.type === "released" || event.type === "cleared") openFence = 0;
  }
  return takeovers;
}

function stateAfter(event: TraceEvent, lane: string, state: LaneState): LaneState {
  // A key has one holder, so another replica's reservation means that this one lost the key.
  if (event.replica !== lane) return event.type === "reserved" && state === "held" ? "lost" : state;
  switch (event.type) {
    case "reserved":
      return "held";
    case "renewed":
    case "dispatched":
    case "failed":
      return state === "idle" ? "held" : state;
    case "expired":
    case "unprotected":
      return "lost";
    case "committed":
    case "superseded":
    case "unconfirmed":
    case "released":
    case "lapsed":
    case "cleared":
    case "crashed":
      return "idle";
    case "duplicate":
    case "pending":
    case "store-unavailable":
    case "result-not-kept":
    case "delivered":
    case "began":
    case "acknowledged":
    case "nak":
    case "frozen":
    case "fault":
      return state;
  }
}
