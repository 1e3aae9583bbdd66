import type { Timer } from "../internal/timer-queue.ts";
import type { AttemptContext } from "./attempt-context.ts";

const RENEWALS_PER_LEASE = 3;

/**
 * The lease of one reservation, on the holder's own clock. It counts from before the write that began it was *first* sent,
 * however often that is repeated: so it ends here before the store can let go of it.
 */
export class Lease {
  readonly #of: AttemptContext;
  readonly #renews: boolean;
  /** When the write that is to begin the next lease was first sent; none is under way or in doubt without it. */
  #sentAtMs: number | undefined;
  #fromMs: number | undefined;
  #end: Timer | undefined;
  #renewal: Timer | undefined;

  /** @param renews whether it is to be renewed, every third of it. */
  constructor(of: AttemptContext, renews: boolean) {
    this.#of = of;
    this.#renews = renews;
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
    return this.#sentAtMs !== undefined && this.#nowMs >= this.#sentAtMs + this.#of.how.leaseMs;
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
    if (this.#renews) this.#renewAt(this.#fromMs + this.#of.how.leaseMs / RENEWALS_PER_LEASE);
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
    this.#renewal = this.#of.deadlines.add(atMs, () => {
      if (this.#end === undefined) this.#armEnd();
      if (this.#nowMs < this.#endsAtMs) this.#of.send({ type: "renewal.due" });
    });
  }

  #armEnd(): void {
    this.#end = this.#of.deadlines.add(this.#endsAtMs, () => this.#of.send({ type: "lease.ended" }));
  }

  get #endsAtMs(): number {
    return (this.#fromMs ?? this.#nowMs) + this.#of.how.leaseMs;
  }

  get #nowMs(): number {
    return this.#of.clock.monotonicMs();
  }
}
