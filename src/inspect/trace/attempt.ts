import type { Suspicion } from "../conclusions/suspicion.ts";
import type { KeyedIdentity, TraceEvent } from "./trace-event.ts";

/** Progress of an attempt: its handler runs, it writes the commit, or it releases the key. */
export type AttemptPhase = "running" | "committing" | "releasing";

/** State of the attempt's reservation. An attempt that runs without protection never held one. */
export type Hold = "held" | "lost" | "never";

/** An attempt in flight: from its reservation, or its unprotected dispatch, to its end. */
export interface TracedAttempt {
  /** Unique among the attempts in flight. */
  readonly id: string;
  readonly identity: KeyedIdentity;
  readonly owner: string;
  /** The number of the attempt, counted over all attempts at the event. */
  readonly attempt: number;
  readonly fence: number;
  /** Revision of its record in the store. */
  readonly revision: number;
  /** Number of times the lease was renewed. */
  readonly renewals: number;
  readonly phase: AttemptPhase;
  readonly hold: Hold;
  readonly beganAtMs: number;
  /** Start of the current lease. */
  readonly leaseFromMs: number;
  readonly leaseMs: number;
  /** Why the attempt needs attention, as of the latest assessment. */
  readonly suspicion: Suspicion | undefined;
  /** Number of the change that began it, and of its latest change, counted over all attempts. */
  readonly began: number;
  readonly changed: number;
}

export type Mutable<Value> = { -readonly [Name in keyof Value]: Value[Name] };

/** Returns the attempt that an event begins. The caller updates this object while the attempt lasts. */
export function attemptFrom(event: TraceEvent, hold: Hold): Mutable<TracedAttempt> {
  const { identity, replica, attempt, fence, revision, atMs } = event;
  return {
    id: attemptId(identity.storeKey, replica, hold),
    identity,
    owner: replica,
    attempt,
    fence,
    revision,
    renewals: 0,
    phase: "running",
    hold,
    beganAtMs: atMs,
    leaseFromMs: atMs,
    leaseMs: event.forMs,
    suspicion: undefined,
    began: 0,
    changed: 0,
  };
}

/** Returns the id of an attempt. A key has one holder, and any number of attempts that do not hold it. */
export function attemptId(storeKey: string, owner: string, hold: Hold): string {
  return hold === "held" ? storeKey : `${storeKey} ${owner}`;
}

/** Returns the rest of the lease in milliseconds, negative after its end. */
export function remainingLeaseMs({ leaseFromMs, leaseMs }: TracedAttempt, nowMs: number): number {
  return leaseFromMs + leaseMs - nowMs;
}
