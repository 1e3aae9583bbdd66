import type { CommitOutcome } from "../model/decision.ts";
import type { DedupRecord } from "../model/record.ts";
import type { Revision } from "../model/store.ts";

/**
 * A history is what was seen of a run, simulated or real: one line for each thing that was seen, as NDJSON in a file.
 *
 * A recorder's lines stand in the order in which it saw them, behind a header of its own; files of several recorders are simply
 * put one behind the other. Processes have no common order. What orders the lines of two recorders is `atMs`, if both name the
 * same clock (all processes of one machine can: its monotonic clock); and the revisions of the store's writes, always.
 */
export type History = readonly HistoryLine[];

/** One line of a history. */
export type HistoryLine = Header | SeenLine;

/** Begins the lines of one recorder, up to the next header. */
export interface Header {
  readonly type: "history";
  readonly version: 1;
  /** Names the clock of `atMs`: equal names, comparable times. */
  readonly clock: string;
}

/** One thing that was seen, by whom it was done, and when. */
export type SeenLine = Seen & {
  /** Whose doing it is: a process that runs handlers (its `owner`), or `store`, `broker`, … A new process has a new name. */
  readonly process: string;
  /** Milliseconds by the recorder's clock; never falls from one line of a recorder to the next. */
  readonly atMs: number;
};

/** What can be seen. Of each is said when it is to be recorded, since that is what a judge relies on. */
export type Seen =
  | Delivered
  | Answered
  | Invoked
  | Acknowledged
  | Failed
  | Unknown
  | EffectBegan
  | EffectTold
  | EffectLooked
  | EffectEnded
  | StoreHeld
  | StoreRemoved
  | Fault
  | Frozen
  | Died
  | Settled;

/** A message with an event came to a process; recorded before its handler is called. */
export interface Delivered {
  readonly type: "delivered";
  /** The event's id. One id is one event: deliveries for two subscriptions are two histories, or have two names. */
  readonly event: string;
  /** Tells the deliveries of an event apart, counting from 1. */
  readonly delivery: number;
}

/** What became of a delivery; recorded before the broker is told. */
export type Answered = { readonly type: "answered"; readonly event: string; readonly delivery: number } & Answer;

export type Answer =
  | {
      readonly answer: "acknowledged";
      /** `returned` when the handler did not say why. */
      readonly because: "dispatched" | "duplicate" | "returned";
      /** How the dispatch was recorded, as `guard` and `commit` tell. */
      readonly commit?: CommitOutcome;
    }
  | {
      readonly answer: "put back";
      readonly because: "pending" | "failed";
      readonly afterMs: number;
      /** What was thrown, in words. */
      readonly error?: string;
      /** The code of an error of Latchkey. */
      readonly code?: string;
    };

/** What is asked of a store: the operations of the protocol, an operator's `clear`, and those of any other register. */
export type Operation = "reserve" | "renew" | "commit" | "release" | "read" | "clear" | "get" | "put" | "delete";

/** An operation is sent; recorded before it is. `op` numbers the operations of one process. */
export interface Invoked {
  readonly type: "invoke";
  readonly op: number;
  readonly operation: Operation;
  readonly key: string;
  /** The event that the key is for, where the operation shows it. */
  readonly event?: string;
  readonly token?: string;
  /** The revision that a compare-and-set expects to find; 0 for none. Without it the write is unconditional. */
  readonly expected?: Revision;
  /** The fence of the reservation; 0 for one that is only now being written. */
  readonly fence?: number;
  readonly leaseMs?: number;
  readonly ttlMs?: number;
  /** What a `put` is to write. */
  readonly value?: unknown;
}

/** The operation was done; recorded when the answer is there. It was done between its `invoke` and this line. */
export interface Acknowledged {
  readonly type: "ok";
  readonly op: number;
  /** The revision that was written, or read; 0 when a read found nothing. */
  readonly revision?: Revision;
  /** The token and the state of the record that a `read` found. */
  readonly token?: string;
  readonly state?: DedupRecord["state"];
  /** What a `get` found. */
  readonly value?: unknown;
}

/** The operation was not done by who answered; of several servers another may have done it, while they disagree who leads. */
export interface Failed {
  readonly type: "fail";
  readonly op: number;
  readonly because: "conflict" | "refused";
  /** What stood in the way, when it is known: its revision, and the token and the state of the record. */
  readonly revision?: Revision;
  readonly token?: string;
  readonly state?: DedupRecord["state"];
}

/** Nobody knows whether the operation was done, or still will be. */
export interface Unknown {
  readonly type: "unknown";
  readonly op: number;
  readonly because: string;
}

/** The handler's effect on the world began; recorded before it does. */
export interface EffectBegan {
  readonly type: "effect.began";
  readonly event: string;
  /** Numbers the effects of one process. */
  readonly effect: number;
  /** Tells apart the different things that are done for one event. */
  readonly name: string;
  /** The fence that it was given; 0 for none. */
  readonly fence: number;
  /** Whether it was given a signal that can tell it to stop. */
  readonly hasSignal: boolean;
  /** When the signal was looked at last, as in `effect.looked`, where that is recorded. */
  readonly turnMs?: number;
}

/** A running effect looked at its signal, which had not fired; recorded after it did. */
export interface EffectLooked {
  readonly type: "effect.looked";
  readonly event: string;
  readonly effect: number;
  /** When the last whole turn of the event loop began before the look: what was due by then had been done. */
  readonly turnMs: number;
}

/** The signal of a running effect fired. */
export interface EffectTold {
  readonly type: "effect.told";
  readonly event: string;
  readonly effect: number;
}

/** The effect is over; recorded after it is. */
export interface EffectEnded {
  readonly type: "effect.ended";
  readonly event: string;
  readonly effect: number;
  readonly failed: boolean;
}

/** The store holds this since that revision; recorded some time after it came to be so. */
export type StoreHeld = { readonly type: "store.held"; readonly key: string; readonly revision: Revision } & (
  | { readonly record: DedupRecord }
  | { readonly value: unknown }
);

/** The store holds nothing since that revision; recorded some time after. A key whose time is up is not announced. */
export interface StoreRemoved {
  readonly type: "store.removed";
  readonly key: string;
  readonly revision: Revision;
}

/** Something goes wrong; recorded before it does. `amnesia` excuses what the store's forgetting breaks from then on. */
export interface Fault {
  readonly type: "fault";
  readonly fault: string;
}

/** The process stands still, as under SIGSTOP; recorded before it does. It may be told late. */
export interface Frozen {
  readonly type: "frozen";
}

/** The process is no more; recorded before it is killed. */
export interface Died {
  readonly type: "died";
}

/** The run is over, and nothing was left to be done: what was not acknowledged by now never will be. */
export interface Settled {
  readonly type: "settled";
  /** The events of which a message was given up, where the broker knows. */
  readonly unacknowledged?: readonly string[];
}
