import type { EventRef, TraceEvent } from "./trace-event.ts";

/** What is under way: the handler runs; it has returned, and the commit is written; it has failed, and the key is given back. */
export type Phase = "running" | "committing" | "releasing";

/** Whether the flight holds its key: it does; it did, and lost it; or it never did, as the store was out of reach. */
export type Hold = "held" | "lost" | "never";

/** A delivery in flight: from its reservation, or from its dispatch without one, to its end. */
export interface Attempt {
  /** Tells it from every other one in flight. */
  readonly id: string;
  readonly identity: EventRef;
  readonly owner: string;
  readonly attempt: number;
  readonly fence: number;
  /** Of its record in the store. */
  readonly revision: number;
  /** How often it was renewed. */
  readonly renewals: number;
  readonly phase: Phase;
  readonly hold: Hold;
  readonly beganAtMs: number;
  /** When its present lease began. */
  readonly leaseFromMs: number;
  readonly leaseMs: number;
  /** Which change of all flights began it, and which was the last of it. */
  readonly began: number;
  readonly changed: number;
}

/** The flight that a step begins. The same object while it lasts: who keeps it up with the steps changes it. */
export function attemptFrom(step: TraceEvent, hold: Hold): Changeable<Attempt> {
  const { identity, replica, attempt, fence, revision, atMs } = step;
  return {
    id: idOf(identity.storeKey, replica, hold),
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
    leaseMs: step.forMs,
    began: 0,
    changed: 0,
  };
}

/** A key has one holder, and any number of flights beside it that lost it or never had it. */
export function idOf(storeKey: string, owner: string, hold: Hold): string {
  return hold === "held" ? storeKey : `${storeKey} ${owner}`;
}

/** How much is left of the lease, in milliseconds; negative when it has ended. */
export function leaseLeftMs({ leaseFromMs, leaseMs }: Attempt, nowMs: number): number {
  return leaseFromMs + leaseMs - nowMs;
}

export type Changeable<Value> = { -readonly [Name in keyof Value]: Value[Name] };
