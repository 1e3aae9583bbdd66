import type { CommitOutcome } from "./decision.ts";

/** One operation on a key: its stage and outcome. */
export type Operation =
  /** `mismatch`: the event was committed with another fingerprint. `unprotected`: the store is unreachable, and the handler runs anyway. */
  | { readonly stage: "reserve"; readonly outcome: "unseen" | "duplicate" | "mismatch" | "pending" | "unprotected" }
  | { readonly stage: "dispatch"; readonly outcome: "returned" | "threw" }
  | { readonly stage: "commit"; readonly outcome: CommitOutcome | "result-not-kept" }
  | { readonly stage: "lease"; readonly outcome: "renewed" | "expired" | "released" | "left to expire" }
  /** A request to the store failed. */
  | { readonly stage: "store"; readonly outcome: "unavailable" };

/** One operation on a key, with the durations that it ends, in milliseconds. */
export type Measurement = Operation & {
  /** Time that the store took to decide, to commit or to release, or that the handler took. */
  readonly durationMs: number | undefined;
  /** Time from the decision to the commit or release. */
  readonly heldMs: number | undefined;
};
