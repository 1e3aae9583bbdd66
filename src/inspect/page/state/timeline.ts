import type { TraceEvent } from "../../trace/trace-event.ts";

/** What a replica has of the key between two steps: nothing; it holds it; or its handler runs though the key is not its own. */
export type LaneState = "idle" | "held" | "lost";

/** One replica's lane at one step. */
export interface LaneCell {
  readonly before: LaneState;
  readonly after: LaneState;
  /** Whether the step is this replica's. */
  readonly isHere: boolean;
}

export interface TimelineRow {
  readonly step: TraceEvent;
  /** Since the first step, and since the one before. */
  readonly sinceFirstMs: number;
  readonly sinceLastMs: number;
  /** In the order of the lanes. */
  readonly cells: readonly LaneCell[];
}

/** The life of a key over replicas: a lane for each, a row for each step. */
export interface Timeline {
  readonly lanes: readonly string[];
  readonly rows: readonly TimelineRow[];
}

export function timelineOf(steps: readonly TraceEvent[]): Timeline {
  const lanes = [...new Set(steps.map(({ replica }) => replica))];
  const states = new Map<string, LaneState>();
  const firstMs = steps[0]?.atMs ?? 0;
  const rows = steps.map((step, index): TimelineRow => {
    const before = new Map(states);
    for (const lane of lanes) states.set(lane, stateAfter(step, lane, states.get(lane) ?? "idle"));
    return {
      step,
      sinceFirstMs: step.atMs - firstMs,
      sinceLastMs: step.atMs - (steps[index - 1]?.atMs ?? step.atMs),
      cells: lanes.map((lane) => ({
        before: before.get(lane) ?? "idle",
        after: states.get(lane) ?? "idle",
        isHere: lane === step.replica,
      })),
    };
  });
  return { lanes, rows };
}

function stateAfter(step: TraceEvent, lane: string, state: LaneState): LaneState {
  // A key has one holder: who held it before another reserved it has lost it.
  if (step.replica !== lane) return step.type === "reserved" && state === "held" ? "lost" : state;
  switch (step.type) {
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
    case "put-back":
    case "frozen":
    case "fault":
      return state;
  }
}
