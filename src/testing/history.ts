import type { CommitOutcome } from "../decision.ts";
import type { StoreKey } from "../key.ts";
import type { DedupRecord } from "../record.ts";

/** What was seen to happen in a run, by an observer outside of the handlers. */
export type Observation =
  | { readonly type: "delivered"; readonly event: string; readonly delivery: number }
  /** The handler's side effect on the world began. `signal` is the one that was to stop it in time. */
  | {
      readonly type: "effect.began";
      readonly event: string;
      readonly effect: number;
      readonly fence: number | undefined;
    }
  | { readonly type: "effect.ended"; readonly event: string; readonly effect: number; readonly failed: boolean }
  /** The signal of a running effect fired. */
  | { readonly type: "effect.told"; readonly event: string; readonly effect: number }
  | { readonly type: "answered"; readonly event: string; readonly delivery: number; readonly answer: Answer }
  | { readonly type: "store.held"; readonly key: StoreKey; readonly revision: number; readonly record: DedupRecord }
  | { readonly type: "store.removed"; readonly key: StoreKey; readonly revision: number }
  | { readonly type: "fault"; readonly fault: string }
  /** The task stands still; it may be told late from now on. */
  | { readonly type: "frozen" }
  | { readonly type: "died" };

/** What the handler did with a delivery. */
export type Answer =
  | { readonly type: "acknowledged"; readonly because: "dispatched" | "duplicate"; readonly commit?: CommitOutcome }
  | { readonly type: "put back"; readonly because: "pending" | "failed" | "unavailable"; readonly afterMs: number };

/** One line of a run. */
export type Line = Observation & { readonly atMs: number; readonly task: string };
