import type { DedupKeyEvent } from "../machines/dedup-key.ts";
import type { Clock } from "./clock.ts";
import type { Deadline, DeadlineQueue } from "./deadline-queue.ts";

const RENEWALS_PER_LEASE = 3;

/** What a lease needs of the flight that holds it. */
export interface LeaseTerms {
  readonly leaseMs: number;
  readonly renew: boolean;
  readonly clock: Clock;
  readonly deadlines: DeadlineQueue;
  readonly send: (event: DedupKeyEvent) => void;
}

/**
 * The lease of one reservation, on the holder's own clock. It counts from before the write that began it was *first* sent,
 * however often that is repeated: so it ends here before the store can let go of it.
 */
export class Lease {
  readonly #terms: LeaseTerms;
  /** When the write that is to begin the next lease was first sent; none is under way or in doubt without it. */
  #sentAtMs: number | undefined;
  #fromMs: number | undefined;
  #end: Deadline | undefined;
  #renewal: Deadline | undefined;

  constructor(terms: LeaseTerms) {
    this.#terms = terms;
  }

  /** A write that begins a lease is sent; an earlier one that is in doubt is taken for the same, unless this is `afresh`. */
  send(how: "afresh" | "again"): void {
    if (how === "afresh") this.#sentAtMs = this.#nowMs;
    else this.#sentAtMs ??= this.#nowMs;
  }

  /** Whether a write has been sent of which nothing is known. */
  get isInDoubt(): boolean {
    return this.#sentAtMs !== undefined;
  }

  /** Whether the lease that the write was to begin is over already. */
  get isLate(): boolean {
    return this.#sentAtMs !== undefined && this.#nowMs >= this.#sentAtMs + this.#terms.leaseMs;
  }

  /** How long it lasts at most without a renewal. */
  get leftMs(): number {
    return Math.max(0, this.#endsAtMs - this.#nowMs);
  }

  /** The write stands: the lease begins. Says whether it is the first of the reservation, or a renewed one. */
  begin(): "first" | "renewed" {
    const which = this.#fromMs === undefined ? "first" : "renewed";
    this.#fromMs = this.#sentAtMs ?? this.#nowMs;
    this.#sentAtMs = undefined;
    this.stop();
    if (this.#terms.renew) this.#renewAt(this.#fromMs + this.#terms.leaseMs / RENEWALS_PER_LEASE);
    else this.#armEnd();
    return which;
  }

  renewIn(pauseMs: number): void {
    this.#renewAt(this.#nowMs + pauseMs);
  }

  stop(): void {
    this.#end?.cancel();
    this.#renewal?.cancel();
    this.#end = undefined;
    this.#renewal = undefined;
  }

  /** The end is armed with the first renewal: most dispatches are over by then, and have cost one deadline. */
  #renewAt(atMs: number): void {
    this.#renewal?.cancel();
    this.#renewal = this.#terms.deadlines.add(atMs, () => {
      if (this.#end === undefined) this.#armEnd();
      if (this.#nowMs < this.#endsAtMs) this.#terms.send({ type: "renewal.due" });
    });
  }

  #armEnd(): void {
    this.#end = this.#terms.deadlines.add(this.#endsAtMs, () => this.#terms.send({ type: "lease.ended" }));
  }

  get #endsAtMs(): number {
    return (this.#fromMs ?? this.#nowMs) + this.#terms.leaseMs;
  }

  get #nowMs(): number {
    return this.#terms.clock.monotonicMs();
  }
}
