import type { DedupEventDetail } from "../model/event.ts";
import type { Measurement } from "../model/measurement.ts";

/** What an attempt reports. Rejected calls report the other events. */
export type AttemptDetail = Exclude<DedupEventDetail, { readonly type: "duplicate" | "pending" }>;

/** Times at which the stages of one attempt began, while it is measured. */
export class StageTimes {
  readonly #startedAtMs: number;
  #grantedAtMs: number | undefined;
  /** Absent until the handler returns or throws. */
  #handledAtMs: number | undefined;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  measure(detail: AttemptDetail, nowMs: number): Measurement {
    const sinceStartMs = nowMs - this.#startedAtMs;
    const sinceGrantMs = since(this.#grantedAtMs, nowMs);
    const sinceHandledMs = since(this.#handledAtMs, nowMs);
    switch (detail.type) {
      case "reserved":
        this.#grantedAtMs = nowMs;
        return { stage: "reserve", outcome: "unseen", durationMs: sinceStartMs, heldMs: undefined };
      case "unprotected":
        this.#grantedAtMs = nowMs;
        return { stage: "reserve", outcome: "unprotected", durationMs: undefined, heldMs: undefined };
      case "store-unavailable": {
        const durationMs = sinceGrantMs === undefined ? sinceStartMs : undefined;
        return { stage: "store", outcome: "unavailable", durationMs, heldMs: undefined };
      }
      case "dispatched":
        this.#handledAtMs = nowMs;
        return { stage: "dispatch", outcome: "returned", durationMs: sinceGrantMs, heldMs: undefined };
      case "failed":
        this.#handledAtMs = nowMs;
        return { stage: "dispatch", outcome: "threw", durationMs: sinceGrantMs, heldMs: undefined };
      case "renewed":
      case "expired":
        return { stage: "lease", outcome: detail.type, durationMs: undefined, heldMs: undefined };
      case "result-not-kept":
        return { stage: "commit", outcome: detail.type, durationMs: undefined, heldMs: undefined };
      case "committed":
        return { stage: "commit", outcome: detail.commit, durationMs: sinceHandledMs, heldMs: sinceGrantMs };
      case "superseded":
      case "unconfirmed":
        return { stage: "commit", outcome: detail.type, durationMs: sinceHandledMs, heldMs: sinceGrantMs };
      case "released": {
        const outcome = detail.left === "nothing" ? "released" : "left to expire";
        return { stage: "lease", outcome, durationMs: sinceHandledMs, heldMs: sinceGrantMs };
      }
    }
  }
}

/** Returns `undefined` for a stage whose beginning was not measured. */
function since(fromMs: number | undefined, nowMs: number): number | undefined {
  return fromMs === undefined ? undefined : nowMs - fromMs;
}
