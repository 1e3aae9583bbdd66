import type { CommitOutcome } from "../model/decision.ts";
import type { DedupRecord } from "../model/record.ts";
import type { Revision } from "../model/store.ts";

/**
 * History of a run, simulated or real: one line per observation, as NDJSON in a file.
 *
 * Each recorder writes a header and then its lines in the order of observation. Files of several recorders may be concatenated.
 * Processes share no order. The lines of two recorders are ordered by the revisions of the store's writes. They are also ordered by
 * `atMs` if both recorders name the same clock, such as the machine's monotonic clock.
 */
export type History = readonly HistoryLine[];

/** One line of a history. */
export type HistoryLine = HistoryHeader | SeenLine;

/** First line of one recorder. Its lines end at the next header. */
export interface HistoryHeader {
  readonly type: "history";
  /** Version of the format. */
  readonly version: 1;
  /** Name of the clock that `atMs` is read from. Times of equally named clocks are comparable. */
  readonly clock: string;
  /** Guarantees that the run breaks, if it was judged before it was saved. The judge does not read it. */
  readonly violations?: readonly RecordedViolation[];
}

/** A broken guarantee, for people who open the run later. */
export interface RecordedViolation {
  /** The broken guarantee: `G3 (no second dispatch)`. */
  readonly guarantee: string;
  /** Number of the line that shows it, counting from 1, the header included. */
  readonly line: number;
  /** Explanation in words. */
  readonly why: string;
}

/** One observation, with its process and its time. */
export type SeenLine = Seen & {
  /** Actor: a process that runs handlers (its `owner`), or `store`, `broker`, … A restarted process has a new name. */
  readonly process: string;
  /** Time by the recorder's clock, in milliseconds. It never falls from one line of a recorder to the next. */
  readonly atMs: number;
};

/** Observations of some types, as lines of a history. */
export type LineOf<Type extends Seen["type"]> = Extract<SeenLine, { readonly type: Type }>;

/** Kinds of observations. Each states when to record it, because the judge relies on that moment. */
export type Seen =
  | Delivered
  | Answered
  | Invoked
  | Acknowledged
  | Failed
  | Unknown
  | EffectBegan
  | EffectAborted
  | EffectChecked
  | EffectEnded
  | TransactionEnded
  | StoreHeld
  | StoreRemoved
  | Fault
  | Frozen
  | Died
  | Settled;

/** A message with an event reached a process. Record it before calling the handler. */
export interface Delivered {
  readonly type: "delivered";
  /** Id of the event. Deliveries for two subscriptions need two ids, or two histories. */
  readonly event: string;
  /** Number of the delivery of this event, counting from 1. */
  readonly delivery: number;
}

/** A delivery was answered. Record it before sending the answer to the broker. */
export type Answered = { readonly type: "answered"; readonly event: string; readonly delivery: number } & Answer;

/** Answer to a delivery. */
export type Answer =
  | {
      readonly answer: "acknowledged";
      /** Reason of the acknowledgement; `returned` if the handler gave none. */
      readonly because: "dispatched" | "duplicate" | "returned";
      /** Outcome of the commit, as `guard` and `commit` report it. */
      readonly commit?: CommitOutcome;
    }
  | {
      readonly answer: "nak";
      readonly because: "pending" | "failed";
      /** Delay of the redelivery, in milliseconds. */
      readonly afterMs: number;
      /** Message of the thrown error. */
      readonly error?: string;
      /** Code of a `LatchkeyError`. */
      readonly code?: string;
    };

/** Store operations: those of the protocol, an operator's `clear`, and those of any other register. */
export type Operation = "reserve" | "renew" | "commit" | "release" | "read" | "clear" | "get" | "put" | "delete";

/** An operation was sent. Record it before sending. */
export interface Invoked {
  readonly type: "invoke";
  /** Number of the operation within its process. */
  readonly op: number;
  /** Kind of the operation. */
  readonly operation: Operation;
  /** Key of the operation. */
  readonly key: string;
  /** Event that the key belongs to, if the operation shows it. */
  readonly event?: string;
  /** Token of the written record. */
  readonly token?: string;
  /** Revision that a compare-and-set expects; 0 for an empty key. Without it, the write is unconditional. */
  readonly expected?: Revision;
  /** Fence of the reservation; 0 in its first write. */
  readonly fence?: number;
  /** Lease of the written reservation, in milliseconds. */
  readonly leaseMs?: number;
  /** Time to live of the write, in milliseconds. */
  readonly ttlMs?: number;
  /** Value that a `put` writes. */
  readonly value?: unknown;
}

/** The operation was applied. Record it when the answer arrives. It was applied between its `invoke` and this line. */
export interface Acknowledged {
  readonly type: "ok";
  readonly op: number;
  /** Revision that was written or read; 0 if a read found an empty key. */
  readonly revision?: Revision;
  /** Token of the record that a `read` found. */
  readonly token?: string;
  /** State of the record that a `read` found. */
  readonly state?: DedupRecord["state"];
  /** Value that a `get` found. */
  readonly value?: unknown;
}

/** The answering server did not apply the operation. Another server may have, while they disagree about the leader. */
export interface Failed {
  readonly type: "fail";
  readonly op: number;
  readonly because: "conflict" | "refused";
  /** Revision of the conflicting record, if known. */
  readonly revision?: Revision;
  /** Token of the conflicting record, if known. */
  readonly token?: string;
  /** State of the conflicting record, if known. */
  readonly state?: DedupRecord["state"];
}

/** The result of the operation is unknown: it may have been applied, or may be applied later. */
export interface Unknown {
  readonly type: "unknown";
  readonly op: number;
  readonly because: string;
}

/** An effect of the handler began. Record it before it begins. */
export interface EffectBegan {
  readonly type: "effect.began";
  /** Event that the effect is for. */
  readonly event: string;
  /** Number of the effect within its process. */
  readonly effect: number;
  /** Name that distinguishes the effects of one event. */
  readonly name: string;
  /** Fence that the effect received; 0 for none. */
  readonly fence: number;
  /** True if the effect received a signal. */
  readonly hasSignal: boolean;
  /** Time of the last check of the signal, as in `effect.checked`, if recorded. */
  readonly turnMs?: number;
}

/** A running effect checked its signal, which had not aborted. Record it after the check. */
export interface EffectChecked {
  readonly type: "effect.checked";
  readonly event: string;
  readonly effect: number;
  /** Start of the last complete turn of the event loop before the check: everything due by then had run. */
  readonly turnMs: number;
}

/** The signal of a running effect aborted. */
export interface EffectAborted {
  readonly type: "effect.aborted";
  readonly event: string;
  readonly effect: number;
}

/** The effect ended. Record it afterwards. */
export interface EffectEnded {
  readonly type: "effect.ended";
  readonly event: string;
  readonly effect: number;
  readonly failed: boolean;
}

/**
 * A transaction with an effect ended otherwise than its effect: it was rolled back, its answer was lost, or it found its marker. Record
 * it when the handler learns it.
 */
export interface TransactionEnded {
  readonly type: "transaction.ended";
  readonly event: string;
  /** Name of the effect. */
  readonly name: string;
  /** True if the handler gets an error; false if the effect had happened before. */
  readonly failed: boolean;
}

/** The store holds this record or value since `revision`. Recorded some time later. */
export type StoreHeld = { readonly type: "store.held"; readonly key: string; readonly revision: Revision } & (
  | { readonly record: DedupRecord }
  | { readonly value: unknown }
);

/** The key is empty since `revision`. Recorded some time later. Expiry is not reported. */
export interface StoreRemoved {
  readonly type: "store.removed";
  readonly key: string;
  readonly revision: Revision;
}

/** A fault. Record it before it happens. `amnesia` excuses what the store's forgetting breaks from then on. */
export interface Fault {
  readonly type: "fault";
  readonly fault: string;
}

/** The process is paused, as under SIGSTOP. Record it before. Its signals may abort late. */
export interface Frozen {
  readonly type: "frozen";
}

/** The process died. Record it before killing the process. */
export interface Died {
  readonly type: "died";
}

/** The run ended with nothing left to do: a message that is not acknowledged by now never will be. */
export interface Settled {
  readonly type: "settled";
  /** Events with a message that the broker gave up, if known. */
  readonly unacknowledged?: readonly string[];
  /** Events with a message that became a dead letter, if any. */
  readonly deadLettered?: readonly string[];
}
